import type { Redis } from 'ioredis';

type Bytes = string | Buffer;

const bytesOf = (bytes: Bytes): Buffer => Buffer.from(bytes);

/** The PHP and Go clients of the original Delayer: the commands that they send, in order, by docs/protocol.md. */
export class OriginalClient {
  constructor(
    protected readonly redis: Redis,
    protected readonly prefix = 'delayer',
  ) {}

  /** Delay and ready lifetime in whole seconds, on the client's own clock. */
  async push(id: Bytes, topic: Bytes, body: Bytes, delay: number, ttl = 604_800): Promise<boolean> {
    const due = Math.floor(Date.now() / 1000) + delay;
    await this.call('MULTI');
    await this.call('HMSET', this.bucket(id), 'topic', topic, 'body', body);
    await this.call('EXPIRE', this.bucket(id), delay + ttl);
    await this.call('ZADD', this.pool, due, id);
    const [, , added] = (await this.call('EXEC')) as unknown[];
    return added === 1;
  }

  /** Returns the next job, or undefined if the list is empty or the job has no body. */
  async pop(topic: Bytes): Promise<{ id: Buffer; topic: Buffer; body: Buffer } | undefined> {
    return this.fetch((await this.call('RPOP', this.ready(topic))) as Buffer | null);
  }

  async bPop(
    topic: Bytes,
    timeout: number,
  ): Promise<{ id: Buffer; topic: Buffer; body: Buffer } | undefined> {
    const reply = (await this.call('BRPOP', this.ready(topic), timeout)) as [Buffer, Buffer] | null;
    return this.fetch(reply?.[1] ?? null);
  }

  async remove(id: Bytes): Promise<boolean> {
    await this.call('MULTI');
    await this.call('ZREM', this.pool, id);
    await this.call('DEL', this.bucket(id));
    const [removed] = (await this.call('EXEC')) as unknown[];
    return removed === 1;
  }

  private async fetch(id: Buffer | null) {
    if (id === null) return undefined;
    const flat = (await this.call('HGETALL', this.bucket(id))) as Buffer[];
    await this.call('DEL', this.bucket(id));
    const fields = new Map<string, Buffer>();
    for (let i = 0; i + 1 < flat.length; i += 2) fields.set(String(flat[i]), flat[i + 1] ?? Buffer.alloc(0));
    const [topic, body] = [fields.get('topic'), fields.get('body')];
    return topic && body ? { id, topic, body } : undefined;
  }

  protected get pool(): string {
    return `${this.prefix}:job_pool`;
  }

  protected bucket(id: Bytes): Buffer {
    return Buffer.concat([Buffer.from(`${this.prefix}:job_bucket:`), bytesOf(id)]);
  }

  protected ready(topic: Bytes): Buffer {
    return Buffer.concat([Buffer.from(`${this.prefix}:ready_queue:`), bytesOf(topic)]);
  }

  protected async call(command: string, ...args: (Bytes | number)[]): Promise<unknown> {
    return this.redis.callBuffer(command, ...args);
  }
}

/** The original Go daemon: one tick is `move(await look(now))`. */
export class OriginalDaemon extends OriginalClient {
  async tick(nowSeconds = Math.floor(Date.now() / 1000)): Promise<void> {
    await this.move(await this.look(nowSeconds));
  }

  /** The first half of a tick: returns the due ids by topic, without those that have no body. */
  async look(nowSeconds = Math.floor(Date.now() / 1000)): Promise<Map<string, Buffer[]>> {
    const byTopic = new Map<string, Buffer[]>();
    const ids = (await this.call('ZRANGEBYSCORE', this.pool, 0, nowSeconds)) as Buffer[];
    for (const id of ids) {
      const [topic] = (await this.call('HMGET', this.bucket(id), 'topic')) as (Buffer | null)[];
      if (!topic) continue;
      const name = topic.toString('latin1');
      byTopic.set(name, [...(byTopic.get(name) ?? []), id]);
    }
    return byTopic;
  }

  /** The second half of a tick: moves ids to the ready lists. */
  async move(byTopic: Map<string, Buffer[]>): Promise<void> {
    for (const [name, ids] of byTopic) {
      await this.call('MULTI');
      await this.call('ZREM', this.pool, ...ids);
      await this.call('LPUSH', this.ready(Buffer.from(name, 'latin1')), ...ids);
      await this.call('EXEC');
    }
  }
}

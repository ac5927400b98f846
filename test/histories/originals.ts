import type { Redis } from 'ioredis';
import { expectSame } from './difference.js';
import { PREFIX } from './ground.js';
import type { Model } from './model.js';
import type { Step } from './operations.js';
import type { OriginalLine } from './original-line.js';

export type OriginalStep = Extract<Step, { does: `original ${string}` | 'flush scripts' | 'spoil' | 'heal' }>;

/**
 * The original clients and daemon: their commands (test/interop/original.ts) by the server's clock, one at a time if
 * other steps may come in between.
 */
export class Originals {
  /** A pop under way: the id that was popped from its list, and whether its body was read. */
  private popping: { id: string; isRead: boolean } | undefined;
  /** The due ids that a daemon has seen and not moved yet. */
  private looked: Map<string, string[]> | undefined;
  private bodies = 0;

  constructor(
    private readonly redis: Redis,
    private readonly line: OriginalLine,
    private readonly model: Model,
  ) {}

  describe(step: OriginalStep): string {
    return Object.values(step).join(' ');
  }

  async perform(step: OriginalStep, now: number): Promise<void> {
    switch (step.does) {
      case 'original push':
        return this.push(step, now);
      case 'original remove':
        return this.remove(step.id);
      case 'original pop':
        await this.take(step.topic);
        while (this.popping) await this.goOn(now);
        return;
      case 'original step of a pop':
        return this.popping ? this.goOn(now) : this.take(step.topic);
      case 'original client dies':
        this.popping = undefined;
        return;
      case 'original tick':
        return this.move(await this.look(now));
      case 'original ticks at once': {
        const found = await this.look(now);
        await this.move(found);
        return this.move(found);
      }
      case 'original half tick':
        if (this.looked) {
          await this.move(this.looked);
          this.looked = undefined;
        } else this.looked = await this.look(now);
        return;
      case 'spoil':
        return this.spoil(step.topic);
      case 'heal':
        return this.heal();
      case 'flush scripts':
        await this.redis.script('FLUSH');
        return;
    }
  }

  private async push(
    { id, topic, delay, ttl }: Extract<OriginalStep, { does: 'original push' }>,
    now: number,
  ): Promise<void> {
    const due = Math.floor(now / 1000) + delay;
    const body = `original ${(this.bodies += 1)}`;
    const bucket = `${PREFIX}:job_bucket:${id}`;
    const answers = await this.redis
      .multi()
      .hmset(bucket, { topic, body })
      .expire(bucket, delay + ttl)
      .zadd(`${PREFIX}:job_pool`, due, id)
      .exec();
    const job = {
      id,
      topic,
      body,
      number: this.model.nextNumber(),
      dueAt: due * 1000,
      expiresAt: this.model.byLast(now + (delay + ttl) * 1000),
      ttlMs: undefined,
      ...this.model.untried({}),
      place: undefined,
    };
    const isNew = this.line.originalPush(job, due * 1000);
    expectSame('original push', isNew, answers?.[2]?.[1] === 1);
  }

  private async remove(id: string): Promise<void> {
    const answers = await this.redis
      .multi()
      .zrem(`${PREFIX}:job_pool`, id)
      .del(`${PREFIX}:job_bucket:${id}`)
      .exec();
    expectSame('original remove', this.line.originalRemove(id), answers?.[0]?.[1] === 1);
  }

  private async spoil(topic: string): Promise<void> {
    if (this.line.list(topic).length > 0 || this.line.spoiled.has(topic)) return;
    this.line.spoiled.add(topic);
    await this.redis.set(`${PREFIX}:ready_queue:${topic}`, 'no list');
  }

  async heal(): Promise<void> {
    for (const topic of this.line.spoiled) await this.redis.del(`${PREFIX}:ready_queue:${topic}`);
    this.line.spoiled.clear();
  }

  /** RPOP. */
  private async take(topic: string): Promise<void> {
    if (this.line.spoiled.has(topic)) return;
    const expected = this.line.originalTake(topic);
    const id = await this.redis.rpop(`${PREFIX}:ready_queue:${topic}`);
    expectSame('original pop', expected ?? null, id);
    if (id !== null) this.popping = { id, isRead: false };
  }

  /** HGETALL, then DEL. */
  private async goOn(now: number): Promise<void> {
    if (!this.popping) return;
    const { id, isRead } = this.popping;
    const bucket = `${PREFIX}:job_bucket:${id}`;
    if (!isRead) {
      const { topic, body } = await this.redis.hgetall(bucket);
      const job = this.line.originalRead(id, now);
      expectSame('original pop: the body', { topic: job?.topic, body: job?.body }, { topic, body });
      this.popping.isRead = true;
      return;
    }
    await this.redis.del(bucket);
    this.line.originalDelete(id);
    this.popping = undefined;
  }

  private async look(now: number): Promise<Map<string, string[]>> {
    const ids = await this.redis.zrangebyscore(`${PREFIX}:job_pool`, 0, Math.floor(now / 1000));
    const found = new Map<string, string[]>();
    for (const id of ids) {
      const [topic] = await this.redis.hmget(`${PREFIX}:job_bucket:${id}`, 'topic');
      if (typeof topic === 'string') found.set(topic, [...(found.get(topic) ?? []), id]);
    }
    expectSame('original daemon: what is due', [...this.line.originalLook(now)], [...found]);
    return found;
  }

  private async move(found: Map<string, string[]>): Promise<void> {
    for (const [topic, ids] of found) {
      await this.redis
        .multi()
        .zrem(`${PREFIX}:job_pool`, ...ids)
        .lpush(`${PREFIX}:ready_queue:${topic}`, ...ids)
        .exec();
    }
    this.line.originalMove(found);
  }
}

import type { ModelJob } from './job.js';
import { RedisLine } from './redis-line.js';

/** The line of Redis, with the effect of each command of original clients and daemons. */
export class OriginalLine extends RedisLine {
  /** HMSET, EXPIRE, ZADD. @returns whether the id was not in the pool before */
  originalPush(job: ModelJob, dueAt: number): boolean {
    const isNew = !this.pool.has(job.id);
    job.dueAt = dueAt;
    job.place = { at: dueAt, turn: 0 };
    this.bodies.set(job.id, job);
    this.pushed.add(job);
    this.pool.set(job.id, job.place);
    return isNew;
  }

  /** RPOP. */
  originalTake(topic: string): string | undefined {
    return this.list(topic).shift();
  }

  /** HGETALL. */
  originalRead(id: string, now: number): ModelJob | undefined {
    return this.body(id, now);
  }

  /** DEL of the body. */
  originalDelete(id: string): void {
    this.bodies.delete(id);
  }

  /** ZREM, DEL. @returns whether the id was in the pool */
  originalRemove(id: string): boolean {
    this.bodies.delete(id);
    return this.pool.delete(id);
  }

  /** The first half of a tick of the original daemon: returns the due ids with a body, by topic. */
  originalLook(now: number): Map<string, string[]> {
    const second = Math.floor(now / 1000) * 1000;
    const found = new Map<string, string[]>();
    for (const id of this.poolIds()) {
      const place = this.pool.get(id);
      const job = this.body(id, now);
      const isDue = place !== undefined && (place.at < second || (place.at === second && place.turn === 0));
      if (job && isDue) found.set(job.topic, [...(found.get(job.topic) ?? []), id]);
    }
    return found;
  }

  /** The second half: ZREM and, whatever that returned, LPUSH. The due time of a moved job is lost. */
  originalMove(found: ReadonlyMap<string, readonly string[]>): void {
    for (const [topic, ids] of found) {
      for (const id of ids) {
        const job = this.bodies.get(id);
        if (this.pool.delete(id) && job) {
          job.place = undefined;
          job.dueAt = undefined;
          if (!this.memos.has(job)) job.ttlMs = undefined;
        }
        // If LPUSH fails, the job is in neither place.
        if (!this.spoiled.has(topic)) this.addUnnoted(id, topic);
      }
    }
  }
}

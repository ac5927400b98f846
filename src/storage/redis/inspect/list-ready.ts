import type { JobRecord } from '../../../core/job.js';
import { listReady } from '../scripts/list.js';
import type { Read } from './read.js';

/**
 * How many entries around those that are listed are searched for other entries of the same jobs. Two original
 * daemons leave them no further apart than the jobs of one of their ticks.
 */
const AROUND = 2000;
const READ_AT_ONCE = 1000;

/**
 * Lists a ready list part by part. A job that is in it twice is listed once, at the place where it is delivered.
 */
export class ReadyLister {
  /**
   * Ids as latin1 in the order of popping, from `first` on; ids read for one part are reused for the next.
   */
  private names: string[] = [];
  private first = 0;

  constructor(
    private readonly read: Read,
    private readonly topic: Buffer,
  ) {}

  async list(skip: number, limit: number) {
    const part = await this.read((target) => listReady(target, this.topic, { skip, limit }));
    if (!part || part.jobs.length === 0) return part;
    const from = Math.max(0, skip - AROUND);
    const names = await this.namesBetween(from, skip + part.lookedAt + AROUND);
    const entries = new Map<string, number>();
    for (const name of names) entries.set(name, (entries.get(name) ?? 0) + 1);
    const listed = new Set(names.slice(0, skip - from));
    const jobs = part.jobs.flatMap((job): JobRecord[] => {
      const name = job.id.toString('latin1');
      if (listed.has(name)) return [];
      listed.add(name);
      const count = entries.get(name) ?? 1;
      const isDoubled = count > 1 && job.state === 'ready';
      return [isDoubled ? { ...job, flaw: { type: 'doubled_entry', entries: count } } : job];
    });
    return { ...part, jobs };
  }

  private async namesBetween(from: number, to: number): Promise<string[]> {
    if (from < this.first || from > this.first + this.names.length) this.names = [];
    else this.names = this.names.slice(from - this.first);
    this.first = from;
    for (let at = from + this.names.length; at < to;) {
      const [first, last] = [at, Math.min(at + READ_AT_ONCE, to)];
      const ids = await this.read(({ redis, keys }) =>
        redis.lrangeBuffer(keys.ready(this.topic), -last, -first - 1),
      );
      for (const id of ids.reverse()) this.names.push(id.toString('latin1'));
      if (ids.length < last - first) break;
      at = last;
    }
    return this.names;
  }
}

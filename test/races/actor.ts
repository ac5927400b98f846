import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Queue } from '../../src/core/queue.js';
import { HOUR_MS } from '../support/jobs.js';
import { OriginalClient } from '../interop/original.js';
import type { Action, Race, Rival, Round } from './race.js';

/** Acts on the jobs of a round, on each at its time. */
export class Actor {
  private readonly raw: Redis | undefined;
  private readonly original: OriginalClient | undefined;
  /** The calls of original clients, which send several commands each on one connection, run one by one. */
  private lastOriginal: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly queue: Queue,
    url: string,
    prefix: string,
  ) {
    if (!url.startsWith('redis')) return;
    this.raw = new Redis(url);
    this.original = new OriginalClient(this.raw, prefix);
  }

  /** @returns for each race, in order, whether the call took effect */
  async run(
    { races, beginsAt }: Round,
    of: (race: Race) => { readonly verb: Action | Rival; readonly at: number },
  ): Promise<boolean[]> {
    return Promise.all(
      races.map(async (race) => {
        const { verb, at } = of(race);
        await sleep(beginsAt + at - Date.now());
        return this.act(verb, race);
      }),
    );
  }

  private async act(verb: Action | Rival, { id, topic }: Race): Promise<boolean> {
    const { queue } = this;
    switch (verb) {
      case 'promote':
        return (await queue.promote([id]))[0]?.promoted === true;
      case 'reschedule':
        return (await queue.reschedule([{ id, delayMs: HOUR_MS }]))[0]?.rescheduled === true;
      case 'remove':
        return queue.remove(id);
      case 'remove any':
        return (await queue.removeMany([id], { states: 'any' }))[0]?.removed === true;
      case 'pop':
        return (await queue.pop(topic)) !== undefined;
      case 'acknowledge': {
        const { jobs } = await queue.reserve({ topics: topic, limit: 1, leaseMs: HOUR_MS });
        return (await queue.ack(jobs)).includes(true);
      }
      case 'maintain':
        await queue.maintain();
        return false;
      case 'original pop':
        return (await this.inTurn((original) => original.pop(topic))) !== undefined;
      case 'original remove':
        return (await this.inTurn((original) => original.remove(id))) === true;
    }
  }

  private async inTurn<T>(act: (original: OriginalClient) => Promise<T>): Promise<T | undefined> {
    const { original } = this;
    if (!original) return undefined;
    const turn = this.lastOriginal.then(() => act(original));
    this.lastOriginal = turn.catch(() => undefined);
    return turn;
  }

  close(): void {
    this.raw?.disconnect();
  }
}

import type { CallLimits } from '../../core/store.js';
import type { Connection, RetryMode } from './connection.js';
import type { Keys } from './keys.js';
import type { Target } from './scripts/run.js';

/** Sends a request to Redis; `again` when it was sent before without an answer. */
export type Send<T> = (target: Target, again: boolean) => Promise<T>;

/** How the calls of a store reach Redis: its connection, with the keys of one prefix. */
export class Caller {
  constructor(
    private readonly connection: Connection,
    readonly keys: Keys,
  ) {}

  get label(): string {
    return this.connection.label;
  }

  readonly run = <T>(mode: RetryMode, send: Send<T>, limits?: CallLimits): Promise<T> =>
    this.connection.run(mode, (redis, again) => send({ redis, keys: this.keys }, again), limits);

  readonly read = <T>(send: (target: Target) => Promise<T>): Promise<T> => this.run('read', send);

  /** The clock of Redis. */
  readonly now = async (): Promise<Date> => {
    const [seconds, micros] = await this.read(({ redis }) => redis.time());
    return new Date(Number(seconds) * 1000 + Math.floor(Number(micros) / 1000));
  };
}

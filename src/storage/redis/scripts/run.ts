import type { Redis } from 'ioredis';
import { MAX_TIMESTAMP_MS } from '../../../core/timestamp.js';
import type { Keys } from '../keys.js';
import type { Script } from '../scripts.generated.js';
import { ScriptCall } from './script-call.js';

export type Argument = string | number | Buffer;
export type Value = Buffer | number | null;

/** Where a script runs: on which connection, and on which keys. */
export interface Target {
  readonly redis: Redis;
  readonly keys: Keys;
}

/** What a step has done with its jobs. */
export interface Part<T> {
  /** Of the first jobs, in their order. */
  readonly results: readonly T[];
  /** Before the next job, the ready list of this topic has to be searched; absent when there is none. */
  readonly unclear?: Buffer | undefined;
}

/**
 * Runs a script by its digest, and by its text when Redis does not hold it; in that case it has not run before.
 */
export async function runScript(
  { redis, keys }: Target,
  script: Script,
  ...args: Argument[]
): Promise<Value[]> {
  try {
    return (await redis.sendCommand(new ScriptCall(keys, script, args))) as Value[];
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('NOSCRIPT')) throw error;
    // Loaded late, because most processes find their scripts in Redis.
    const { sourceOf } = await import('../script-sources.generated.js');
    const names = script.keys.map((name) => keys[name]);
    return (await redis.callBuffer('EVAL', sourceOf(script), names.length, ...names, ...args)) as Value[];
  }
}

export const toText = (value: Value | undefined): string => value?.toString() ?? '';

export const toBuffer = (value: Value | undefined): Buffer =>
  Buffer.isBuffer(value) ? value : Buffer.alloc(0);

/**
 * A time as scripts return it; '' or -1 stands for none. Times are limited to the last one that can be written.
 */
export function toDate(value: Value | undefined): Date | undefined {
  const given = typeof value === 'number' ? value : toText(value);
  if (given === '') return undefined;
  const ms = Number(given);
  return ms >= 0 ? new Date(Math.min(ms, MAX_TIMESTAMP_MS)) : undefined;
}

/** A wait in ms as scripts return it; a negative one stands for none. */
export const toWaitMs = (value: Value | undefined): number | undefined =>
  Number(value) < 0 ? undefined : Number(value);

/** An array within an answer, which is typed as its element; [] when it is none. */
export const toArray = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : []);

/** Cuts an answer that lists several values of each thing into rows. */
export function* toRows(values: readonly Value[], from: number, width: number): Generator<Value[]> {
  for (let i = from; i < values.length; i += width) yield values.slice(i, i + width);
}

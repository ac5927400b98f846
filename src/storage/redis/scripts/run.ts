import type { Redis } from 'ioredis';
import type { Keys } from '../keys.js';
import type { Script } from '../scripts.generated.js';

export type Argument = string | number | Buffer;
export type Value = Buffer | number | null;

/** Where a script runs: on which connection, and on which keys. */
export interface Target {
  readonly redis: Redis;
  readonly keys: Keys;
}

/** Runs a script by its digest, and by its text where Redis does not hold it: then it did not run before. */
export async function runScript(
  { redis, keys }: Target,
  script: Script,
  ...args: Argument[]
): Promise<Value[]> {
  const rest = [keys.forScripts.length, ...keys.forScripts, ...args];
  try {
    return (await redis.callBuffer('EVALSHA', script.sha, ...rest)) as Value[];
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('NOSCRIPT')) throw error;
    return (await redis.callBuffer('EVAL', script.source, ...rest)) as Value[];
  }
}

export const toText = (value: Value | undefined): string => value?.toString() ?? '';

export const toBuffer = (value: Value | undefined): Buffer =>
  Buffer.isBuffer(value) ? value : Buffer.alloc(0);

/** A time as the scripts give it: '' or -1 stands for none. */
export function toDate(value: Value | undefined): Date | undefined {
  if (typeof value === 'number') return value < 0 ? undefined : new Date(value);
  const given = toText(value);
  return given === '' || given === '-1' ? undefined : new Date(Number(given));
}

/** A wait in ms as the scripts give it: a negative one stands for none. */
export const toWaitMs = (value: Value | undefined): number | undefined =>
  Number(value) < 0 ? undefined : Number(value);

/** An answer that lists values of several things one after the other, cut into rows. */
export function* toRows(values: readonly Value[], from: number, width: number): Generator<Value[]> {
  for (let i = from; i < values.length; i += width) yield values.slice(i, i + width);
}

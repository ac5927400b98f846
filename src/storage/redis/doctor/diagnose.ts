import type { DiagnosisPart, Fault } from '../../../core/faults.js';
import type { DiagnoseParams } from '../../../core/store.js';
import type { Finder } from '../inspect/find-queued.js';
import type { Read } from '../inspect/read.js';
import type { Keys } from '../keys.js';
import { IdSet } from '../id-set.js';
import { poolFaults, readyFaults } from './jobs.js';
import { keyFaults } from './keys.js';
import { deadFaults, hashFaults, leaseFaults } from './records.js';
import { serverFaults } from './server.js';

/** Topics are noted by the day; none can be later than tomorrow. */
const DAY_S = 86_400;

/**
 * Looks for everything that can be wrong with a prefix of a Redis, and with its server. The ready lists come first,
 * because other parts are compared with them; these look again at what has moved meanwhile.
 */
export async function* diagnose(finder: Finder, { topics }: DiagnoseParams): AsyncGenerator<DiagnosisPart> {
  const { read, keys } = finder;
  yield part(await typeFaults(read, keys));
  yield* poolFaults(read, keys);
  const ready = { ids: new IdSet(), unnoted: 0 };
  yield* readyFaults(read, keys, ready, topics);
  yield* leaseFaults(read, keys);
  const dead = { lastFailureMs: 0 };
  yield* deadFaults(read, keys, dead);
  // Unless all ready lists were seen, it is unknown which bodies have an entry.
  if (!topics) {
    yield* hashFaults(read, keys, ready.ids);
    yield* keyFaults(finder, ready.ids);
    yield part(await topicFaults(read, keys));
  }
  const seen = { unnoted: ready.unnoted, lastFailureMs: dead.lastFailureMs };
  yield part(await serverFaults(read, keys, seen));
}

const part = (faults: readonly Fault[]): DiagnosisPart => ({ faults, lookedAt: 0, total: 0 });

async function typeFaults(read: Read, keys: Keys): Promise<Fault[]> {
  const singles = [...keys.single];
  const types = await read(({ redis }) => Promise.all(singles.map(([key]) => redis.type(key))));
  return singles.flatMap(([key, wanted], i): Fault[] => {
    const found = types[i] ?? 'none';
    return found === 'none' || found === wanted
      ? []
      : [{ kind: 'key_wrong_type', key: Buffer.from(key), found, wanted }];
  });
}

/** Topics whose noted day is in the future, or is no day. */
async function topicFaults(read: Read, keys: Keys): Promise<Fault[]> {
  const strange = await read(async ({ redis }) => {
    const [seconds] = await redis.time();
    const tomorrow = Math.floor(Number(seconds) / DAY_S) + 1;
    const ask = (from: string, to: string) =>
      redis.zrangeBuffer(keys.topics, from, to, 'BYSCORE', 'LIMIT', 0, 1000).catch((): Buffer[] => []);
    return (await Promise.all([ask(`(${tomorrow}`, '+inf'), ask('-inf', '(0')])).flat();
  });
  return strange.map((id): Fault => ({ kind: 'value_strange', key: Buffer.from(keys.topics), id }));
}

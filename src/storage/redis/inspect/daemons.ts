import type { Daemon } from '../../../core/views.js';
import { DAEMON_SEEN_MS } from '../../../core/store.js';
import type { Keys } from '../keys.js';
import { unpackArray } from '../msgpack.js';
import { toDate } from '../scripts/run.js';
import type { Read } from './read.js';

interface Daemons {
  /** In order of name. */
  readonly seen: Daemon[];
  /** Names that are not of a daemon's time. */
  readonly strange: readonly Buffer[];
}

/** The daemons of a prefix, and the time (ms). A key with a wrong type counts as no daemon. */
export async function readDaemons(read: Read, keys: Keys): Promise<Daemons & { readonly nowMs: number }> {
  return read(async ({ redis }) => {
    const [[seconds, micros], members] = await Promise.all([
      redis.time(),
      redis.zrangeBuffer(keys.daemons, '0', '-1', 'WITHSCORES').catch((): Buffer[] => []),
    ]);
    const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    const { seen, strange } = seenDaemons(members, nowMs);
    const names = seen.map(({ name }) => keys.daemonStem + name);
    const records = names.length === 0 ? [] : await redis.mgetBuffer(names);
    const daemons = seen.map((daemon, i) => ({ ...daemon, ...readRecord(records[i] ?? undefined) }));
    return { nowMs, seen: daemons.sort((a, b) => (a.name < b.name ? -1 : 1)), strange };
  });
}

/**
 * The daemons that were seen lately. A score that is not among the last seconds of the server's clock was not
 * written by delayer.
 * @param members of the key of the daemons, each with its score
 */
function seenDaemons(members: readonly Buffer[], nowMs: number): Daemons {
  const strange: Buffer[] = [];
  const seen: Daemon[] = [];
  for (let i = 0; i < members.length; i += 2) {
    const seenMs = Math.round(Number(members[i + 1]) * 1000);
    const ageMs = nowMs - seenMs;
    // The clock may have been set back a little.
    const name = members[i] ?? Buffer.alloc(0);
    if (!(ageMs > -DAEMON_SEEN_MS && ageMs <= nowMs)) strange.push(name);
    else if (ageMs < DAEMON_SEEN_MS) seen.push({ name: name.toString(), seenAt: new Date(seenMs) });
  }
  return { seen, strange };
}

/** Reads what lua/announce.lua packs; undefined for a daemon of the first release, which has no such key. */
function readRecord(packed: Buffer | undefined): Omit<Daemon, 'name' | 'seenAt'> {
  const [version, since, promoted, latestMs] = (packed && unpackArray(packed)) ?? [];
  if (typeof version !== 'number' || typeof since !== 'number' || typeof promoted !== 'number') return {};
  return {
    since: toDate(since),
    promoted,
    ...(typeof latestMs === 'number' && { latestMs }),
  };
}

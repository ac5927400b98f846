import { DAEMON_SEEN_MS } from '../../../core/store.js';
import type { Keys } from '../keys.js';
import type { Read } from './read.js';

interface Daemons {
  readonly seen: readonly string[];
  readonly strange: readonly string[];
}

/** The daemons of a prefix, and the time (ms). A key of the wrong type says of none. */
export async function readDaemons(read: Read, keys: Keys): Promise<Daemons & { readonly nowMs: number }> {
  return read(async ({ redis }) => {
    const [[seconds, micros], daemons] = await Promise.all([
      redis.time(),
      redis.zrange(keys.daemons, '0', '-1', 'WITHSCORES').catch((): string[] => []),
    ]);
    const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    return { nowMs, ...seenDaemons(daemons, nowMs) };
  });
}

/**
 * The daemons that were seen lately. A time that is none of the last ones by the server's clock was written by nobody.
 * @param members of the key of the daemons, each with its score
 */
function seenDaemons(members: readonly string[], nowMs: number): Daemons {
  const strange: string[] = [];
  const seen: string[] = [];
  for (let i = 0; i < members.length; i += 2) {
    const ageMs = nowMs - Number(members[i + 1]) * 1000;
    // The clock may have been set back a little.
    const name = members[i] ?? '';
    if (!(ageMs > -DAEMON_SEEN_MS && ageMs <= nowMs)) strange.push(name);
    else if (ageMs < DAEMON_SEEN_MS) seen.push(name);
  }
  return { seen, strange };
}

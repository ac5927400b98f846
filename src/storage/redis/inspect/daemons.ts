import { DAEMON_SEEN_MS } from '../../../core/store.js';

/**
 * Was a daemon seen lately? A time that is none of the last ones by the server's clock was written by nobody.
 * @param members of the key of the daemons, each with its score
 */
export function seenDaemons(
  members: readonly string[],
  nowMs: number,
): { readonly isSeen: boolean; readonly strange: readonly string[] } {
  const strange: string[] = [];
  let isSeen = false;
  for (let i = 0; i < members.length; i += 2) {
    const ageMs = nowMs - Number(members[i + 1]) * 1000;
    // The clock may have been set back a little.
    if (!(ageMs > -DAEMON_SEEN_MS && ageMs <= nowMs)) strange.push(members[i] ?? '');
    else if (ageMs < DAEMON_SEEN_MS) isSeen = true;
  }
  return { isSeen, strange };
}

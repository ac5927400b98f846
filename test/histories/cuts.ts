import { SCRIPTS, sourceOf } from '../../src/storage/redis/scripts.generated.js';
import type { Cut } from '../support/proxy.js';
import type { RedisParts } from './ground.js';

/** Cuts the connection at the next run of a script. Redis holds them all then, so that run is the script itself. */
export async function cutOnce(
  { raw, proxy, behindProxy }: RedisParts,
  cut: Cut,
  act: () => Promise<void>,
): Promise<void> {
  // A connection that never worked is not made again.
  await behindProxy.now();
  await Promise.all(Object.values(SCRIPTS).map((script) => raw.script('LOAD', sourceOf(script))));
  proxy.cut(cut, { when: (request) => request.includes('EVALSHA') });
  try {
    await act();
  } finally {
    proxy.pass();
  }
}

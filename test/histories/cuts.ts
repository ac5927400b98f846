import { sourceOf } from '../../src/storage/redis/script-sources.generated.js';
import { SCRIPTS } from '../../src/storage/redis/scripts.generated.js';
import type { Cut } from '../support/proxy.js';
import type { RedisParts } from './ground.js';

/** Cuts the connection at the next run of a script, after loading all scripts, so that the cut request is the call itself. */
export async function cutOnce(
  { raw, proxy, behindProxy }: RedisParts,
  cut: Cut,
  act: () => Promise<void>,
): Promise<void> {
  // Connects first: a connection that never worked is not made again.
  await behindProxy.now();
  const scripts = Object.values(SCRIPTS);
  const there = (await raw.script('EXISTS', ...scripts.map(({ sha }) => sha))) as number[];
  const forgotten = scripts.filter((_, i) => there[i] === 0);
  await Promise.all(forgotten.map((script) => raw.script('LOAD', sourceOf(script))));
  proxy.cut(cut, { when: (request) => request.includes('EVALSHA') });
  try {
    await act();
  } finally {
    proxy.pass();
  }
}

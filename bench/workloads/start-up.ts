import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import {
  delayer,
  ENVIRONMENT,
  type Figure,
  median,
  withFolder,
  withRedis,
  type Bench,
  type Workload,
} from '../support.js';

/** Starts per side and round, because a single start is too short to measure. */
const STARTS = 8;

interface Side {
  readonly what: string;
  readonly command: readonly string[];
  readonly goal?: Figure['goal'];
  readonly env?: NodeJS.ProcessEnv;
}

export const startUp: Workload = {
  name: 'start-up',
  about: 'run time of `push` and `--version` as whole processes, compared with `node -e 0`',
  run: (bench) =>
    withFolder((folder) =>
      withRedis((server) => {
        const push = (store: string) =>
          delayer('push', 'orders', '{"orderID":32}', '--delay', '1h', '--store', store);
        return Promise.resolve(
          measure(bench, [
            { what: 'push on Redis', command: push(server.url), goal: { atMost: 1.3, now: 4 } },
            {
              what: 'push on SQLite',
              command: push(`sqlite:${join(folder, 'queue.db')}`),
              goal: { atMost: 1.2, now: 4 },
            },
            {
              what: 'push on Redis, without a code cache',
              command: push(server.url),
              env: { XDG_CACHE_HOME: '/dev/null' },
            },
            { what: '--version', command: delayer('--version') },
          ]),
        );
      }),
    ),
};

/** Starts each side in turn; each time is divided by that of the bare start in the same turn. */
function measure(bench: Bench, sides: readonly Side[]): Figure[] {
  const bare: number[] = [];
  const times = sides.map((): number[] => []);
  const turns = bench.small ? 1 : bench.rounds * STARTS;
  for (let turn = 0; turn <= turns; turn += 1) {
    bench.progress(`start ${turn} of ${turns}`);
    const base = startOnce([process.execPath, '-e', '0']);
    const rest = sides.map(({ command, env }) => startOnce(command, env));
    // At the first start the files are not in the page cache yet.
    if (turn === 0) continue;
    bare.push(base);
    for (const [side, ms] of rest.entries()) times[side]?.push(ms);
  }
  return sides.map(({ what, goal }, side) => {
    const mine = times[side] ?? [];
    return {
      what,
      value: median(mine),
      unit: 'ms',
      beside: { what: 'node -e 0', value: median(bare) },
      ratio: median(mine.map((ms, turn) => ms / (bare[turn] ?? Number.NaN))),
      ...(goal ? { goal } : {}),
    };
  });
}

function startOnce(command: readonly string[], env: NodeJS.ProcessEnv = {}): number {
  const [program = '', ...args] = command;
  const begun = performance.now();
  const { status } = spawnSync(program, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...ENVIRONMENT, ...env },
  });
  const ms = performance.now() - begun;
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${String(status)}`);
  return ms;
}

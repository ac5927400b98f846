import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { delayer, end, procLine, start, withFolder, type Workload } from '../support.js';

/** Time (ms) for the process to start and begin to wait. */
const SETTLE_MS = 1500;
/** Ticks per second in /proc. */
const TICKS = 100;

export const sqliteIdle: Workload = {
  name: 'sqlite-idle',
  about: 'processor time of a `bpop` that waits on the embedded store',
  run: (bench) =>
    withFolder(async (folder) => {
      const seconds = bench.small ? 1 : 10;
      const waiter = start(delayer('bpop', 'orders', '--store', `sqlite:${join(folder, 'queue.db')}`));
      await sleep(SETTLE_MS);
      bench.progress('waiting');
      const before = ticks(waiter.pid);
      await sleep(seconds * 1000);
      const share = (ticks(waiter.pid) - before) / TICKS / seconds;
      await end(waiter);
      return [{ what: 'bpop, idle', value: share * 100, unit: '% of a core', goal: { atMost: 1 } }];
    }),
};

/** User and system time of all threads; NaN where there is no /proc. */
function ticks(pid: number | undefined): number {
  // Skips the name of the command, which is in brackets and may contain spaces.
  const fields = procLine(pid, 'stat', /\) (.*)/)?.split(' ');
  return Number(fields?.[11]) + Number(fields?.[12]);
}

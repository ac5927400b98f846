import { readFileSync } from 'node:fs';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import { forEachStore, type Running } from '../../support/cli.js';
import { eventually } from '../../support/eventually.js';
import { numbered, pushAll } from '../accounting.js';
import { allow, expectBalance, linesIn, startWorker, storeOf, TELLING, TOPIC } from './ground.js';
import { Measurement, SIZE } from '../measure.js';

/** `slow-…` runs until SIGTERM, `quick-…` succeeds while its worker is stopped. */
const HANDLER = `
cat >/dev/null
trap 'echo "$DELAYER_ID" >>told; exit 1' TERM
echo "$DELAYER_ID" >>begun
until [ -e "end-$DELAYER_ID" ]; do sleep 0.05; done
echo "$DELAYER_ID" >>handled`;

/**
 * Stops a worker. On an SQLite file this process holds the lock for writing meanwhile: a process that is stopped in the
 * middle of a commit lets nobody else write until it goes on.
 */
async function stopBetweenCommits({ child }: Running, store = ''): Promise<void> {
  const file = /^sqlite:(.*)$/.exec(store)?.[1];
  const lock = openDatabase(file ?? ':memory:');
  await eventually(() => {
    lock.exec('BEGIN IMMEDIATE');
  });
  child.kill('SIGSTOP');
  await eventually(() => readFileSync(`/proc/${child.pid}/stat`, 'latin1').includes(') T '));
  lock.exec('ROLLBACK');
  lock.close();
}

describe('a worker that was stopped beyond its leases', () => {
  forEachStore((cli) => {
    it('sends its handler SIGTERM, has its acks refused, and another worker does its jobs', async () => {
      const measurement = new Measurement('worker stopped beyond its leases', storeOf(cli));
      const queue = await cli.queue();
      const stopped = startWorker(cli, [TOPIC], HANDLER, ['--jobs', '2', '--lease', '1s', TELLING]);
      const pushed: string[] = [];
      for (const round of numbered(SIZE.stops)) {
        const [slow, quick] = [`slow-${round}`, `quick-${round}`];
        await pushAll(queue, TOPIC, [slow, quick]);
        pushed.push(slow, quick);
        await eventually(() => linesIn(cli, 'begun').length === pushed.length);
        await stopBetweenCommits(stopped, cli.env.DELAYER_STORE);
        measurement.add('stops', 1);
        allow(cli, `end-${quick}`);
        await eventually(() => linesIn(cli, 'handled').includes(quick));
        const other = startWorker(cli, [TOPIC], 'cat >/dev/null; echo "$DELAYER_ID" >>others', [
          '--lease',
          '1s',
          TELLING,
        ]);
        await eventually(() => other.lines.filter((line) => line.includes('"event":"done"')).length === 2);
        await other.end();
        stopped.child.kill('SIGCONT');
        await eventually(
          () => stopped.lines.filter((line) => line.includes('"event":"lost"')).length === pushed.length,
        );
      }
      const { signal } = await stopped.end();
      const [told, handled, others] = ['told', 'handled', 'others'].map((name) => linesIn(cli, name));
      measurement.add('jobs', pushed.length);
      measurement.none('workers that did not go on', signal === 'SIGTERM' ? 0 : 1);
      measurement.none('handlers not told', SIZE.stops - (told?.length ?? 0));
      measurement.none('acks taken', stopped.lines.filter((line) => line.includes('"event":"done"')).length);
      measurement.none(
        'jobs not done by the other worker',
        pushed.filter((id) => !others?.includes(id)).length,
      );
      measurement.none('handled to the end by a handler that was told', (handled?.length ?? 0) - SIZE.stops);
      await expectBalance(measurement, queue, TOPIC, { pushed: new Set(pushed), handled: new Set(others) });
      measurement.end();
    });
  });
});

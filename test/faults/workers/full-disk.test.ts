import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forEachStore, useCli } from '../../support/cli.js';
import { mountMemory } from '../../support/disk.js';
import { eventually } from '../../support/eventually.js';
import { numbered, pushAll } from '../accounting.js';
import { expectBalance, linesIn, RETRIES, storeOf, TOPIC } from './ground.js';
import { Measurement } from '../measure.js';

const JOBS = 8;
const OUTPUT_ERROR = 74;
/** Each write to it fails with ENOSPC. */
const FULL = '/dev/full';
const HANDLER = 'cat >/dev/null; echo "$DELAYER_ID" >>handled; head -c 100000 /dev/zero';

/** Fills a folder's disk to the last byte. */
function fill(folder: string): void {
  const fd = openSync(join(folder, 'filler'), 'w');
  const block = Buffer.alloc(64 * 1024);
  for (let size = block.length; size > 0;) {
    try {
      writeFileSync(fd, block.subarray(0, size));
    } catch {
      size = Math.floor(size / 2);
    }
  }
  closeSync(fd);
}

describe('a full disk under what a worker writes:', () => {
  /** A folder for a small disk, outside the home of the commands. */
  let disk = '';
  let unmount: (() => void) | undefined;
  beforeEach(() => {
    disk = mkdtempSync(join(tmpdir(), 'delayer-disk-'));
  });
  afterEach(() => {
    unmount?.();
    unmount = undefined;
    rmSync(disk, { recursive: true, force: true });
  });
  const mountOrSkip = (test: Mocha.Context, size: string): void => {
    unmount = mountMemory(disk, `size=${size}`);
    if (unmount === undefined) test.skip();
  };

  forEachStore((cli) => {
    /** Expects that a worker that cannot write ends with 74 and one line on stderr, and loses no job. */
    const expectEnd = async (place: string, flags: readonly string[], stdout?: number) => {
      const measurement = new Measurement(`no room for the ${place}`, storeOf(cli));
      const queue = await cli.queue();
      const ids = numbered(JOBS);
      await pushAll(queue, TOPIC, ids);
      const args = ['drain', TOPIC, '--jobs', '2', ...RETRIES, ...flags, '--exec', HANDLER];
      const { code, stderr } = await cli.run(args, { stdout });
      const handled = linesIn(cli, 'handled');
      measurement.none('other exit codes than 74', code === OUTPUT_ERROR ? 0 : 1);
      measurement.none(
        'lines on stderr but one that says why',
        /^delayer: [^\n]*ENOSPC[^\n]*\n$/.test(stderr) ? 0 : 1,
      );
      measurement.none('handlers begun after it was known', Math.max(0, handled.length - JOBS + 1));
      measurement.none('handled twice', handled.length - new Set(handled).size);
      await expectBalance(measurement, queue, TOPIC, { pushed: new Set(ids), handled: new Set(handled) });
      measurement.end();
    };

    it('stdout: the worker ends with exit code 74, and no job is lost', async () => {
      const full = openSync(FULL, 'w');
      try {
        await expectEnd('stdout', [], full);
      } finally {
        closeSync(full);
      }
    });

    it('the job log: the worker ends with exit code 74, and no job is lost', () =>
      expectEnd('job log', ['--joblog', FULL]));

    it('the output folder: the worker ends with exit code 74, and no job is lost', async function () {
      mountOrSkip(this, '64k');
      await expectEnd('output folder', ['--output-dir', disk]);
    });
  });

  describe('the SQLite store', () => {
    const cli = useCli(() => ({ DELAYER_STORE: `sqlite:${join(disk, 'queue.db')}` }));

    it('jobs are done, retried and made dead letters with their reasons, although nothing can be pushed', async function () {
      mountOrSkip(this, '8m');
      const measurement = new Measurement('SQLite on a full disk', 'SQLite');
      const queue = await cli.queue();
      const ids: string[] = [];
      const push = async () => {
        const batch = numbered(10, ids.length);
        await queue.pushMany(batch.map((id) => ({ id, topic: TOPIC, body: Buffer.alloc(60_000, 'x') })));
        ids.push(...batch);
      };
      await eventually(
        () =>
          push().then(
            () => false,
            () => true,
          ),
        { everyMs: 0 },
      );
      fill(disk);
      const pushable = await queue.push({ topic: TOPIC, body: 'b' }).then(
        () => 1,
        () => 0,
      );
      measurement.none('pushes taken', pushable);
      // Jobs ending in 0 always fail, with the longest reason that is kept; jobs ending in 7 fail once.
      const exec = `
cat >/dev/null
case $DELAYER_ID in *0) head -c 5000 /dev/zero | tr '\\0' r >&2; exit 3;; esac
case $DELAYER_ID in *7) [ "$DELAYER_ATTEMPT" != 1 ] || exit 4;; esac
echo "$DELAYER_ID" >>handled`;
      const flags = ['--jobs', '4', '--retries', '1', '--backoff', '1ms..1ms', '--follow'];
      const worker = cli.start(['drain', TOPIC, ...flags, '--exec', exec]);
      const isOver = async () => {
        if (worker.child.exitCode !== null) return true;
        const { ready = 0, leased = 0, delayed = 0 } = (await queue.stats({ exact: true })).totals;
        return ready + leased + delayed === 0;
      };
      await eventually(isOver, { withinMs: 120_000, everyMs: 100 });
      await worker.end();
      const handled = linesIn(cli, 'handled');
      const { jobs } = await queue.list(TOPIC, { limit: 5000 });
      const failed = ids.filter((id) => id.endsWith('0')).length;
      measurement.add('jobs', ids.length);
      measurement.none(
        'workers that gave up',
        /disk|room/.test(worker.stderr.replaceAll(/is a dead letter.*/g, '')) ? 1 : 0,
      );
      measurement.none('dead letters missing', failed - jobs.filter(({ state }) => state === 'dead').length);
      measurement.none(
        'dead letters without their whole reason',
        jobs.filter(({ reason }) => reason?.length !== 4096).length,
      );
      measurement.none('handled twice', handled.length - new Set(handled).size);
      await expectBalance(measurement, queue, TOPIC, { pushed: new Set(ids), handled: new Set(handled) });
      measurement.end();
    });
  });
});

import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliGround, forEachStore, type Running } from '../../support/cli.js';
import { eventually } from '../../support/eventually.js';
import type { JobRecord } from '../../../src/core/job.js';
import type { Queue } from '../../../src/core/queue.js';
import { field, processes, processesWith } from '../processes.js';
import { expectBalance, linesIn, storeOf, TOPIC } from './ground.js';
import { Measurement, SIZE, storesFor } from '../measure.js';

/** Handlers by what they do wrong; the job of each is done, or a dead letter with a matching reason. */
const HANDLERS: Readonly<Record<string, { readonly script: string; readonly reason?: RegExp }>> = {
  hangs: { script: 'sleep 1000', reason: /^timed out after 2 s$/ },
  'ignores TERM': { script: `trap '' TERM; while :; do sleep 1000; done`, reason: /^timed out after 2 s$/ },
  'leaves children behind': { script: 'sleep 1000 & sleep 1000 & echo $! >child' },
  forks: { script: '(sleep 0.2; echo forked >>told) & (sleep 0.3; echo forked >>told) & wait' },
  daemonises: { script: '(setsid sleep 1000 </dev/null >/dev/null 2>&1 &)' },
  'closes stdin early': { script: 'exec <&-; sleep 0.2' },
  'fails at start': { script: 'exec ./not-there', reason: /not-there/ },
  'kills itself': { script: 'kill -9 $$', reason: /^killed by SIGKILL$/ },
  'kills its group': { script: 'kill -9 -$$', reason: /^killed by SIGKILL$/ },
};
const NAMES = Object.keys(HANDLERS);
/** The number of processes that they leave running after success, as docs/handlers.md says. */
const LEFT_BEHIND = 3;
const MEMORY_KB = 200 * 1024;

const zombiesOf = (pid: number): string[] =>
  processes().filter(
    (one) => field(one, 'PPid') === `${pid}` && field(one, 'State')?.startsWith('Z') === true,
  );

describe('handlers that behave badly', () => {
  const ground = (cli: CliGround) => {
    let sink = 0;
    const marks: string[] = [];
    beforeEach(() => {
      sink = openSync('/dev/null', 'w');
    });
    afterEach(() => {
      closeSync(sink);
      for (const mark of marks.splice(0))
        for (const pid of processesWith(mark)) process.kill(Number(pid), 'SIGKILL');
    });

    /** Starts a worker, with a text in the environment of all processes that it starts. */
    const start = (flags: readonly string[]): { worker: Running; mark: string } => {
      const mark = `FAULT_MARK=${cli.home}`;
      marks.push(mark);
      const args = ['drain', TOPIC, '--follow', '--jobs', '12', '--retries', '0', ...flags];
      const env = { FAULT_MARK: cli.home };
      return {
        mark,
        worker: cli.start([...args, '--exec', '. "./$DELAYER_ID"'], { env, stdout: sink }),
      };
    };
    const push = async (names: readonly string[]) => {
      const queue = await cli.queue();
      for (const name of names) writeFileSync(join(cli.home, name), HANDLERS[name]?.script ?? '');
      const body = Buffer.alloc(1_000_000, 'x');
      await queue.pushMany(names.map((id) => ({ id, topic: TOPIC, body })));
      return queue;
    };
    return { start, push };
  };

  forEachStore((cli) => {
    const { start, push } = ground(cli);

    it('each have the outcome that docs/handlers.md says, and leave the worker no zombie and little memory', async () => {
      const measurement = new Measurement('bad handlers', storeOf(cli));
      const { worker, mark } = start(['--timeout', '2s']);
      const queue = await cli.queue();
      // A first handler that works, because the worker ends if its first handler cannot be run.
      writeFileSync(join(cli.home, 'first'), 'echo ran >>told');
      await queue.push({ topic: TOPIC, id: 'first', body: 'b' });
      await eventually(() => isEmpty(queue), { everyMs: 50 });
      await push(NAMES);
      await eventually(() => isEmpty(queue), { withinMs: 120_000, everyMs: 100 });
      measurement.none('zombies', zombiesOf(worker.pid).length);
      measurement.atMost('kB of memory', MEMORY_KB, parseInt(field(worker.pid, 'VmHWM') ?? 'none', 10));
      await worker.end();
      const found = new Map<string, JobRecord | undefined>();
      for (const name of NAMES) found.set(name, (await queue.find(name))[0]);
      const isRight = ([name, { reason }]: (typeof entries)[number]) => {
        const job = found.get(name);
        return reason === undefined
          ? job === undefined
          : job?.state === 'dead' && reason.test(job.reason ?? '');
      };
      const entries = Object.entries(HANDLERS);
      const wrong = entries
        .filter((entry) => !isRight(entry))
        .map(([name]) => `${name}: ${found.get(name)?.reason}`);
      measurement.add('jobs', NAMES.length);
      measurement.none(`ended otherwise than they should (${wrong.join('; ')})`, wrong.length);
      measurement.none(
        'forked work cut off',
        2 - linesIn(cli, 'told').filter((line) => line === 'forked').length,
      );
      await expectLeft(measurement, mark, LEFT_BEHIND);
      const handled = new Set([...entries.flatMap(([name, { reason }]) => (reason ? [] : [name])), 'first']);
      await expectBalance(measurement, queue, TOPIC, { pushed: new Set([...NAMES, 'first']), handled });
      measurement.end();
    });

    it('that print without end cost the worker no memory', async () => {
      const measurement = new Measurement('loud handler', storeOf(cli));
      const queue = await cli.queue();
      await queue.push({ topic: TOPIC, body: 'b' });
      const exec = `head -c ${SIZE.loudBytes} /dev/zero; head -c ${SIZE.loudBytes} /dev/zero >&2`;
      const worker = cli.startSh(`exec delayer drain ${TOPIC} --follow --exec '${exec}' >/dev/null 2>&1`);
      await eventually(() => isEmpty(queue), { withinMs: 600_000, everyMs: 100 });
      measurement.add('bytes', 2 * SIZE.loudBytes);
      measurement.atMost('kB of memory', MEMORY_KB, parseInt(field(worker.pid, 'VmHWM') ?? 'none', 10));
      measurement.end();
    });
  }, storesFor('SQLite'));

  forEachStore((cli) => {
    const { start, push } = ground(cli);

    it('are killed with their worker, except processes that left their group', async () => {
      const measurement = new Measurement('worker killed -9 with bad handlers', storeOf(cli));
      const stubborn = ['hangs', 'ignores TERM'];
      writeFileSync(join(cli.home, 'daemonises and hangs'), `${HANDLERS.daemonises?.script}; sleep 1000`);
      await push(stubborn);
      const queue = await cli.queue();
      await queue.push({ topic: TOPIC, id: 'daemonises and hangs', body: 'b' });
      const { worker, mark } = start(['--lease', '60s']);
      // The handlers, each with its `sleep`, the daemonised process, the watchdog and the worker.
      await eventually(() => processesWith(mark).length >= 9);
      await worker.end('SIGKILL');
      measurement.add('kills', 1);
      await expectLeft(measurement, mark, 1);
      const ids = [...stubborn, 'daemonises and hangs'];
      await expectBalance(measurement, queue, TOPIC, { pushed: new Set(ids), handled: new Set() });
      measurement.end();
    });
  }, storesFor('Redis'));
});

/** Whether no job is due, ready or leased. */
async function isEmpty(queue: Queue): Promise<boolean> {
  const { due = 0, ready = 0, leased = 0 } = (await queue.stats({ exact: true })).totals;
  return due + ready + leased === 0;
}

/** Gates the number of processes that are left in the end. */
async function expectLeft(measurement: Measurement, mark: string, count: number): Promise<void> {
  await eventually(() => processesWith(mark).length <= count, { withinMs: 20_000, everyMs: 50 }).catch(
    () => undefined,
  );
  measurement.none('processes left that no page tells of', Math.max(0, processesWith(mark).length - count));
  measurement.none('documented processes missing', Math.max(0, count - processesWith(mark).length));
}

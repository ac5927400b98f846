import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CliGround, forEachStore, type Running, useCli } from '../../support/cli.js';
import { SCRIPTS } from '../../../src/storage/redis/scripts.generated.js';
import { eventually } from '../../support/eventually.js';
import { useRedis } from '../../support/redis.js';
import { numbered, pushAll } from '../accounting.js';
import { processState } from '../processes.js';
import { allow, linesIn, startWorker, storeOf, TELLING, workUntilEmpty } from './ground.js';
import { Measurement, SIZE } from '../measure.js';

/** In the order in which a worker reaches them. At `running` its handler waits for the file `go-ID`. */
const POINTS = ['taken', 'started', 'running', 'handled', 'committed', 'acked'] as const;
type Point = (typeof POINTS)[number];

/** SQLite has nothing between an ack and its reply. */
const pointsOf = (cli: CliGround): readonly Point[] =>
  storeOf(cli) === 'Redis' ? POINTS : POINTS.filter((point) => point !== 'committed');

/** The points at which a job is acked, and must not be handled again. */
const IS_ACKED: readonly Point[] = ['committed', 'acked'];

const STOPPER = fileURLToPath(new URL('points.cjs', import.meta.url));
const HANDLER = `
cat >/dev/null
[ "$FAULT_POINT" != running ] || { echo $$ >"$FAULT_FILE"; until [ -e "go-$DELAYER_ID" ]; do sleep 0.05; done; }
echo "$DELAYER_ID" >>handled`;

/** A worker that has reached a point, on a topic with one job, both named `id`. */
interface Stopped {
  readonly point: Point;
  readonly id: string;
  readonly worker: Running;
  /** The process of the handler at `running`, else of the worker. */
  readonly pid: number;
}

describe('kills at named points:', () => {
  /** Starts one worker per point, and waits until each has reached its point. */
  async function stopAtEachPoint(cli: CliGround, round: number, lease: string): Promise<Stopped[]> {
    const queue = await cli.queue();
    // This loads the script that ends leases, so that workers send only its SHA-1.
    await pushAll(queue, 'first', ['first']);
    await queue.ack((await queue.reserve({ topics: 'first', limit: 1, leaseMs: 60_000 })).jobs);
    return Promise.all(
      pointsOf(cli).map(async (point) => {
        const id = `${point}-${round}`;
        await pushAll(queue, id, [id]);
        const told = `stopped-${id}`;
        const env = {
          FAULT_POINT: point,
          FAULT_FILE: join(cli.home, told),
          FAULT_ACK: SCRIPTS.ackAll.sha,
          NODE_OPTIONS: `--require=${STOPPER}`,
        };
        const flags = ['--lease', lease, TELLING];
        const worker = startWorker(cli, [id], HANDLER, flags, { env });
        await eventually(() => linesIn(cli, told).length === 1);
        const pid = Number(linesIn(cli, told)[0]);
        if (point !== 'running') await eventually(() => processState(worker.pid) === 'T');
        return { point, id, worker, pid };
      }),
    );
  }

  /** Gates how often each job was handled: at least once, at most twice, and once if it was acked. */
  function judge(cli: CliGround, measurement: Measurement, stopped: readonly Stopped[]): void {
    const handled = linesIn(cli, 'handled');
    for (const { point, id } of stopped) {
      const times = handled.filter((one) => one === id).length;
      measurement.add('jobs', 1);
      if (times > 1) measurement.add(`handled twice at ${point}`, 1);
      measurement.none('jobs lost', times === 0 ? 1 : 0);
      measurement.none('handled again that were acknowledged', IS_ACKED.includes(point) && times > 1 ? 1 : 0);
      measurement.none('handled more than twice', times > 2 ? 1 : 0);
    }
  }

  forEachStore((cli) => {
    it('a killed worker loses no job, and acked jobs are not handled again', async () => {
      const measurement = new Measurement('worker killed at each point', storeOf(cli));
      const queue = await cli.queue();
      const all: Stopped[] = [];
      for (const round of numbered(SIZE.rounds)) {
        const stopped = await stopAtEachPoint(cli, Number(round), '1s');
        for (const { worker } of stopped) await worker.end('SIGKILL');
        all.push(...stopped);
        measurement.add('kills', stopped.length);
      }
      const topics = all.map(({ id }) => id);
      await workUntilEmpty(cli, queue, topics, HANDLER, ['--jobs', '4']);
      judge(cli, measurement, all);
      measurement.end();
    });

    it('a killed handler is a failed attempt, and its job is retried and done', async () => {
      const measurement = new Measurement('handler killed while it runs', storeOf(cli));
      const queue = await cli.queue();
      const ids = numbered(SIZE.rounds);
      await pushAll(queue, 'topic', ids);
      // The handler kills its process group at the first attempt.
      const exec = 'cat >/dev/null; [ "$DELAYER_ATTEMPT" != 1 ] || kill -9 -$$; echo "$DELAYER_ID" >>handled';
      const { stdout } = await workUntilEmpty(cli, queue, ['topic'], exec, ['--jobs', '2', TELLING]);
      const retried = stdout.toString().match(/"event":"retried".*"signal":"SIGKILL"/g) ?? [];
      measurement.add('kills', retried.length);
      measurement.none('attempts that are not told', ids.length - retried.length);
      const handled = linesIn(cli, 'handled');
      measurement.none('jobs lost', ids.length - new Set(handled).size);
      measurement.none('handled twice', handled.length - new Set(handled).size);
      measurement.end();
    });
  });

  describe('Redis', () => {
    const redis = useRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

    it('that is killed and comes back does not end the worker, and each job is handled once', async () => {
      const measurement = new Measurement('Redis killed at each point', storeOf(cli));
      const queue = await cli.queue();
      const all: Stopped[] = [];
      for (const round of numbered(SIZE.rounds)) {
        const stopped = await stopAtEachPoint(cli, Number(round), '60s');
        await redis.server.restart();
        measurement.add('kills', 1);
        for (const { worker } of stopped) worker.child.kill('SIGCONT');
        for (const { id } of stopped) allow(cli, `go-${id}`);
        const isEmpty = async () => (await queue.stats()).topics.length === 0;
        await eventually(isEmpty, { everyMs: 50 });
        for (const { worker } of stopped) await worker.end();
        all.push(...stopped);
      }
      judge(cli, measurement, all);
      measurement.none('handled twice', linesIn(cli, 'handled').length - all.length);
      measurement.end();
    });
  });
});

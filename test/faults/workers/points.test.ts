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

/** In the order in which a worker comes to them; `running`: its handler runs, and waits for the file `go-ID`. */
const POINTS = ['taken', 'started', 'running', 'handled', 'committed', 'acked'] as const;
type Point = (typeof POINTS)[number];

/** In the embedded store nothing lies between an ack and its answer. */
const pointsOf = (cli: CliGround): readonly Point[] =>
  storeOf(cli) === 'Redis' ? POINTS : POINTS.filter((point) => point !== 'committed');

/** A job that was acknowledged at these points is never handled again. */
const IS_ACKED: readonly Point[] = ['committed', 'acked'];

const STOPPER = fileURLToPath(new URL('points.cjs', import.meta.url));
const HANDLER = `
cat >/dev/null
[ "$FAULT_POINT" != running ] || { echo $$ >"$FAULT_FILE"; until [ -e "go-$DELAYER_ID" ]; do sleep 0.05; done; }
echo "$DELAYER_ID" >>handled`;

/** A worker on a topic of its own, named as its one job, which has come to a point. */
interface Stopped {
  readonly point: Point;
  readonly id: string;
  readonly worker: Running;
  /** The handler at `running`, else the worker. */
  readonly pid: number;
}

describe('killed at a named point:', () => {
  /** One worker at each point, all at the same time. */
  async function stopAtEachPoint(cli: CliGround, round: number, lease: string): Promise<Stopped[]> {
    const queue = await cli.queue();
    // From then on Redis knows the script that ends leases, and is asked for it by its name alone.
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

  /** How often each job was handled: never is lost; twice only where nobody had acknowledged it. */
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
    it('a worker loses no job, and what was acknowledged is not handled again', async () => {
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

    it('a handler is a failed attempt: its job is tried again, and done', async () => {
      const measurement = new Measurement('handler killed while it runs', storeOf(cli));
      const queue = await cli.queue();
      const ids = numbered(SIZE.rounds);
      await pushAll(queue, 'topic', ids);
      // It kills itself and all of its group at its first attempt.
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

  describe('the store', () => {
    const redis = useRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

    it('a Redis that is killed and comes back: the worker goes on, and each job is handled once', async () => {
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

import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { openQueue } from '../../../src/storage/open.js';
import { type CliGround, type Running, useCli } from '../../support/cli.js';
import { eventually } from '../../support/eventually.js';
import { Proxy } from '../../support/proxy.js';
import { freshPrefix } from '../../support/redis.js';
import { RedisServer } from '../../support/redis-server.js';
import { numbered, pushAll } from '../accounting.js';
import { balance, Ledger, linesIn, startWorker, TELLING, TOPIC } from './ground.js';
import { Measurement, SIZE } from '../measure.js';

const SAFE = ['--appendonly', 'yes', '--appendfsync', 'always'];
const JOBS = 12;
const HANDLER = 'cat >/dev/null; echo "$DELAYER_ID" >>begun; sleep 0.1; echo "$DELAYER_ID" >>handled';

/** A worker on a Redis behind a proxy, and a replica of this Redis. */
class Scene {
  readonly pushed = new Set<string>();
  readonly prefix = freshPrefix();
  private worker: Running | undefined;

  private constructor(
    private readonly cli: CliGround,
    readonly proxy: Proxy,
    /** The server that takes writes. */
    public primary: RedisServer,
    public replica: RedisServer,
  ) {}

  static async open(cli: CliGround): Promise<Scene> {
    const primary = await RedisServer.start({ args: SAFE });
    const replica = await RedisServer.start({ args: SAFE });
    // Not as an argument, which it would keep when it is restarted as a primary.
    await replica.client().call('REPLICAOF', '127.0.0.1', String(primary.port));
    return new Scene(cli, await Proxy.to({ path: primary.socket }), primary, replica);
  }

  async close(): Promise<void> {
    await this.worker?.end();
    await this.proxy.close();
    await this.primary.stop();
    await this.replica.stop();
  }

  async withQueue<T>(use: (queue: Queue) => Promise<T>): Promise<T> {
    const queue = await openQueue(this.primary.url, { prefix: this.prefix });
    try {
      return await use(queue);
    } finally {
      await queue.close();
    }
  }

  get running(): Running {
    const env = { DELAYER_STORE: this.proxy.url, DELAYER_PREFIX: this.prefix };
    const flags = ['--jobs', '3', '--lease', '3s', TELLING];
    return (this.worker ??= startWorker(this.cli, [TOPIC], HANDLER, flags, { env }));
  }

  /** Begins an outage while handlers run, and waits until all jobs are handled after it. */
  async during(outage: () => Promise<void>): Promise<void> {
    const { running, pushed, cli } = this;
    const begun = linesIn(cli, 'begun').length;
    const ids = numbered(JOBS, pushed.size);
    await this.withQueue((queue) => pushAll(queue, TOPIC, ids));
    for (const id of ids) pushed.add(id);
    await eventually(() => linesIn(cli, 'begun').length >= begun + 2);
    await outage();
    await this.withQueue(async (queue) => {
      const isEmpty = async () => (await queue.stats({ exact: true })).topics.length === 0;
      await eventually(async () => running.child.exitCode !== null || (await isEmpty()), { everyMs: 50 });
      const handled = new Set(linesIn(cli, 'handled'));
      expect(await balance(queue, TOPIC, { pushed, handled })).to.deep.equal({ lost: 0, twice: 0 });
    });
  }
}

const OUTAGES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'killed and started again': (scene) => scene.primary.restart(),
  'that makes its clients wait': async ({ primary }) => {
    const raw = primary.client();
    await raw.call('CLIENT', 'PAUSE', '500');
  },
  'cut off': ({ proxy }) => {
    proxy.drop();
    return Promise.resolve();
  },
  'that cannot be reached': async ({ proxy, running }) => {
    const before = running.stderr.length;
    proxy.refuse();
    await eventually(() => running.stderr.slice(before).includes('retrying'));
    proxy.pass();
  },
  'that swallows what it is sent': async ({ proxy, replica }) => {
    proxy.hold();
    // For as long as 20 commands to the other server take.
    for (let i = 0; i < 20; i += 1) await replica.strangers();
    proxy.drop();
    proxy.pass();
  },
  'failing over to its replica': async (scene) => {
    const { primary, replica, proxy } = scene;
    const raw = primary.client();
    // Both sides must report the link: FAILOVER needs a replica that the primary sees as online.
    const isLinked = async () =>
      (await replica.client().info('replication')).includes('master_link_status:up') &&
      (await raw.info('replication')).includes('state=online');
    await eventually(isLinked, { everyMs: 50 });
    await raw.call('FAILOVER', 'TO', '127.0.0.1', String(replica.port));
    await eventually(async () => (await replica.client().info('replication')).includes('role:master'), {
      everyMs: 50,
    });
    [scene.primary, scene.replica] = [replica, primary];
    // The address moves with the primary.
    proxy.aim({ path: replica.socket });
  },
};

describe('a Redis that goes away while handlers run', () => {
  const cli = useCli();
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open(cli);
  });
  afterEach(() => scene.close());

  it('does not end the worker and loses no job, in each of six outages', async () => {
    const measurement = new Measurement('Redis away', 'Redis');
    for (let round = 0; round < SIZE.outages; round += 1) {
      for (const [name, outage] of Object.entries(OUTAGES)) {
        await scene.during(() => outage(scene));
        measurement.add(name, 1);
      }
    }
    const { pushed, running } = scene;
    const handled = linesIn(cli, 'handled');
    measurement.none('workers that ended', running.child.exitCode === null ? 0 : 1);
    const { stdout } = await running.end();
    const ledger = new Ledger();
    ledger.add(stdout.toString().split('\n').slice(0, -1));
    measurement.add('jobs', pushed.size);
    measurement.add('redelivered', ledger.redelivered);
    measurement.none('jobs lost', pushed.size - new Set(handled).size);
    measurement.none('handled again after the answer to their ack', ledger.doubled);
    measurement.end();
  });
});

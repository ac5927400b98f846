import { expect } from 'chai';
import { DELIVERY_LEASE_MS } from '../../src/core/lease.js';
import { expectQuiet, idsIn, linesOf, type Outcome, useCli } from '../support/cli.js';
import { useRedis } from '../support/redis.js';
import { batchOf, expectAllAccountedFor, idsInQueue, numbered, pushAll } from './accounting.js';

const TOPIC = 'topic';

describe('a Redis that is killed with -9 and starts again:', () => {
  const redis = useRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'], movableClock: true });
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

  /** Restarts Redis once a command has printed some lines; returns the outcome of the command. */
  const killDuring = async (command: ReturnType<typeof cli.start>, lines: number): Promise<Outcome> => {
    await command.printed(lines);
    await redis.server.restart();
    return command.ended;
  };

  for (const kill of [1, 2]) {
    it(`a push --batch recovers or fails with the lines in doubt, and each id that it printed is pushed (${kill})`, async () => {
      const ids = numbered(10_000);
      const batch = cli.start(['push', '--batch'], { stdin: batchOf(TOPIC, ids, 3600) });
      const outcome = await killDuring(batch, kill * 2000);
      expect(outcome.code).to.be.oneOf([0, 69, 75]);
      if (outcome.code !== 0) expect(outcome.stderr).to.match(/lines \d+ to \d+|line \d+:/);
      const queue = await cli.queue();
      await expectAllAccountedFor(queue, TOPIC, { pushed: linesOf(outcome) });
      // Pushing the same batch again is safe while no job is due, and completes it.
      const again = await cli.run(['push', '--batch'], { stdin: batchOf(TOPIC, ids, 3600) });
      expect(again.code).to.equal(0);
      expect((await idsInQueue(queue, TOPIC)).sort()).to.deep.equal([...ids].sort());
    });
  }

  it('a drain recovers or fails, and each job is printed or comes back', async () => {
    const ids = numbered(20_000);
    const queue = await cli.queue();
    await pushAll(queue, TOPIC, ids);
    const first = await killDuring(cli.start(['drain', TOPIC]), 3000);
    expect(first.code).to.be.oneOf([0, 69, 75]);
    // The remaining leases end. Jobs that were printed and not acked come again, which the command must have reported
    // by exit code 75.
    const delivered = idsIn(linesOf(first));
    redis.clock.advance(DELIVERY_LEASE_MS);
    const rest = idsIn(linesOf(expectQuiet(await cli.run(['drain', TOPIC]))));
    expect(await idsInQueue(queue, TOPIC)).to.be.empty;
    expect(new Set([...delivered, ...rest])).to.deep.equal(new Set(ids));
    const twice = delivered.length + rest.length - ids.length;
    expect(twice).to.be.at.most(first.code === 75 ? 500 : 0);
    expect(first.stdout.toString()).to.match(/\n$/);
  });

  it('a waiting bpop gets the job that is pushed afterwards, or fails and leaves it in the queue', async () => {
    const bpop = cli.start(['bpop', TOPIC, '--output', 'body']);
    await bpop.hearsSignals();
    await redis.server.restart();
    await (await cli.queue()).push({ topic: TOPIC, body: 'afterwards' });
    const outcome = await bpop.ended;
    if (outcome.code === 0) expect(linesOf(outcome)).to.deep.equal(['afterwards']);
    else {
      expect(outcome.code).to.be.oneOf([69, 75]);
      expect(await idsInQueue(await cli.queue(), TOPIC)).to.have.length(1);
    }
  });

  it('each command fails with 69 or 75 within 12 s while Redis stays away', async () => {
    const bpop = cli.start(['bpop', TOPIC]);
    await bpop.hearsSignals();
    await redis.server.kill();
    const since = performance.now();
    const others = [['pop', TOPIC], ['push', TOPIC, 'b'], ['remove', 'a'], ['inspect'], ['drain', TOPIC]];
    for (const outcome of await Promise.all([bpop.ended, ...others.map((args) => cli.run(args))])) {
      expect(outcome.code).to.be.oneOf([69, 75]);
      expect(outcome.stderr).to.match(/^delayer: [^\n]+\n$/);
      expect(outcome.stdout).to.be.empty;
    }
    expect(performance.now() - since).to.be.lessThan(12_000);
    await redis.server.restart();
  });
});

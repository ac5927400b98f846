import { expect } from 'chai';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type CliGround, useCli } from '../support/cli.js';
import { keyspaceOf, useRedis } from '../support/redis.js';

const VIEWS = [
  [],
  ['topic'],
  ['topic', '--state', 'dead'],
  ['--id', 'ready'],
  ['--id', 'none'],
  ['--problems'],
];

async function fill(cli: CliGround): Promise<void> {
  const queue = await cli.queue();
  const job = { topic: 'topic', body: 'b' };
  await queue.pushMany(['leased', 'dead', 'ready'].map((id) => ({ ...job, id })));
  await queue.push({ ...job, id: 'delayed', delayMs: 3_600_000 });
  await queue.maintain();
  const { jobs } = await queue.reserve({ topics: 'topic', limit: 2, leaseMs: 3_600_000 });
  await queue.nack(jobs.slice(1), { dead: true });
  await queue.pause('topic', { forMs: 3_600_000 });
  await queue.close();
}

const show = (cli: CliGround) =>
  Promise.all([...VIEWS, ['topic', '--json'], ['--json']].map((args) => cli.run(['inspect', ...args])));

describe('inspect changes nothing', () => {
  describe('on Redis', () => {
    const redis = useRedis();
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

    it('no view of inspect creates or changes a key or its expiry', async () => {
      await fill(cli);
      const before = await keyspaceOf(redis.raw, '*');
      await show(cli);
      expect(await keyspaceOf(redis.raw, '*')).to.deep.equal(before);
    });
  });

  describe('on SQLite', () => {
    const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${join(home, 'folder', 'queue.db')}` }));
    /** Each file of the home folder with its bytes and the time of its last change. */
    const files = () =>
      readdirSync(cli.home, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.endsWith('-shm'))
        .map(({ parentPath, name }) => join(parentPath, name))
        .map((path) => [path, readFileSync(path).toString('base64'), statSync(path).mtimeMs] as const);

    it('no view of inspect writes to the file', async () => {
      mkdirSync(join(cli.home, 'folder'));
      await fill(cli);
      const before = files();
      await show(cli);
      expect(files()).to.deep.equal(before);
    });

    it('no view of inspect creates a file or folder, and a missing named store ends it with 69', async () => {
      const before = readdirSync(cli.home, { recursive: true });
      for (const outcome of await show(cli)) {
        expect(outcome.code).to.equal(69);
        expect(outcome.stdout).to.be.empty;
        expect(outcome.stderr).to.match(/^[^\n]+\n$/);
      }
      expect(readdirSync(cli.home, { recursive: true })).to.deep.equal(before);
    });
  });
});

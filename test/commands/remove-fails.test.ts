import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { useFolder } from '../storage/sqlite/files.js';
import { useCli } from '../support/cli.js';
import { HOUR_MS, must, only } from '../support/jobs.js';
import { Proxy } from '../support/proxy.js';
import { useRedis } from '../support/redis.js';

const COMMANDS = [
  ['purge', 'topic', '--yes'],
  ['remove', '--topic', 'topic', '--yes'],
  ['remove', '--any-state', 'id-0', 'id-1'],
];
const BODY = 'a body that no other request has';
const jobs = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ topic: 'topic', id: `id-${i}`, body: BODY, delayMs: HOUR_MS }));

const keptFiles = ({ HOME }: Readonly<Record<string, string>>) => {
  const folder = join(must(HOME), '.local/state/delayer/removed');
  return readdirSync(folder).map((name) => join(folder, name));
};

describe('a removal that the store refuses', () => {
  describe('on Redis', () => {
    const redis = useRedis();
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));
    afterEach(() => redis.raw.replicaof('NO', 'ONE'));

    it('by a replica claims no removed job, and leaves no file', async () => {
      const queue = await cli.queue();
      await queue.pushMany(jobs(5));
      await redis.raw.replicaof('127.0.0.1', 1);
      for (const args of COMMANDS) {
        const { code, stderr } = await cli.run(args);
        expect(code).to.equal(69);
        expect(stderr).to.match(/^delayer: [^\n]* is a replica [^\n]*\n$/);
      }
      expect(keptFiles(cli.env)).to.deep.equal([]);
    });

    it('keeps the file, and says that the outcome is unknown, when the answer is lost', async () => {
      const proxy = await Proxy.to({ path: redis.server.socket });
      try {
        const queue = await cli.queue();
        // Redis has the script from now on.
        await queue.pushMany(jobs(1));
        await cli.run(['purge', 'topic', '--yes', '--no-archive']);
        await queue.pushMany(jobs(5));
        proxy.cut('reply', { when: (request) => request.includes(BODY) });
        const { code, stderr } = await cli.run(['purge', 'topic', '--yes'], {
          env: { DELAYER_STORE: proxy.url },
        });
        expect(proxy.cuts).to.equal(1);
        expect(code).to.equal(75);
        const [, path] = /it is unknown whether the jobs in (\S+) were removed;/.exec(stderr) ?? [];
        expect(path).to.equal(only(keptFiles(cli.env)));
        expect(readFileSync(must(path), 'utf8').match(/"id":"id-/g)).to.have.length(5);
        expect((await queue.stats()).totals.delayed).to.equal(0);
      } finally {
        await proxy.close();
      }
    });

    it('keeps the file where a job is missing after a failure', async () => {
      const proxy = await Proxy.to({ path: redis.server.socket });
      try {
        const queue = await cli.queue();
        await queue.pushMany(jobs(5));
        const hasBegun = proxy.before(
          (request) => request.includes(BODY),
          async () => {
            await redis.raw.del(`${redis.prefix}:job_bucket:id-3`);
            await redis.raw.replicaof('127.0.0.1', 1);
          },
        );
        const { code, stderr } = await cli.run(['purge', 'topic', '--yes'], {
          env: { DELAYER_STORE: proxy.url },
        });
        await hasBegun;
        expect(code).to.equal(69);
        expect(stderr).to.include(
          `it is unknown whether the jobs in ${only(keptFiles(cli.env))} were removed`,
        );
      } finally {
        await proxy.close();
      }
    });
  });

  describe('on SQLite', () => {
    const folder = useFolder();
    const cli = useCli(() => ({ DELAYER_STORE: `sqlite:${folder.path('queue.db')}` }));
    /** Room for the file of removed jobs, and for no page in the log of the store. */
    const MOST_KIB = 4;

    it('for want of room claims no removed job, and leaves no file', async () => {
      const filling = await cli.queue();
      await filling.pushMany(jobs(5));
      await filling.close();
      // While this is open, commands find the index of the log, and fail only when the log is to grow.
      const queue = await cli.queue();
      await queue.stats();
      for (const args of COMMANDS) {
        const { code, stderr } = await cli.sh(`ulimit -f ${MOST_KIB}; delayer ${args.join(' ')}`);
        expect(code).to.equal(69);
        expect(stderr).to.match(/^delayer: [^\n]*: file too large \(EFBIG\)\.[^\n]*\n$/);
      }
      expect(keptFiles(cli.env)).to.deep.equal([]);
      expect((await queue.stats()).totals.delayed).to.equal(5);
    });
  });
});

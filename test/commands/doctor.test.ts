import { expect } from 'chai';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { openDatabase } from '../../src/storage/sqlite/driver.js';
import { parseRedisUrl } from '../../src/storage/redis/url.js';
import { documentOf, forEachStore, linesOf, useCli } from '../support/cli.js';
import { HOUR_MS, jobsOf } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';

interface Document {
  readonly isHealthy: boolean;
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly count: number }[];
  readonly mended: Readonly<Record<string, number>>;
}

describe('doctor', () => {
  forEachStore((cli) => {
    const doctor = (...args: string[]) => cli.run(['doctor', ...args]);
    /** Plants a fault that `--fix` mends: a lock without an end on Redis, a leased job without a lease on SQLite. @returns its code and message */
    const plant = async () => {
      const queue = await cli.queue();
      await queue.push({ topic: 'secret-topic', id: 'secret-id', body: 'secret-body', delayMs: HOUR_MS });
      const { DELAYER_STORE: store = '', DELAYER_PREFIX: prefix = '' } = cli.env;
      if (queue.needsPromotion) {
        const redis = new Redis(parseRedisUrl(store).path ?? '');
        await redis.set(`${prefix}:lock:secret-lock`, 'secret-owner');
        await redis.quit();
        return { code: 'lock_endless', says: 'a lock has no end' };
      }
      const database = openDatabase(store.replace('sqlite:', ''));
      database.exec('UPDATE job SET state = 1');
      database.close();
      return { code: 'job_unheld', says: 'a job is marked as leased, but is in no lease' };
    };

    it('doctor exits with 0 for a healthy store, and for one with warnings only', async () => {
      const queue = await cli.queue();
      await queue.pushMany(jobsOf('topic', 3));
      await queue.maintain();
      const outcome = await doctor();
      expect(outcome).to.include({ code: 0, stderr: '' });
      if (!queue.needsPromotion) expect(linesOf(outcome)).to.deep.equal(['The store is healthy.']);
      else expect(outcome.stdout.toString()).to.include('warning: no daemon of delayer was seen');
    });

    it('doctor exits with 1 for an error, and with 0 after --fix has mended it', async () => {
      const { code } = await plant();
      expect((await doctor()).code).to.equal(1);
      const found = documentOf<Document>(await doctor('--json'));
      expect(found.isHealthy).to.be.false;
      expect(found.findings).to.deep.include.members([
        { ...found.findings[0], code, severity: 'error', count: 1 },
      ]);
      const fixed = await doctor('--fix', '--yes', '--output', 'json');
      expect(fixed).to.include({ code: 0, stderr: '' });
      expect(documentOf<Document>(fixed).mended).to.deep.equal({ [code]: 1 });
      expect((await doctor()).code).to.equal(0);
    });

    it('doctor --fix needs --yes without a terminal, and changes nothing with --dry-run', async () => {
      const { says } = await plant();
      expect(await doctor('--fix')).to.include({ code: 2 });
      const dry = await doctor('--fix', '--dry-run');
      expect(dry).to.include({ code: 1, stderr: `delayer: would be fixed: ${says}\n` });
      expect((await doctor()).code).to.equal(1);
      expect(await doctor('--dry-run')).to.include({ code: 2 });
    });

    it('doctor --gather writes a file for this user only, without bodies, ids or passwords, and replaces no file', async () => {
      const { code } = await plant();
      expect(await doctor('--gather', 'report.json')).to.include({ code: 1, stderr: '' });
      const path = join(cli.home, 'report.json');
      expect(statSync(path).mode & 0o777).to.equal(0o600);
      const text = readFileSync(path, 'utf8');
      expect(text).to.not.match(/secret/);
      const report = JSON.parse(text) as Record<string, unknown>;
      expect(report).to.include.keys('delayer', 'node', 'platform', 'label', 'store', 'counts');
      expect(report).to.have.nested.property('findings[0].code', code);
      writeFileSync(path, 'mine');
      expect(await doctor('--gather', 'report.json')).to.include({ code: 74 });
      expect(readFileSync(path, 'utf8')).to.equal('mine');
      expect((await doctor('--gather', 'named.json', '--names')).code).to.equal(1);
      expect(readFileSync(join(cli.home, 'named.json'), 'utf8')).to.include('secret-topic');
    });
  });

  describe('on Redis, when it removes a job', () => {
    const redis = useRedis();
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

    it('keeps the remains of the job in a file first, and names the file', async () => {
      const queue = await cli.queue();
      await queue.push({ topic: 'topic', id: '1', body: 'all that is left', delayMs: HOUR_MS });
      await redis.raw.hdel(`${redis.prefix}:job_bucket:1`, 'topic');
      const { code, stderr } = await cli.run(['doctor', '--fix', '--yes', '--verbose']);
      expect(code).to.equal(0);
      const path = /the removed jobs are in (\S+);/.exec(stderr)?.[1] ?? '';
      expect(readFileSync(path, 'utf8')).to.include('all that is left').and.include('"confirmed":1');
      expect(await queue.find('1')).to.deep.equal([]);
    });
  });
});

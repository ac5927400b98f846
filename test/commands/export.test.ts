import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Queue } from '../../src/core/queue.js';
import { OriginalClient } from '../interop/original.js';
import { expectQuiet, forEachStore, jsonOf, linesOf, useCli } from '../support/cli.js';
import { HOUR_MS, maintainAll, only, reserve } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';

/** Jobs in every state that can be exported, with every field that a job may have. */
async function populate(queue: Queue): Promise<void> {
  const bytes = Buffer.from([0, 255, 10]);
  await queue.push({ id: 'ready', topic: 'orders', body: '{"a":"ü ✓"}' });
  await queue.push({ id: bytes, topic: 'orders', body: bytes, ttlMs: HOUR_MS });
  for (let i = 0; i < 20; i += 1)
    await queue.push({
      id: `delayed-${i}`,
      topic: `topic-${i % 3}`,
      body: `${i}`,
      delayMs: HOUR_MS,
      retries: i,
    });
  await queue.push({
    id: 'retried',
    topic: 'retries',
    body: 'r',
    retries: 9,
    backoff: { firstMs: HOUR_MS, lastMs: HOUR_MS },
  });
  await queue.nack(await reserve(queue, 'retries'), { reason: 'no answer\nfrom the shop', exitCode: 7 });
  for (const reason of ['one', 'two']) {
    await queue.push({ id: 'dead', topic: 'letters', body: reason, ttlMs: 5000 });
    await queue.nack(await reserve(queue, 'letters'), {
      dead: true,
      reason,
      deadTtlMs: reason === 'one' ? 0 : HOUR_MS,
    });
  }
  await queue.push({ id: 'released', topic: 'releases', body: 'r' });
  await queue.release(await reserve(queue, 'releases'));
  await maintainAll(queue);
}

describe('export', () => {
  forEachStore((cli, itOnce) => {
    it('prints every job on a line of JSON with all its fields', async () => {
      await populate(await cli.queue());
      const jobs = jsonOf(expectQuiet(await cli.run(['export'])));
      expect(jobs).to.have.lengthOf(26);
      const retried = only(jobs.filter(({ id }) => id === 'retried'));
      expect(retried).to.include({ state: 'delayed', attempts: 1, retries: 9, ttlMs: 604_800_000 });
      expect(retried.key).to.be.a('string');
      expect(only(retried.history as unknown[])).to.include({
        exitCode: 7,
        reason: 'no answer\nfrom the shop',
      });
      expect(only(jobs.filter(({ idBase64 }) => idBase64 === 'AP8K'))).to.include({ bodyBase64: 'AP8K' });
      expect(jobs.filter(({ id }) => id === 'dead').map(({ reason }) => reason)).to.have.members([
        'one',
        'two',
      ]);
    });

    it('prints the jobs of a selection or of ids, and exits with 1 when there are none', async () => {
      await populate(await cli.queue());
      const idsOf = async (...args: string[]) =>
        jsonOf(await cli.run(['export', ...args])).map(({ id }) => String(id));
      expect(await idsOf('--topic', 'topic-1', '--grep', '1')).to.have.members(
        ['1', '10', '13', '16', '19'].map((n) => `delayed-${n}`),
      );
      expect(await idsOf('--state', 'dead')).to.deep.equal(['dead', 'dead']);
      expect(await idsOf('ready', 'unknown', 'delayed-3')).to.deep.equal(['ready', 'delayed-3']);
      expect((await cli.run(['export', '--topic', 'nothing*'])).code).to.equal(1);
      expect((await cli.run(['export', 'unknown'])).code).to.equal(1);
    });

    it('reports each named id that cannot be exported', async () => {
      const queue = await cli.queue();
      await queue.pushMany(['held', 'other'].map((id) => ({ id, topic: 'orders', body: 'b' })));
      only(await reserve(queue, 'orders'));
      const notes = [
        'delayer: the job "held" is leased to a consumer; it was not exported',
        'delayer: the job "orders" is not in the queue; it was not exported',
      ];
      const some = await cli.run(['export', 'held', 'other', 'orders']);
      expect(jsonOf(some).map(({ id }) => id)).to.deep.equal(['other']);
      expect(some).to.include({ code: 0, stderr: `${notes.join('\n')}\n` });
      expect(await cli.run(['export', 'held', 'orders'])).to.include({
        code: 1,
        stderr: `${[...notes, 'delayer: no job has such an id; to select a topic, use --topic'].join('\n')}\n`,
      });
    });

    it('leaves out leased jobs unless --state leased is given', async () => {
      const queue = await cli.queue();
      await queue.push({ id: 'held', topic: 'orders', body: 'b' });
      await reserve(queue, 'orders');
      expect(linesOf(await cli.run(['export']))).to.deep.equal([]);
      expect(jsonOf(await cli.run(['export', '--state', 'leased']))).to.have.lengthOf(1);
    });

    it('writes a file for this user only, with a count at its end, and compressed with --gzip', async () => {
      await populate(await cli.queue());
      const [plain, packed] = [join(cli.home, 'jobs'), join(cli.home, 'jobs.gz')];
      writeFileSync(plain, 'what was there before');
      expectQuiet(await cli.run(['export', '--output-file', plain]));
      expectQuiet(await cli.run(['export', '--output-file', packed, '--gzip']));
      const lines = readFileSync(plain, 'utf8').trimEnd().split('\n');
      expect(JSON.parse(lines[0] ?? '')).to.include({ export: 1 });
      expect(JSON.parse(lines.at(-1) ?? '')).to.include({ exported: 26 });
      expect(gunzipSync(readFileSync(packed)).toString().trimEnd().split('\n').slice(1)).to.deep.equal(
        lines.slice(1),
      );
      expect(statSync(plain).mode & 0o777).to.equal(0o600);
      expect(readdirSync(cli.home).filter((name) => name.startsWith('jobs'))).to.deep.equal([
        'jobs',
        'jobs.gz',
      ]);
    });

    for (const move of [[], ['--topic', 'orders', '--move']]) {
      it(`export ${move.join(' ')} to a FIFO or a folder exits with 2, and leaves both in place`, async () => {
        await populate(await cli.queue());
        const [fifo, folder] = [join(cli.home, 'fifo'), join(cli.home, 'folder')];
        execFileSync('mkfifo', [fifo]);
        mkdirSync(folder);
        for (const path of [fifo, folder]) {
          const { code, stderr } = await cli.run(['export', ...move, '--output-file', path]);
          expect(code).to.equal(2);
          expect(stderr).to.equal(
            `delayer: --output-file is not a regular file: "${path}". Name a regular file, or a new one.\n`,
          );
        }
        expect(statSync(fifo).isFIFO()).to.be.true;
        expect(statSync(folder).isDirectory()).to.be.true;
        expect(jsonOf(await cli.run(['export']))).to.have.lengthOf(26);
      });
    }

    itOnce('exits with 74 where the file cannot even be looked at', async () => {
      await populate(await cli.queue());
      for (const move of [[], ['--topic', 'orders', '--move']]) {
        const { code, stderr } = await cli.run(['export', ...move, '--output-file', 'x'.repeat(300)]);
        expect(code, stderr).to.equal(74);
      }
    });

    it('exits with 74 on a full disk, and leaves no partial file', async () => {
      await populate(await cli.queue());
      for (const flags of ['', '--gzip']) {
        const full = await cli.sh(`delayer export ${flags} > /dev/full`);
        expect(full.code, full.stderr).to.equal(74);
        expect(full.stderr).to.match(/cannot write to stdout: ENOSPC.*Nothing was changed in the queue\.$/m);
        expect(full.stderr).to.not.include('file');
      }
      const limited = await cli.sh(`
        delayer export --output-file small > /dev/null || exit 99
        cp small before
        ulimit -f 1
        trap '' XFSZ
        exec delayer export --output-file small`);
      expect(limited).to.include({ code: 74 });
      expect(limited.stderr).to.match(/cannot write to small: .*no file was left behind/);
      expect(readFileSync(join(cli.home, 'small'))).to.deep.equal(readFileSync(join(cli.home, 'before')));
      expect(readdirSync(cli.home).filter((name) => name.includes('part'))).to.deep.equal([]);
      expect((await (await cli.queue()).stats()).totals.delayed).to.equal(21);
    });
  });

  describe('and import, from one store to another', () => {
    const redis = useRedis();
    const cli = useCli(() => ({}));
    const args = (prefix: string) => ['--store', redis.server.url, '--prefix', prefix];
    const linesOfExport = async (...store: string[]) =>
      linesOf(expectQuiet(await cli.run(['export', ...store]))).sort();

    it('copy jobs from Redis to SQLite and back without a change in any line, including jobs of original clients', async () => {
      const { openQueue } = await import('../../src/storage/open.js');
      await using queue = await openQueue(redis.server.url, { prefix: redis.prefix });
      await populate(queue);
      const original = new OriginalClient(redis.raw, redis.prefix);
      await original.push('original', 'orders', 'by another client', 3600);
      await original.push('short-lived', 'orders', 'expires before it is due', 7200, -3600);
      const [first, second, sqlite] = ['first', 'second', 'queue.db'].map((name) => join(cli.home, name));
      const file = `sqlite:${sqlite}`;
      expectQuiet(await cli.run(['export', ...args(redis.prefix), '--output-file', first ?? '']));
      expectQuiet(await cli.run(['import', first ?? '', '--store', file]));
      expectQuiet(await cli.run(['export', '--store', file, '--output-file', second ?? '', '--gzip']));
      const other = `${redis.prefix}:other`;
      expectQuiet(await cli.run(['import', second ?? '', ...args(other)]));
      await using back = await openQueue(redis.server.url, { prefix: other });
      await maintainAll(back);
      const lines = await linesOfExport(...args(redis.prefix));
      expect(lines).to.have.lengthOf(28);
      expect(await linesOfExport('--store', file)).to.deep.equal(lines);
      expect(await linesOfExport(...args(other))).to.deep.equal(lines);
    });
  });
});

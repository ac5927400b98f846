import { expect } from 'chai';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { expectQuiet, linesOf, useCli } from '../support/cli.js';
import { useRedis } from '../support/redis.js';

describe('push --batch in bulk', () => {
  const redis = useRedis();
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));
  /** A heap that holds a few chunks at once, and not the whole input. */
  const small = { NODE_OPTIONS: '--max-old-space-size=64' };

  async function writeLines(count: number, line: (n: number) => string): Promise<string> {
    const path = join(cli.home, 'jobs.ndjson');
    const file = createWriteStream(path);
    for (let n = 0; n < count; n += 1) if (!file.write(`${line(n)}\n`)) await once(file, 'drain');
    file.end();
    await once(file, 'close');
    return path;
  }

  it('push --batch pushes 100,000 lines at constant memory', async () => {
    const body = 'x'.repeat(400);
    const path = await writeLines(100_000, (n) =>
      JSON.stringify({ id: `${n}`, topic: 'topic', body, delay: 3600 }),
    );
    const outcome = await cli.run(['push', '--batch', path], { env: small });
    const printed = linesOf(expectQuiet(outcome));
    expect(printed).to.have.length(100_000);
    expect(printed.every((id, n) => id === `${n}`)).to.be.true;
    expect(await redis.raw.zcard(`${redis.prefix}:job_pool`)).to.equal(100_000);
  });

  it('push --batch names a bad line after 4,320 good ones, and pushes all others', async () => {
    const path = await writeLines(5000, (n) =>
      n === 4320 ? '{"topic"}' : JSON.stringify({ topic: 'topic', body: 'b', delay: 3600 }),
    );
    const outcome = await cli.run(['push', '--batch', path]);
    expect(outcome.code).to.equal(2);
    expect(outcome.stderr).to.match(/^delayer: line 4321: .*\ndelayer: 4999 pushed, 1 bad line\n$/);
    expect(await redis.raw.zcard(`${redis.prefix}:job_pool`)).to.equal(4999);
  });

  it('push --batch pushes bodies of a megabyte at constant memory', async () => {
    const body = 'x'.repeat(1024 * 1024);
    const path = await writeLines(60, (n) =>
      JSON.stringify({ id: `${n}`, topic: 'topic', body, delay: 3600 }),
    );
    const outcome = await cli.run(['push', '--batch', path], { env: small });
    expectQuiet(outcome);
    expect(await redis.raw.hstrlen(`${redis.prefix}:job_bucket:59`, 'body')).to.equal(body.length);
  });

  it('push --batch names a line of 8 MB that is not JSON without repeating it', async () => {
    const huge = 'x'.repeat(8 * 1024 * 1024);
    const path = await writeLines(3, (n) => (n === 1 ? huge : '{"topic":"topic","body":"b"}'));
    const outcome = await cli.run(['push', '--batch', path]);
    expect(outcome.code).to.equal(2);
    expect(linesOf(outcome)).to.have.length(2);
    expect(outcome.stderr).to.match(/^delayer: line 2: .*\ndelayer: 2 pushed, 1 bad line\n$/);
    expect(outcome.stderr.length).to.be.lessThan(500);
  });

  it('push --batch refuses a FILE that cannot be read', async () => {
    const outcome = await cli.run(['push', '--batch', join(cli.home, 'none.ndjson')]);
    expect(outcome.code).to.equal(2);
    expect(outcome.stdout).to.be.empty;
    expect(outcome.stderr).to.include('none.ndjson');
  });

  for (const [what, redirection, code] of [
    ['closed', '| head -3', 141],
    ['full', '>/dev/full', 74],
  ] as const) {
    it(`push --batch ends with ${code} when stdout is ${what}, and tells exactly which lines are in the queue`, async () => {
      const path = await writeLines(20_000, (n) =>
        JSON.stringify({ id: `${n}`, topic: 'topic', body: 'b', delay: 3600 }),
      );
      const outcome = await cli.sh(`delayer push --batch '${path}' ${redirection}; echo "\${PIPESTATUS[0]}"`);
      expect(linesOf(outcome).at(-1)).to.equal(`${code}`);
      const pushed = await redis.raw.zcard(`${redis.prefix}:job_pool`);
      expect(pushed).to.be.within(1, 19_999);
      const [told] = outcome.stderr.split('\n').filter((line) => line.includes(' pushed'));
      expect(told).to.equal(`delayer: ${pushed} pushed; in the queue: lines 1 to ${pushed}`);
      expect(await redis.raw.zscore(`${redis.prefix}:job_pool`, `${pushed - 1}`)).to.not.equal(null);
    });
  }
});

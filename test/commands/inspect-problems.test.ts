import { expect } from 'chai';
import { documentOf, expectQuiet, jsonOf, linesOf, useCli } from '../support/cli.js';
import { useRedis } from '../support/redis.js';

interface Overview {
  readonly topics: readonly Record<string, unknown>[];
  readonly problems: readonly { readonly code: string; readonly message: string; readonly hint: string }[];
}

describe('the problems that inspect names', () => {
  const redis = useRedis({ args: ['--appendonly', 'yes'] });
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));
  const problems = async () =>
    documentOf<Overview>(expectQuiet(await cli.run(['inspect', '--json']))).problems;
  const codes = async () => (await problems()).map(({ code }) => code);
  const key = (rest: string) => `${redis.prefix}:${rest}`;

  it('inspect names no problem while a daemon runs on a Redis that persists its data', async () => {
    const serve = cli.start(['serve']);
    await serve.says(/promoting/);
    expect(await problems()).to.deep.equal([]);
    await serve.end();
    expect(await codes()).to.deep.equal(['no_daemon']);
  });

  it('the problems that inspect names include that no daemon was seen, in the table as well', async () => {
    const table = expectQuiet(await cli.run(['inspect']));
    expect(linesOf(table).at(-1)).to.match(/^! No delayer daemon was seen.*delayer serve/);
  });

  it('the problems that inspect names include that Redis keeps nothing on disk', async () => {
    await redis.raw.config('SET', 'appendonly', 'no');
    try {
      expect(await codes()).to.include('no_persistence');
    } finally {
      await redis.raw.config('SET', 'appendonly', 'yes');
    }
    expect(await codes()).to.not.include('no_persistence');
  });

  it('the problems that inspect names include that Redis may evict jobs', async () => {
    await redis.raw.config('SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      const evicting = (await problems()).find(({ code }) => code === 'evicting');
      expect(evicting?.message).to.include('allkeys-lru');
      expect(evicting?.hint).to.include('noeviction');
    } finally {
      await redis.raw.config('SET', 'maxmemory-policy', 'noeviction');
    }
    expect(await codes()).to.not.include('evicting');
  });

  it('the problems that inspect names include a key of the wrong type; the other topics are counted all the same', async () => {
    await redis.raw.set(key('ready_queue:broken\ntopic'), 'no list');
    const queue = await cli.queue();
    await queue.push({ topic: 'topic', body: 'b' });
    await queue.maintain();
    const outcome = expectQuiet(await cli.run(['inspect', '--json']));
    const overview = documentOf<Overview>(outcome);
    const wrong = overview.problems.find(({ code }) => code === 'wrong_type');
    expect(wrong?.message).to.include('ready_queue:broken').and.to.include('string');
    expect(overview.topics).to.have.length(1);
    expect(overview.topics[0]).to.include({ topic: 'topic', ready: 1 });
    const said = expectQuiet(await cli.run(['inspect'])).stdout.toString();
    expect(said.split('\n').filter((line) => line.includes('ready_queue:broken'))).to.have.length(1);
  });

  it('the problems that inspect names include a pool of the wrong type', async () => {
    await redis.raw.set(key('job_pool'), 'no zset');
    const wrong = (await problems()).filter(({ code }) => code === 'wrong_type');
    expect(wrong.map(({ message }) => message).join()).to.include('job_pool');
  });

  it('the problems that inspect names include how many jobs have lost their bodies', async () => {
    const queue = await cli.queue();
    const jobs = ['a', 'b', 'c'].map((id) => ({ id, topic: 'topic', body: 'b', delayMs: 3_600_000 }));
    await queue.pushMany(jobs);
    await redis.raw.del(key('job_bucket:a'), key('job_bucket:b'));
    const gone = (await problems()).find(({ code }) => code === 'bodies_gone');
    expect(gone?.message).to.match(/^2 jobs/);
  });

  it('inspect counts a due job that was not promoted as due, and explains it', async () => {
    const queue = await cli.queue();
    await queue.push({ id: 'a', topic: 'topic', body: 'b' });
    const overview = documentOf<Overview>(expectQuiet(await cli.run(['inspect', '--json'])));
    expect(overview.topics[0]).to.include({ topic: 'topic', due: 1, ready: 0 });
    const card = expectQuiet(await cli.run(['inspect', '--id', 'a'])).stdout.toString();
    expect(card).to.include('was not promoted yet');
  });

  describe('for a ready job whose body is gone', () => {
    beforeEach(async () => {
      const queue = await cli.queue();
      await queue.push({ id: 'a', topic: 'topic', body: 'b' });
      await queue.maintain();
      await redis.raw.del(key('job_bucket:a'));
    });

    it('inspect counts and lists a ready job without a body as expired', async () => {
      const overview = documentOf<Overview>(expectQuiet(await cli.run(['inspect', '--json'])));
      expect(overview.topics[0]).to.include({ topic: 'topic', ready: 0, expired: 1 });
      const listed = expectQuiet(await cli.run(['inspect', 'topic', '--state', 'expired', '--json']));
      expect(documentOf<{ jobs: unknown[] }>(listed).jobs).to.have.length(1);
    });

    it('inspect --id explains why an expired job will never be delivered', async () => {
      const card = expectQuiet(await cli.run(['inspect', '--id', 'a'])).stdout.toString();
      expect(card).to.include('never be delivered');
    });
  });

  it('inspect --problems lists and explains flawed jobs, and exits with 1 when there are none', async () => {
    const none = await cli.run(['inspect', '--problems']);
    expect(none).to.include({ code: 1, stderr: 'delayer: no job has a problem\n' });
    const queue = await cli.queue();
    await queue.pushMany(['a', 'b'].map((id) => ({ id, topic: 'topic', body: 'b', delayMs: 3_600_000 })));
    await redis.raw.del(key('job_bucket:a'));
    await redis.raw.del(key('job_bucket:b'));
    await redis.raw.set(key('job_bucket:b'), 'text');
    const listed = jsonOf(expectQuiet(await cli.run(['inspect', '--problems', '--json'])));
    expect(listed.map(({ id, flaw, blockedBy }) => [id, flaw ?? blockedBy])).to.deep.equal([
      ['a', { type: 'body_gone' }],
      ['b', { type: 'wrong_type', key: key('job_bucket:b'), found: 'string', wanted: 'hash' }],
    ]);
    for (const { explanation } of listed) expect(explanation).to.be.an('array').that.is.not.empty;
    const cards = expectQuiet(await cli.run(['inspect', '--problems'])).stdout.toString();
    expect(cards).to.include('its body is gone').and.to.include('in the place of its body');
    const overview = expectQuiet(await cli.run(['inspect'])).stdout.toString();
    expect(overview).to.match(/^! 1 job has lost the body.*inspect --problems/m);
  });

  it('inspect of a topic whose ready list is a key of the wrong type lists the delayed jobs, and names the key', async () => {
    const queue = await cli.queue();
    await redis.raw.set(key('ready_queue:topic'), 'no list');
    const empty = await cli.run(['inspect', 'topic']);
    expect(empty.code).to.equal(69);
    expect(empty.stderr).to.include('ready_queue:topic');
    await queue.push({ id: 'a', topic: 'topic', body: 'b', delayMs: 3_600_000 });
    const outcome = await cli.run(['inspect', 'topic', '--json']);
    expect(outcome.code).to.equal(0);
    const page = documentOf<{ jobs: { id: string }[]; problems: { code: string }[] }>(outcome);
    expect(page.jobs.map(({ id }) => id)).to.deep.equal(['a']);
    expect(page.problems.map(({ code }) => code)).to.deep.equal(['wrong_type']);
    expect(outcome.stderr).to.match(/^delayer: not all jobs can be listed: [^\n]*ready_queue:topic[^\n]*\n$/);
  });

  it('inspect shows a job that is in its ready list twice once, marked ×2', async () => {
    const queue = await cli.queue();
    await queue.push({ id: 'a', topic: 'topic', body: 'b' });
    await queue.maintain();
    await redis.raw.lpush(key('ready_queue:topic'), 'a');
    const table = linesOf(expectQuiet(await cli.run(['inspect', 'topic', '--limit', '9'])));
    expect(table.filter((line) => line.includes('ready ×2'))).to.have.length(1);
    expect(table.filter((line) => /\bready\b/.test(line))).to.have.length(1);
    const overview = expectQuiet(await cli.run(['inspect'])).stdout.toString();
    expect(overview).to.include('1 ready job is in the ready list more than once');
  });
});

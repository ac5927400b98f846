import { expect } from 'chai';
import { documentOf, expectQuiet, forEachStore, jsonOf, linesOf } from '../support/cli.js';

const HOUR_MS = 3_600_000;

interface Page {
  readonly topic: string;
  readonly jobs: readonly { readonly id: string; readonly state: string }[];
  readonly cursor: string | null;
}

/** An object without one of its fields. */
function without<T extends object>(object: T, name: keyof T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name)) as Partial<T>;
}

describe('inspect', () => {
  forEachStore((cli, itOnce) => {
    /** Two ready jobs, a leased one and two delayed ones, and one of another topic. */
    const fill = async () => {
      const queue = await cli.queue();
      const now = ['leased', 'ready 1', 'ready 2'].map((id) => ({
        id,
        topic: 'topic',
        body: `body of ${id}`,
      }));
      await queue.pushMany(now);
      await queue.maintain();
      await queue.reserve({ topics: 'topic', limit: 1, leaseMs: HOUR_MS });
      const later = ['later 1', 'later 2'].map((id) => ({ id, topic: 'topic', body: 'b', delayMs: HOUR_MS }));
      const { dueAt } = (await queue.pushMany(later))[0] ?? {};
      await queue.push({ id: 'elsewhere', topic: 'another topic', body: 'b' });
      await queue.maintain();
      return dueAt?.toISOString();
    };
    const page = async (...flags: string[]) =>
      documentOf<Page>(await cli.run(['inspect', 'topic', '--json', ...flags]));

    it('inspect prints the counts of every topic as a table', async () => {
      await fill();
      const outcome = expectQuiet(await cli.run(['inspect']));
      const rows = linesOf(outcome).map((line) => line.split(/ {2,}/));
      expect(rows[0]).to.deep.equal([
        ...['topic', 'delayed', 'due', 'ready', 'leased', 'expired', 'dead', 'oldest', 'late', 'next due'],
        'paused',
      ]);
      expect(rows[1]?.slice(0, 7)).to.deep.equal(['another topic', '0', '0', '1', '0', '0', '0']);
      expect(rows[1]?.[7]).to.match(/^(\d+s)?(\d+ms)?$/);
      expect(rows[1]?.slice(8)).to.deep.equal(['-', '-', '-']);
      expect(rows[2]?.slice(0, 7)).to.deep.equal(['topic', '2', '0', '2', '1', '0', '0']);
      expect(rows[2]?.[9]).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(rows[3]?.slice(0, 7)).to.deep.equal(['total', '2', '0', '3', '1', '0', '0']);
    });

    itOnce('inspect --json prints the counts of every topic as one document', async () => {
      const nextDueAt = await fill();
      const outcome = expectQuiet(await cli.run(['inspect', '--json']));
      const { topics, problems, ...store } = documentOf<{
        topics: { oldestReadyAt: string }[];
        problems: { code: string }[];
      }>(outcome);
      expect(store).to.deep.include({ overdueSince: null, endedLeases: 0, consumers: [] });
      expect(store).to.not.have.property('estimate');
      const none = { delayed: 0, due: 0, ready: 0, leased: 0, expired: 0, dead: 0 };
      expect(topics.map((row) => without(row, 'oldestReadyAt'))).to.deep.equal([
        { topic: 'another topic', ...none, ready: 1, nextDueAt: null },
        { topic: 'topic', ...none, delayed: 2, ready: 2, leased: 1, nextDueAt },
      ]);
      for (const { oldestReadyAt } of topics) expect(Date.parse(oldestReadyAt)).to.be.above(0);
      for (const problem of problems) expect(problem).to.have.keys('code', 'message', 'hint');
    });

    it('inspect exits with 0 for an empty queue, and says that it is empty', async () => {
      await cli.run(['push', 'topic', 'b']);
      await cli.run(['pop', 'topic']);
      const outcome = expectQuiet(await cli.run(['inspect']));
      expect(linesOf(outcome)[0]).to.equal('The queue is empty.');
    });

    it('inspect TOPIC lists jobs as a table, or as a page of JSON in the order of delivery', async () => {
      await fill();
      const table = expectQuiet(await cli.run(['inspect', 'topic']));
      for (const text of ['ready 1', 'leased', 'later 2', 'body of ready 1', 'attempts']) {
        expect(table.stdout.toString()).to.include(text);
      }
      const { jobs, cursor, topic } = await page('--limit', '50');
      expect(topic).to.equal('topic');
      expect(cursor).to.equal(null);
      expect(jobs.map(({ id, state }) => [id, state])).to.deep.equal([
        ['ready 1', 'ready'],
        ['ready 2', 'ready'],
        ['leased', 'leased'],
        ['later 1', 'delayed'],
        ['later 2', 'delayed'],
      ]);
    });

    it('inspect TOPIC --state lists the jobs in these states', async () => {
      await fill();
      const ids = ({ jobs }: Page) => jobs.map(({ id }) => id);
      expect(ids(await page('--state', 'delayed'))).to.deep.equal(['later 1', 'later 2']);
      expect(ids(await page('--state', 'leased,delayed'))).to.have.members(['leased', 'later 1', 'later 2']);
      expect(ids(await page('--state', 'ready', '--state', 'leased'))).to.have.members([
        ...['ready 1', 'ready 2', 'leased'],
      ]);
      expect(ids(await page('--state', 'dead'))).to.be.empty;
    });

    it('inspect TOPIC pages through all jobs with --limit and --cursor, each once', async () => {
      await fill();
      const ids: string[] = [];
      for (let cursor: string | null | undefined; cursor !== null;) {
        const next = await page('--limit', '2', ...(cursor === undefined ? [] : ['--cursor', cursor]));
        expect(next.jobs.length).to.be.at.most(2);
        ids.push(...next.jobs.map(({ id }) => id));
        cursor = next.cursor;
      }
      expect(ids).to.deep.equal(['ready 1', 'ready 2', 'leased', 'later 1', 'later 2']);
      expectQuiet(await cli.run(['inspect', 'topic', '--limit', '2']));
      const table = await cli.run(['inspect', 'topic', '--limit', '2', '--verbose']);
      expect(table.stderr).to.match(/^delayer: there are more: add --cursor \S+\n$/);
    });

    itOnce('inspect TOPIC --state dead shows the first line of each reason', async () => {
      const queue = await cli.queue();
      const reasons = ['no such order\nin cancel.php', '\nno answer', undefined, 'no answer'];
      for (const [i, reason] of reasons.entries()) {
        await queue.push({ id: `${i}`, topic: 'topic', body: `body ${i}` });
        const { jobs } = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: HOUR_MS });
        await queue.nack(jobs, { dead: true, reason });
      }
      const outcome = expectQuiet(await cli.run(['inspect', 'topic', '--state', 'dead']));
      const rows = linesOf(outcome).map((line) => line.split(/ {2,}/));
      expect(rows[0]).to.deep.equal(['id', 'failed', 'kept until', 'attempts', 'reason', 'body']);
      expect(rows.slice(1).map((row) => row[4])).to.have.members([
        ...['no such order', 'no answer', '-', 'no answer'],
      ]);
    });

    it('inspect TOPIC --group-by reason counts dead letters by reason, most frequent first', async () => {
      const queue = await cli.queue();
      const reasons = [...Array<string>(30).fill('no answer'), 'bad order\nline 2', undefined, 'no answer'];
      await queue.pushMany(reasons.map((_, i) => ({ id: `${i}`, topic: 'topic', body: 'b' })));
      for (const reason of reasons) {
        const { jobs } = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: HOUR_MS });
        await queue.nack(jobs, { dead: true, reason });
      }
      const table = expectQuiet(await cli.run(['inspect', 'topic', '--group-by', 'reason']));
      const lines = linesOf(table).map((line) => line.trim().replace(/ +/g, ' '));
      expect(lines.slice(0, 2)).to.deep.equal(['jobs reason', '31 no answer']);
      expect(lines.slice(2)).to.have.members(['1 bad order', '1 -']);
      const json = await cli.run(['inspect', 'topic', '--group-by', 'reason', '--state', 'dead', '--json']);
      const page = documentOf<{ reasons: unknown[] }>(expectQuiet(json));
      expect(page).to.deep.include({ topic: 'topic', others: 0 });
      const same = await cli.run(['inspect', 'topic', '--group-by', 'reason', '--output', 'json']);
      expect(same.stdout.toString()).to.equal(json.stdout.toString());
      expect(page.reasons[0]).to.deep.equal({ reason: 'no answer', count: 31 });
      expect(page.reasons.slice(1)).to.have.deep.members([
        { reason: 'bad order\nline 2', count: 1 },
        { reason: null, count: 1 },
      ]);
      expect((await cli.run(['inspect', 'none', '--group-by', 'reason'])).code).to.equal(1);
    });

    it('inspect --id shows how each attempt ended, and who has held the job since when', async () => {
      const queue = await cli.queue();
      await queue.push({
        id: 'a',
        topic: 'topic',
        body: 'b',
        retries: 5,
        backoff: { firstMs: 0, lastMs: 0 },
      });
      const take = async () => {
        await queue.maintain();
        const request = { topics: 'topic', limit: 1, leaseMs: HOUR_MS, holder: 'worker-1:42' };
        return (await queue.reserve(request)).jobs;
      };
      await queue.nack(await take(), { delayMs: 0, reason: 'no answer\nat all', exitCode: 75 });
      await queue.nack(await take(), { delayMs: 0, signalName: 'SIGKILL' });
      await take();
      const card = expectQuiet(await cli.run(['inspect', '--id', 'a'])).stdout.toString();
      const text = card.replace(/ +/g, ' ');
      expect(text)
        .to.match(/^ ?retries 5$/m)
        .and.match(/^ ?backoff 0s\.\.0s$/m);
      expect(text)
        .to.match(/^ ?leased by worker-1:42$/m)
        .and.match(/^ ?leased since \d{4}-/m);
      expect(text).to.match(/^ ?1 \S+Z \S+ retried,_exit_code_75 no answer$/m);
      expect(text).to.match(/^ ?2 \S+Z \S+ retried,_SIGKILL -$/m);
      const [job] = jsonOf(await cli.run(['inspect', '--id', 'a', '--json']));
      expect(job).to.include({ leasedBy: 'worker-1:42', retries: 5, attempts: 3 });
      expect(job?.leasedAt).to.be.a('string');
      const history = job?.history as Record<string, unknown>[];
      expect(
        history.map(({ startedAt, endedAt, ...rest }) => [rest, typeof startedAt, typeof endedAt]),
      ).to.deep.equal([
        [{ attempt: 1, outcome: 'retried', exitCode: 75, reason: 'no answer\nat all' }, 'string', 'string'],
        [{ attempt: 2, outcome: 'retried', signal: 'SIGKILL' }, 'string', 'string'],
      ]);
    });

    it('inspect TOPIC exits with 1 when no job matches', async () => {
      await fill();
      for (const args of [
        ['inspect', 'unknown'],
        ['inspect', 'topic', '--state', 'dead'],
      ]) {
        const outcome = await cli.run(args);
        expect(outcome.code, args.join(' ')).to.equal(1);
        expect(outcome.stdout).to.be.empty;
        expect(outcome.stderr).to.match(/^delayer: [^\n]+\n$/);
      }
      const json = await cli.run(['inspect', 'unknown', '--json']);
      expect(json).to.include({ code: 1, stderr: '' });
      expect(documentOf(json)).to.deep.equal({ topic: 'unknown', jobs: [], cursor: null });
    });

    it('inspect --id explains where a job is and what will happen to it', async () => {
      const dueAt = await fill();
      const later = expectQuiet(await cli.run(['inspect', '--id', 'later 1'])).stdout.toString();
      expect(later).to.include('It is not due yet').and.to.include('later 1').and.to.include('delayed');
      const second = expectQuiet(await cli.run(['inspect', '--id', 'ready 2'])).stdout.toString();
      expect(second).to.include('1 ready job of its topic comes before it.');
      const held = expectQuiet(await cli.run(['inspect', '--id', 'leased'])).stdout.toString();
      expect(held).to.match(/A consumer (took|has) it/);
      const json = documentOf<Record<string, unknown>>(
        expectQuiet(await cli.run(['inspect', '--id', 'later 1', '--json'])),
      );
      expect(json).to.include({ id: 'later 1', topic: 'topic', body: 'b', state: 'delayed', dueAt });
      expect(json.explanation).to.be.an('array').that.is.not.empty;
    });

    it('inspect --id --json prints the same fields as a list, and an explanation', async () => {
      await fill();
      const { jobs } = await page('--state', 'delayed');
      const outcome = expectQuiet(await cli.run(['inspect', '--id', 'later 1', '--json']));
      const { explanation, ...job } = documentOf<Record<string, unknown>>(outcome);
      expect(explanation).to.be.an('array');
      expect(job).to.deep.equal(jobs[0]);
      expect(job.ttlMs).to.equal(7 * 24 * HOUR_MS);
      const held = jsonOf(await cli.run(['inspect', '--id', 'leased', '--json']))[0];
      expect(held).to.include.keys('lease', 'leaseUntil').and.to.not.have.any.keys('ttlMs', 'reason');
    });

    it('inspect --id shows both jobs of an id that was pushed again while it was leased', async () => {
      await fill();
      await (await cli.queue()).push({ id: 'leased', topic: 'topic', body: 'newer', delayMs: HOUR_MS });
      const lines = jsonOf(expectQuiet(await cli.run(['inspect', '--id', 'leased', '--json'])));
      expect(lines.map(({ state }) => state)).to.deep.equal(['delayed', 'leased']);
      const cards = expectQuiet(await cli.run(['inspect', '--id', 'leased'])).stdout.toString();
      expect(cards).to.include('newer').and.to.include('body of leased');
    });

    it('inspect --id explains a dead letter with its reason', async () => {
      const queue = await cli.queue();
      await queue.push({ id: 'a', topic: 'topic', body: 'b' });
      const { jobs } = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: HOUR_MS });
      await queue.nack(jobs, { dead: true, reason: 'no such order' });
      const [json] = jsonOf(expectQuiet(await cli.run(['inspect', '--id', 'a', '--json'])));
      expect(json).to.include({ state: 'dead', reason: 'no such order', attempts: 1, body: 'b' });
      expect(json).to.include.keys('failedAt', 'deadUntil');
      const card = expectQuiet(await cli.run(['inspect', '--id', 'a'])).stdout.toString();
      expect(card).to.include('Reason: no such order');
      const overview = documentOf<{ topics: unknown[] }>(await cli.run(['inspect', '--json']));
      expect(overview.topics[0]).to.include({ topic: 'topic', dead: 1, ready: 0, expired: 0 });
    });

    it('inspect --id exits with 1 and a message for an unknown id', async () => {
      await fill();
      const outcome = await cli.run(['inspect', '--id', 'unknown']);
      expect(outcome.code).to.equal(1);
      expect(outcome.stdout).to.be.empty;
      expect(outcome.stderr).to.match(/^delayer: there is no job of that id[^\n]*\n$/);
      const json = await cli.run(['inspect', '--id', 'unknown', '--json']);
      expect(json.code).to.equal(1);
      expect(json.stdout).to.be.empty;
    });
  });
});

import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentOf, expectQuiet, forEachStore, jsonOf, linesOf } from '../support/cli.js';

/** Lines of NDJSON, each with its newline. */
const ndjson = (...lines: unknown[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

describe('push --batch', () => {
  forEachStore((cli, itOnce) => {
    /** The bodies of ready jobs, in order. */
    const drained = async (topic = 'topic') => {
      const jobs = await (await cli.queue()).popMany(topic, 500);
      return jobs.map(({ body }) => body.toString());
    };

    it('push --batch pushes the jobs of a FILE, and prints their ids in order', async () => {
      const ids = Array.from({ length: 700 }, (_, i) => `id ${i}`);
      const lines = ids.map((id) => ({ id, topic: 'topic', body: `body of ${id}`, delay: '1h', ttl: 30 }));
      writeFileSync(join(cli.home, 'jobs.ndjson'), ndjson(...lines));
      const outcome = await cli.run(['push', '--batch', 'jobs.ndjson']);
      expectQuiet(outcome);
      expect(linesOf(outcome)).to.deep.equal(ids);
      expect((await (await cli.queue()).stats()).topics[0]).to.include({ delayed: 700 });
    });

    it('push --batch reads jobs from stdin, also without an id or a last newline', async () => {
      const stdin = ndjson({ topic: 'topic', body: 'one' }, { topic: 'topic', body: 'two' }).trimEnd();
      const outcome = await cli.run(['push', '--batch'], { stdin });
      expect(outcome.code).to.equal(0);
      expect(new Set(linesOf(outcome)).size).to.equal(2);
      expect(await drained()).to.deep.equal(['one', 'two']);
    });

    itOnce('push --batch accepts - for stdin, CRLF, blank lines and a byte order mark', async () => {
      const stdin = `\ufeff${ndjson({ topic: 'topic', body: 'one' })}\r\n\n  \n${ndjson({ topic: 'topic', body: 'two' }).replace('\n', '\r\n')}`;
      const outcome = await cli.run(['push', '--batch', '-'], { stdin });
      expectQuiet(outcome);
      expect(await drained()).to.deep.equal(['one', 'two']);
    });

    it('push --batch reports bad lines by number, pushes the others, and exits with 2', async () => {
      const good = (n: number) => JSON.stringify({ id: `${n}`, topic: 'topic', body: `${n}` });
      const lines = [
        good(1),
        '{"topic":',
        good(3),
        '[]',
        '{"topic":"topic"}',
        '{"topic":"topic","body":""}',
        '{"topic":"","body":"b"}',
        '{"topic":"topic","body":"b","priority":1}',
        '{"topic":"topic","body":"b","delay":-1}',
        '{"topic":"topic","body":"b","ttl":0}',
        '{"topic":"topic","body":{"not":"text"}}',
        '{"id":1.5,"topic":"topic","body":"b"}',
        '{"topic":"topic","body":"b","bodyBase64":"Yg=="}',
        '{"topic":"topic","bodyBase64":"!"}',
        '{"topic":"topic","body":"b","delay":1,"at":"@1"}',
        good(16),
      ];
      const outcome = await cli.run(['push', '--batch'], {
        stdin: lines.map((line) => `${line}\n`).join(''),
      });
      expect(outcome.code).to.equal(2);
      expect(linesOf(outcome)).to.deep.equal(['1', '3', '16']);
      const said = outcome.stderr.trimEnd().split('\n');
      const named = said.flatMap((line) => /^delayer: line (\d+): ./.exec(line)?.[1] ?? []).map(Number);
      expect(named).to.deep.equal([2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
      expect(said.at(-1)).to.equal('delayer: 3 pushed, 13 bad lines');
      expect(said).to.have.length(14);
      expect(await drained()).to.deep.equal(['1', '3', '16']);
    });

    itOnce('push --batch says what is wrong with a bad line and how to correct it', async () => {
      const cases: readonly (readonly [line: string, says: string])[] = [
        [
          '{"id":1.5,"topic":"t","body":"b"}',
          'the id is 1.5, which is neither a string nor a whole number; write it with quotes: "1.5"',
        ],
        [
          '{"id":12345678901234567890,"topic":"t","body":"b"}',
          'the id is a number too large for JSON to keep it exact; write it with quotes',
        ],
        [
          '{"topic":"t","body":9007199254740993}',
          'the body is a number too large for JSON to keep it exact; write it with quotes',
        ],
        ['{"topic":5,"body":"b"}', 'the topic is 5, which is not a string; write it with quotes: "5"'],
        ['{"topic":"t","body":{"a":1}}', 'the body is an object; write its JSON as a string'],
        [
          '{"topic":"t","body":"b","delay":"x"}',
          'invalid duration for the delay: "x". Write seconds (10), or a number with a unit: 250ms, 10s, 30m, 1h30m, 7d.',
        ],
        [
          '{"topic":"t","body":"b","retries":-1}',
          'retries must not be negative. Write 0 for a single attempt.',
        ],
        ['{"topic":"t","body":"b","retries":"3"}', 'retries is not a number'],
        [
          '{"topic":"t","body":"b","backoff":{"firstMs":1,"lastMs":2}}',
          'the backoff is not text such as "1s..10m"',
        ],
        [
          '{"topic":"t","body":"b","backoff":"10m..1s"}',
          'the first pause of the backoff is longer than the last. Write the shorter one first.',
        ],
      ];
      const outcome = await cli.run(['push', '--batch'], {
        stdin: cases.map(([line]) => `${line}\n`).join(''),
      });
      expect(outcome.stderr.split('\n').slice(0, cases.length)).to.deep.equal(
        cases.map(([, says], i) => `delayer: line ${i + 1}: ${says}`),
      );
    });

    it('push --batch accepts repeats and exits with 65 after a conflict, as push does', async () => {
      const stdin = ndjson(
        { id: 'a', topic: 'topic', body: 'a' },
        { id: 'a', topic: 'topic', body: 'a' },
        { id: 'a', topic: 'topic', body: 'other' },
        { id: 'b', topic: 'topic', body: 'b' },
      );
      const outcome = await cli.run(['push', '--batch'], { stdin });
      expect(outcome.code).to.equal(65);
      expect(linesOf(outcome)).to.deep.equal(['a', 'a', 'b']);
      expect(outcome.stderr).to.match(
        /^delayer: line 3: .*"a".*\ndelayer: 2 pushed, 1 repeated, 1 conflict\n$/,
      );
      expect(await drained()).to.deep.equal(['a', 'b']);
    });

    it('push --batch overwrites with --replace, and keeps with --if-absent', async () => {
      const push = (body: string, ...flags: string[]) =>
        cli.run(['push', '--batch', ...flags], { stdin: ndjson({ id: 'a', topic: 'topic', body }) });
      await push('old');
      expect((await push('newer', '--if-absent')).code).to.equal(0);
      expect((await push('new', '--replace', '--verbose')).stderr).to.include('1 replaced');
      expect((await push('newest', '--if-absent', '--verbose')).stderr).to.include('1 kept');
      expect(await drained()).to.deep.equal(['new']);
    });

    itOnce('push --batch accepts bytes in base64 and numbers as ids', async () => {
      const [id, topic, body] = [Buffer.from([0xff]), Buffer.from([0, 0xfe]), Buffer.from([0x0a, 0xfd])];
      const encoded = [id, topic, body].map((bytes) => bytes.toString('base64'));
      const [idBase64, topicBase64, bodyBase64] = encoded;
      const stdin = ndjson({ idBase64, topicBase64, bodyBase64 }, { id: 32, topic: 'topic', body: 'b' });
      expect((await cli.run(['push', '--batch'], { stdin })).code).to.equal(0);
      const queue = await cli.queue();
      expect(await queue.pop(topic)).to.deep.include({ id, topic, body });
      expect(await queue.pop('topic')).to.deep.include({ id: Buffer.from('32') });
    });

    itOnce('push --batch accepts the output of drain', async () => {
      const jobs = [
        { id: 'a', topic: 'topic', body: 'text', ttl: '1h' },
        { idBase64: '/w==', topic: 'topic', bodyBase64: '/w==', ttl: 60 },
      ];
      await cli.run(['push', '--batch'], { stdin: ndjson(...jobs) });
      const first = expectQuiet(await cli.run(['drain', 'topic']));
      expect(linesOf(first)).to.have.length(2);
      const again = await cli.run(['push', '--batch'], { stdin: first.stdout });
      expectQuiet(again);
      const second = expectQuiet(await cli.run(['drain', 'topic']));
      // A due time in the past counts as now, and the lifetime counts from now.
      const essence = (outcome: typeof first) =>
        jsonOf(outcome).map(({ dueAt, expiresAt, ...rest }): unknown => ({
          ...rest,
          attempts: undefined,
          ttl: Date.parse(String(expiresAt)) - Date.parse(String(dueAt)),
        }));
      expect(essence(second)).to.deep.equal(essence(first));
    });

    it('push --batch accepts the output of drain with a new `at`, which replaces the old due time and expiry', async () => {
      const at = new Date(Date.now() + 3_600_000).toISOString();
      const [dueAt, expiresAt] = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:01:00.000Z'];
      const job = { id: 'a', topic: 'topic', body: 'b', state: 'ready', dueAt, expiresAt, attempts: 1 };
      const outcome = await cli.run(['push', '--batch'], { stdin: ndjson({ ...job, at }) });
      expectQuiet(outcome);
      const [pushed] = await (await cli.queue()).find('a');
      expect(pushed?.dueAt?.toISOString()).to.equal(at);
      expect(pushed?.state).to.equal('delayed');
      expect(Number(pushed?.expiresAt) - Number(pushed?.dueAt)).to.equal(60_000);
    });

    it('push --batch accepts delayed jobs from inspect, and keeps their due time and expiry', async () => {
      const queue = await cli.queue();
      const request = { topic: 'topic', body: 'b', delayMs: 3_600_000, ttlMs: 90_000 };
      await queue.pushMany([
        { ...request, id: 'a' },
        { ...request, id: 'b' },
      ]);
      const lookAt = async () => (await Promise.all(['a', 'b'].map((id) => queue.find(id)))).flat();
      const before = await lookAt();
      const page = documentOf<{ jobs: unknown[] }>(await cli.run(['inspect', 'topic', '--json']));
      const [a] = jsonOf(await cli.run(['inspect', '--id', 'a', '--json']));
      const b = page.jobs[1];
      expectQuiet(await cli.run(['remove', 'a', 'b']));
      const outcome = await cli.run(['push', '--batch'], { stdin: ndjson(a, b) });
      expectQuiet(outcome);
      expect((await lookAt()).map(({ dueAt, expiresAt }) => ({ dueAt, expiresAt }))).to.deep.equal(
        before.map(({ dueAt, expiresAt }) => ({ dueAt, expiresAt })),
      );
    });

    itOnce('push --batch gives a printed job that expires before it is due the default ttl', async () => {
      const [dueAt, expiresAt] = [7_200_000, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString());
      const job = { id: 'a', topic: 'topic', body: 'b', state: 'delayed', dueAt, expiresAt, attempts: 0 };
      expectQuiet(await cli.run(['push', '--batch'], { stdin: ndjson(job) }));
      const [pushed] = await (await cli.queue()).find('a');
      expect(pushed?.dueAt?.toISOString()).to.equal(dueAt);
      expect(Number(pushed?.expiresAt) - Number(pushed?.dueAt)).to.equal(7 * 24 * 3_600_000);
    });

    it('push --batch accepts a dead letter from inspect, and refuses a leased job', async () => {
      const queue = await cli.queue();
      for (const id of ['dead', 'leased']) await queue.push({ id, topic: 'topic', body: `body of ${id}` });
      const { jobs } = await queue.reserve({ topics: 'topic', limit: 2, leaseMs: 3_600_000 });
      await queue.nack(jobs.slice(0, 1), { dead: true, reason: 'bad' });
      const stdin = Buffer.concat([
        (await cli.run(['inspect', '--id', 'dead', '--json'])).stdout,
        (await cli.run(['inspect', '--id', 'leased', '--json'])).stdout,
      ]);
      const outcome = await cli.run(['push', '--batch'], { stdin });
      expect(outcome.code).to.equal(2);
      expect(outcome.stderr).to.match(
        /^delayer: line 2: the job is leased[^\n]*\ndelayer: 1 pushed, 1 bad line\n$/,
      );
      expect(await drained()).to.deep.equal(['body of dead']);
    });

    itOnce('push --batch prefers a ttl that was added to a printed job to its ttlMs', async () => {
      const dueAt = new Date(Date.now() + 3_600_000).toISOString();
      const job = { id: 'a', topic: 'topic', body: 'b', state: 'delayed', dueAt, ttlMs: 1000 };
      await cli.run(['push', '--batch'], { stdin: ndjson({ ...job, ttl: '1m' }) });
      const [pushed] = await (await cli.queue()).find('a');
      expect(Number(pushed?.expiresAt) - Number(pushed?.dueAt)).to.equal(60_000);
    });

    itOnce(
      'push --batch refuses text that is not valid UTF-8 or Unicode, and accepts it in base64',
      async () => {
        const stdin = Buffer.concat([
          Buffer.from('{"topic":"topic","body":"'),
          Buffer.from([0xff]),
          Buffer.from('"}\n{"topic":"topic","body":"\\ud800"}\n{"topic":"topic","bodyBase64":"/w=="}\n'),
        ]);
        const outcome = await cli.run(['push', '--batch'], { stdin });
        expect(outcome.code).to.equal(2);
        expect(outcome.stderr).to.match(
          /^delayer: line 1: .*\ndelayer: line 2: .*\ndelayer: 1 pushed, 2 bad/,
        );
        const popped = await (await cli.queue()).popMany('topic', 5);
        expect(popped.map(({ body }) => body)).to.deep.equal([Buffer.from([0xff])]);
      },
    );

    itOnce('push --batch exits with 2 when there are both bad lines and conflicts', async () => {
      const stdin = `${ndjson(
        { id: 'a', topic: 'topic', body: 'a' },
        { id: 'a', topic: 'topic', body: 'b' },
      )}no JSON\n`;
      const outcome = await cli.run(['push', '--batch'], { stdin });
      expect(outcome.code).to.equal(2);
      expect(outcome.stderr).to.match(/\ndelayer: 1 pushed, 1 conflict, 1 bad line\n$/);
    });

    itOnce('push --batch names the field that was meant by an unknown one', async () => {
      const stdin = ndjson(
        { topic: 'topic', body: 'b', delayMs: 5 },
        { topic: 'topic', body: 'b', priority: 1 },
      );
      const outcome = await cli.run(['push', '--batch'], { stdin });
      expect(outcome.code).to.equal(2);
      expect(outcome.stderr).to.include('line 1: unknown field "delayMs". Did you mean "delay"?\n');
      expect(outcome.stderr).to.include('line 2: unknown field "priority"\n');
    });

    itOnce('push --batch pushes nothing for empty input', async () => {
      const outcome = await cli.run(['push', '--batch'], { stdin: '' });
      expectQuiet(outcome);
      expect(outcome.stdout).to.be.empty;
    });

    itOnce('push --batch --json prints counts and bad lines in JSON', async () => {
      const stdin = `${ndjson({ topic: 'topic', body: 'b' })}no JSON\n`;
      const outcome = await cli.run(['push', '--batch', '--json'], { stdin });
      expect(outcome.code).to.equal(2);
      expect(documentOf(outcome)).to.include({ pushed: 1, bad: 1, conflict: 0 });
      const { error } = JSON.parse(outcome.stderr) as { error: Record<string, unknown> };
      expect(error).to.include({ code: 'usage', line: 2 });
    });
  });
});

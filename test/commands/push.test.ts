import { expect } from 'chai';
import { documentOf, expectQuiet, forEachStore, jsonOf, linesOf } from '../support/cli.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$/;

interface Pushed {
  readonly id: string;
  readonly outcome: string;
  readonly dueAt: string;
}

describe('push', () => {
  forEachStore((cli, itOnce) => {
    /** The time (ms) from now until the job is due, according to the store. */
    const dueIn = async (id: string): Promise<number> => {
      const [job] = await (await cli.queue()).find(id);
      return (job?.dueAt?.getTime() ?? NaN) - Date.now();
    };

    itOnce('push prints only the id that was given', async () => {
      const outcome = await cli.run([
        'push',
        'close_order',
        '{"orderID":32}',
        '--id',
        '32',
        '--delay',
        '30m',
      ]);
      expect(expectQuiet(outcome).stdout.toString()).to.equal('32\n');
      const [job] = await (await cli.queue()).find('32');
      expect(String(job?.topic)).to.equal('close_order');
      expect(String(job?.body)).to.equal('{"orderID":32}');
    });

    itOnce('push creates a new UUID when no id is given', async () => {
      const twice = await Promise.all([
        cli.run(['push', 'topic', 'body']),
        cli.run(['push', 'topic', 'body']),
      ]);
      const [first, second] = twice.map((outcome) => expectQuiet(outcome).stdout.toString());
      expect(first).to.match(UUID);
      expect(second).to.match(UUID).and.not.equal(first);
    });

    itOnce('push accepts a delay in seconds or with units', async () => {
      const delays = { '10': 10_000, '30m': 1_800_000, '1h30m': 5_400_000, '7d': 604_800_000 };
      const entries = Object.entries(delays);
      await Promise.all(
        entries.map(async ([delay]) =>
          expectQuiet(await cli.run(['push', 'topic', 'body', '--id', delay, '--delay', delay])),
        ),
      );
      for (const [delay, ms] of entries) expect(await dueIn(delay), delay).to.be.within(ms - 15_000, ms);
    });

    it('a job that is pushed with a delay in ms is delivered after it and not before', async () => {
      const pushed = await cli.run(['push', 'topic', 'body', '--delay', '400ms', '--json']);
      const dueAt = Date.parse(documentOf<Pushed>(pushed).dueAt);
      const popped = expectQuiet(await cli.run(['bpop', 'topic', '--timeout', '10']));
      expect(Date.now()).to.be.at.least(dueAt);
      expect(jsonOf(popped)[0]).to.include({ body: 'body', dueAt: new Date(dueAt).toISOString() });
    });

    itOnce('push accepts --at in ISO 8601 and as @unixseconds, with milliseconds', async () => {
      for (const [at, dueAt] of [
        ['2099-03-01T12:00:00.250Z', '2099-03-01T12:00:00.250Z'],
        ['@4070908800.5', '2099-01-01T00:00:00.500Z'],
      ] as const) {
        const pushed = expectQuiet(await cli.run(['push', 'topic', 'body', '--at', at, '--json']));
        expect(documentOf<Pushed>(pushed).dueAt).to.equal(dueAt);
      }
    });

    it('push makes a job with a time in the past due now', async () => {
      expectQuiet(await cli.run(['push', 'topic', 'body', '--at', '2001-01-01T00:00:00Z', '--ttl', '1h']));
      const popped = expectQuiet(await cli.run(['pop', 'topic', '--output', 'body']));
      expect(popped.stdout.toString()).to.equal('body\n');
    });

    it('push counts --ttl from the due time', async () => {
      expectQuiet(await cli.run(['push', 'topic', 'body', '--id', 'a', '--delay', '1h', '--ttl', '30s']));
      const job = documentOf<{ dueAt: string; expiresAt: string }>(
        await cli.run(['inspect', '--id', 'a', '--json']),
      );
      expect(Date.parse(job.expiresAt) - Date.parse(job.dueAt)).to.equal(30_000);
    });

    it('push accepts a repeat and keeps the due time, and reports it with --verbose only', async () => {
      const push = ['push', 'topic', 'body', '--id', 'a', '--json', '--delay'];
      const first = documentOf<Pushed>(expectQuiet(await cli.run([...push, '1h'])));
      const again = expectQuiet(await cli.run([...push, '2h']));
      const told = await cli.run([...push, '2h', '--verbose']);
      expect(told.stderr).to.match(/^delayer: .*"a".* nothing changed\n$/);
      expect(documentOf(again)).to.deep.equal({ id: 'a', outcome: 'repeated', dueAt: first.dueAt });
    });

    it('push exits with 65 for an id in use with other content, and does not change the job', async () => {
      expectQuiet(await cli.run(['push', 'topic', 'old', '--id', 'a']));
      const refused = await cli.run(['push', 'topic', 'new', '--id', 'a']);
      expect(refused.code).to.equal(65);
      expect(refused.stdout).to.be.empty;
      expect(refused.stderr).to.match(/^delayer: .*"a" exists.*--replace.*\n$/);
      expect((await cli.run(['push', 'other-topic', 'old', '--id', 'a'])).code).to.equal(65);
      expect(jsonOf(await cli.run(['drain', 'topic'])).map(({ body }) => body)).to.deep.equal(['old']);
    });

    it('push --replace replaces a job, also a ready one, and the new job is not early', async () => {
      expectQuiet(await cli.run(['push', 'topic', 'old', '--id', 'a']));
      const push = ['push', 'topic', 'new', '--id', 'a', '--replace', '--delay', '1h', '--json'];
      const replaced = documentOf<Pushed>(expectQuiet(await cli.run(push)));
      expect(replaced).to.include({ id: 'a', outcome: 'replaced' });
      expect(Date.parse(replaced.dueAt) - Date.now()).to.be.greaterThan(3_500_000);
      expect((await cli.run(['pop', 'topic'])).code).to.equal(1);
      expect(await dueIn('a')).to.be.greaterThan(3_500_000);
    });

    it('push --if-absent keeps an existing job and exits with 0, and reports it with --verbose only', async () => {
      expectQuiet(await cli.run(['push', 'topic', 'old', '--id', 'a', '--if-absent']));
      const keep = ['push', 'topic', 'new', '--id', 'a', '--if-absent'];
      expect(expectQuiet(await cli.run(keep)).stdout.toString()).to.equal('a\n');
      const told = await cli.run([...keep, '--verbose']);
      expect(told.stderr).to.match(/^delayer: .*"a".*was left unchanged\n$/);
      const json = await cli.run(['push', 'topic', 'new', '--id', 'a', '--if-absent', '--json']);
      expect(documentOf(json)).to.include({ id: 'a', outcome: 'kept' });
      expect(linesOf(await cli.run(['pop', 'topic', '--output', 'body']))).to.deep.equal(['old']);
    });

    it('push --retries and --backoff are kept with the job and shown in JSON', async () => {
      const push = ['push', 'topic', 'body', '--id', 'a', '--retries', '5', '--backoff', '250ms..1h30m'];
      expectQuiet(await cli.run(push));
      const printed = await cli.run(['inspect', '--id', 'a', '--json']);
      expect(jsonOf(printed)[0]).to.include({ retries: 5, backoff: '250ms..1h30m' });
      const popped = expectQuiet(await cli.run(['pop', 'topic']));
      expect(jsonOf(popped)[0]).to.include({ retries: 5, backoff: '250ms..1h30m', state: 'ready' });
      expectQuiet(await cli.run(['push', '--batch'], { stdin: popped.stdout }));
      expect(jsonOf(await cli.run(['inspect', '--id', 'a', '--json']))[0]).to.include({ retries: 5 });
    });

    itOnce('push prints one JSON document with --json', async () => {
      const pushed = expectQuiet(await cli.run(['push', 'topic', 'body', '--id', '0', '--json']));
      expect(documentOf(pushed)).to.have.keys('id', 'outcome', 'dueAt');
      expect(documentOf(pushed)).to.include({ id: '0', outcome: 'pushed' });
      expect(pushed.stdout.toString().trimEnd()).to.not.include('\n');
    });

    itOnce('push --base64 takes topic and id in base64, and prints the id in base64', async () => {
      const [topic, id] = [Buffer.from([0xff, 0, 0x0a]), Buffer.from([0xfe, 0x80])];
      const args = [topic.toString('base64'), 'body', '--id', id.toString('base64'), '--base64'];
      expect(expectQuiet(await cli.run(['push', ...args])).stdout).to.deep.equal(
        Buffer.concat([id, Buffer.from('\n')]),
      );
      const [job] = jsonOf(await cli.run(['pop', topic.toString('base64'), '--base64']));
      expect(job).to.include({ topicBase64: topic.toString('base64'), idBase64: id.toString('base64') });
      expect(job).to.not.have.any.keys('id', 'topic');
    });
  });
});

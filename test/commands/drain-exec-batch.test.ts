import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { expectQuiet, forEachStore, jsonOf, linesOf } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { Ground, isGone, TOPIC } from './handlers.js';

const NOT_DONE = 4;

/** A handler that prints the body of each job as its outcome, or unchanged as a line if it begins with `!`. */
const HANDLER = `
let text = '';
process.stdin.on('data', (chunk) => (text += chunk)).on('end', () => {
  for (const { lease, body } of text.trim().split('\\n').map((line) => JSON.parse(line))) {
    if (body.startsWith('!')) console.log(body.slice(1));
    else if (body !== 'none') console.log(JSON.stringify({ lease, ...JSON.parse(body) }));
  }
  if (process.argv[2] === 'wait') setInterval(() => undefined, 1000);
  else process.exitCode = Number(process.argv[2] ?? 0);
});
`;

describe('drain --batch-size', () => {
  forEachStore((cli, itOnce) => {
    const ground = new Ground(cli);
    const batch = (size: number, command: string, ...flags: string[]) =>
      cli.run(['drain', TOPIC, '--batch-size', `${size}`, ...flags, '--exec', command]);
    const outcomes = (end: string, ...flags: string[]) => {
      writeFileSync(ground.path('handler.cjs'), HANDLER);
      return batch(10, `${process.execPath} handler.cjs ${end}`, '--outcomes', ...flags);
    };
    const pushBodies = async (bodies: Readonly<Record<string, string>>) => {
      const queue = await cli.queue();
      await queue.pushMany(Object.entries(bodies).map(([id, body]) => ({ id, topic: TOPIC, body })));
    };

    it('a handler gets at most N jobs as lines of JSON with their leases, and its output is passed on', async () => {
      await ground.push('a', 'b', 'c');
      const lines = linesOf(expectQuiet(await batch(2, 'cat; echo "[$DELAYER_ID$DELAYER_LEASE]"')));
      expect([lines[2], lines[4]]).to.deep.equal(['[]', '[]']);
      const jobs = [lines[0], lines[1], lines[3]].map(
        (line) => JSON.parse(line ?? '') as Record<string, unknown>,
      );
      expect(jobs.map(({ id, body, state }) => [id, body, state])).to.deep.equal([
        ['a', 'body of a', 'leased'],
        ['b', 'body of b', 'leased'],
        ['c', 'body of c', 'leased'],
      ]);
      for (const { lease } of jobs) expect(lease).to.be.a('string');
      expect(await ground.states('a', 'b', 'c')).to.deep.equal([undefined, undefined, undefined]);
    });

    itOnce('the exit code of a handler applies to all jobs of its batch', async () => {
      await ground.push('a', 'b', 'c', 'd');
      const outcome = await batch(2, 'grep -q body.of.a && echo why >&2 && exit 3; exit 0', '--retries', '0');
      expect(outcome.code).to.equal(NOT_DONE);
      expect(await ground.states('a', 'b', 'c', 'd')).to.deep.equal(['dead', 'dead', undefined, undefined]);
      expect(await ground.find('b')).to.include({ reason: 'why' });
    });

    it('with --outcomes each job ends as its line says, and one without a line is retried when the exit code is 0', async () => {
      await pushBodies({
        done: '{"outcome":"done"}',
        later: '{"outcome":"retry","delay":"2h","reason":"not yet"}',
        seconds: '{"outcome":"retry","delay":3600}',
        dead: '{"outcome":"dead","reason":"no such order"}',
        unnamed: 'none',
      });
      expect((await outcomes('0')).code).to.equal(NOT_DONE);
      const ids = ['done', 'later', 'seconds', 'dead', 'unnamed'];
      expect(await ground.states(...ids)).to.deep.equal([undefined, 'delayed', 'delayed', 'dead', 'delayed']);
      expect(Number((await ground.find('later'))?.dueAt) - Date.now()).to.be.within(7_100_000, 7_200_000);
      expect(Number((await ground.find('seconds'))?.dueAt) - Date.now()).to.be.within(3_500_000, 3_600_000);
      expect(await ground.find('dead')).to.include({ reason: 'no such order' });
      const [attempt] = (await ground.find('unnamed'))?.history ?? [];
      expect(attempt).to.include({ outcome: 'retried', reason: 'the handler printed no outcome for it' });
    });

    itOnce('with --outcomes a handler that has named a job has run, also when it ends with 127', async () => {
      await pushBodies({ one: '{"outcome":"dead"}', two: 'none' });
      expect((await outcomes('127')).code).to.equal(NOT_DONE);
      expect(await ground.states('one', 'two')).to.deep.equal(['dead', 'delayed']);
      expect(await ground.find('two')).to.include({ attempts: 1 });
    });

    itOnce('with --outcomes a job without a line ends by the exit code when it is not 0', async () => {
      await pushBodies({ done: '{"outcome":"done"}', unnamed: 'none' });
      expect((await outcomes('65')).code).to.equal(NOT_DONE);
      expect(await ground.states('done', 'unnamed')).to.deep.equal([undefined, 'dead']);
    });

    itOnce('with --outcomes lines are not read any more when the handler has ended', async () => {
      await ground.push('a');
      // It leaves a process that prints the outcome later.
      const command = `input=$(cat)
        case $input in *"of last"*) exit 65;; esac
        outcome=$(echo "$input" | sed 's/.*"lease":"\\([^"]*\\)".*/{"lease":"\\1","outcome":"done"}/')
        (until [ -e go ]; do sleep 0.02; done; echo "$outcome"; echo "$outcome" > printed) &`;
      const flags = ['--follow', '--json', '--backoff', '1h..1h', '--batch-size', '2', '--outcomes'];
      const drain = cli.start(['drain', TOPIC, ...flags, '--exec', command]);
      await drain.printed(2);
      writeFileSync(ground.path('go'), '');
      expect(await ground.line('printed')).to.match(/^\{"lease":"[^"]+","outcome":"done"\}$/);
      await ground.push('last');
      await drain.printed(4);
      const events = jsonOf(await drain.end()).map(({ event, id }) => [event, id]);
      expect(events).to.deep.equal([
        ['started', 'a'],
        ['retried', 'a'],
        ['started', 'last'],
        ['dead', 'last'],
      ]);
      expect(await ground.states('a')).to.deep.equal(['delayed']);
    });

    it('with --outcomes a job ends as soon as its line is read', async () => {
      await pushBodies({ done: '{"outcome":"done"}', none: 'none' });
      writeFileSync(ground.path('handler.cjs'), HANDLER);
      const command = `echo $$ > handler; exec ${process.execPath} handler.cjs wait`;
      const drain = cli.start(['drain', TOPIC, '--batch-size', '2', '--outcomes', '--exec', command]);
      await ground.line('handler');
      await eventually(async () => (await ground.states('done'))[0] === undefined, { withinMs: 15_000 });
      expect(await ground.states('none')).to.deep.equal(['leased']);
      drain.child.kill('SIGKILL');
      await isGone(await ground.line('handler'));
    });

    for (const [what, line] of [
      ['not JSON', '!hello'],
      ['a number', '!1'],
      ['the lease of another job', '!{"lease":"x","outcome":"done"}'],
      ['an unknown outcome', '{"outcome":"good"}'],
      ['an unknown field', '{"outcome":"done","resaon":"x"}'],
      ['an invalid delay', '{"outcome":"retry","delay":"soon"}'],
    ] as const) {
      itOnce(
        `with --outcomes a bad line (${what}) stops the handler, and fails the jobs that have no outcome yet`,
        async () => {
          await pushBodies({ first: '{"outcome":"done"}', bad: line, after: '{"outcome":"done"}' });
          expect((await outcomes('wait', '--retries', '0')).code).to.equal(NOT_DONE);
          expect(await ground.states('first', 'bad', 'after')).to.deep.equal([undefined, 'dead', 'dead']);
          expect((await ground.find('after'))?.reason).to.match(/^a line on stdout is not an outcome \(/);
        },
      );
    }
  });
});

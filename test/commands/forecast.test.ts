import { expect } from 'chai';
import { documentOf, expectQuiet, forEachStore, linesOf } from '../support/cli.js';

const MINUTE_MS = 60_000;

interface Document {
  readonly stepMs: number;
  readonly backlog: number;
  readonly paused: readonly object[];
  readonly steps: readonly { due: number; backlog?: number; lateMs?: number; spread?: { due: number } }[];
  readonly breachAt?: string | null;
}

describe('forecast', () => {
  forEachStore((cli, itOnce) => {
    /** One ready job, four that are due in 10 minutes and sixty in 90 minutes. */
    const fill = async () => {
      const queue = await cli.queue();
      const at = (topic: string, delayMs: number) => ({ topic, body: 'b', delayMs });
      await queue.pushMany([
        at('a', 0),
        ...Array.from({ length: 4 }, () => at('a', 10 * MINUTE_MS)),
        ...Array.from({ length: 60 }, () => at('b', 90 * MINUTE_MS)),
      ]);
      await queue.maintain();
    };
    const forecast = async (...args: string[]) =>
      documentOf<Document>(expectQuiet(await cli.run(['forecast', ...args, '--json'])));

    itOnce('forecast says in words how many jobs wait now', async () => {
      await fill();
      const shown = async () => expectQuiet(await cli.run(['forecast', '--rate', '1/s'])).stdout.toString();
      expect(await shown()).to.match(/\n1 job waits now\.\n/);
      await (await cli.queue()).push({ topic: 'a', body: 'b' });
      expect(await shown()).to.match(/\n2 jobs wait now\.\n/);
    });

    it('forecast counts the jobs due in each hour of the next day, of all or of named topics', async () => {
      await fill();
      const all = await forecast();
      expect(all).to.include({ stepMs: 60 * MINUTE_MS, backlog: 1 });
      expect(all.steps.map(({ due }) => due)).to.deep.equal([4, 60, ...Array<number>(22).fill(0)]);
      expect(all).to.not.have.property('breachAt');
      const ofTopic = await forecast('b', '--until', '2h');
      expect(ofTopic.backlog).to.equal(0);
      expect(ofTopic.steps.map(({ due }) => due)).to.deep.equal([0, 60]);
    });

    it('forecast shows the backlog and lateness at a rate, and when --max-late is first exceeded', async () => {
      await fill();
      const { steps, breachAt } = await forecast('--until', '3h', '--rate', '30/h', '--max-late', '30m');
      expect(steps.map(({ backlog }) => backlog)).to.deep.equal([0, 30, 0]);
      expect(steps.map(({ lateMs }) => lateMs)).to.deep.equal([
        2 * MINUTE_MS,
        60 * MINUTE_MS,
        60 * MINUTE_MS,
      ]);
      const inMs = Date.parse(String(breachAt)) - (await (await cli.queue()).now()).getTime();
      expect(inMs).to.be.within(89 * MINUTE_MS, 90 * MINUTE_MS);
      const twice = await forecast('--until', '3h', '--workers', '2', '--each', '2m', '--max-late', '2h');
      expect(twice.steps.map(({ backlog }) => backlog)).to.deep.equal([0, 0, 0]);
      expect(twice.breachAt).to.equal(null);
    });

    it('forecast counts how late jobs are already, ready or not', async () => {
      const queue = await cli.queue();
      const dueAt = new Date((await queue.now()).getTime() - 120 * MINUTE_MS);
      const late = { id: 'a', topic: 'a', body: 'b', dueAt, expiresAt: new Date(dueAt.getTime() + 10 ** 9) };
      await queue.import([{ ...late, state: 'due' }]);
      for (const topics of [[], ['a']]) {
        const args = [...topics, '--until', '1h', '--rate', '1/s'];
        const { steps, breachAt } = await forecast(...args, '--max-late', '110m');
        expect(steps[0]?.lateMs).to.be.within(120 * MINUTE_MS, 130 * MINUTE_MS);
        expect(Date.parse(String(breachAt))).to.be.at.most((await queue.now()).getTime());
        expect((await forecast(...args, '--max-late', '1d')).breachAt).to.equal(null);
        await queue.maintain();
      }
      expect((await forecast('b', '--rate', '1/s')).steps[0]?.lateMs).to.equal(0);
    });

    it('forecast names the paused topics that it counts', async () => {
      const queue = await cli.queue();
      await queue.pushMany(['a', 'b'].map((topic) => ({ topic, body: 'x' })));
      await queue.pause(['a']);
      expect(await forecast('--rate', '1/s')).to.deep.include({ backlog: 2, paused: [{ topic: 'a' }] });
      expect((await forecast('b', '--rate', '1/s')).paused).to.deep.equal([]);
      const lines = linesOf(expectQuiet(await cli.run(['forecast', '--rate', '1/s'])));
      expect(lines.slice(-2)).to.deep.equal(['2 jobs wait now.', 'Counted as if not paused: a.']);
    });

    itOnce('forecast ends at --until without --step, and after whole steps with it', async () => {
      await fill();
      const seen = async (...args: string[]) => {
        const { stepMs, steps } = await forecast(...args);
        return [stepMs / MINUTE_MS, steps.map(({ due }) => due)];
      };
      expect(await seen('--until', '5m')).to.deep.equal([5, [0]]);
      expect(await seen('--until', '+5m')).to.deep.equal([5, [0]]);
      expect(await seen('--until', '91m')).to.deep.equal([45.5, [4, 60]]);
      expect(await seen('--until', '70m', '--step', '1h')).to.deep.equal([60, [4, 60]]);
    });

    itOnce('forecast --spread shows counts before and after spreading', async () => {
      await fill();
      const { steps } = await forecast('b', '--until', '4h', '--spread', '1h');
      expect(steps.map(({ due }) => due)).to.deep.equal([0, 60, 0, 0]);
      expect(steps.map(({ spread }) => Math.round(spread?.due ?? -1))).to.deep.equal([0, 30, 30, 0]);
    });

    itOnce('forecast is a table in a pipe, and has bars on a terminal', async () => {
      await fill();
      const args = ['forecast', '--until', '2h', '--rate', '30/h', '--max-late', '30m'];
      const lines = linesOf(expectQuiet(await cli.run(args)));
      expect(lines[0]?.split(/ {2,}/)).to.deep.equal(['from', 'due', 'backlog', 'late']);
      expect(lines[2]?.split(/ {2,}/).slice(1)).to.deep.equal(['60', '30', '1h']);
      expect(lines.slice(3)).to.have.length(2);
      expect(lines[4]).to.match(/^The first job is later than 30m at \S+, in 1h\d+m\.$/);
      const shown = await cli.terminal(`stty cols 80; delayer ${args.join(' ')}`);
      expect(shown).to.match(/█{30}/);
    });

    itOnce('forecast with wrong flags exits with 2', async () => {
      await fill();
      for (const args of [
        ['--max-late', '5m'],
        ['--until', '100d', '--step', '1s'],
        ['--workers', '2'],
        [''],
      ])
        expect((await cli.run(['forecast', ...args])).code, args.join(' ')).to.equal(2);
    });
  });
});

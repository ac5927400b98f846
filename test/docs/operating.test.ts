import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliGround, expectQuiet, forEachStore, linesOf, type Outcome, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { must } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';
import { blockWith } from './blocks.js';

const PAGE = 'docs/operating.md';

/** The output that the page shows for commands: the block after theirs. */
function shownAfter(commands: string): string[] {
  const text = readFileSync(new URL(`../../${PAGE}`, import.meta.url), 'utf8');
  const rest = text.slice(text.indexOf(commands) + commands.length);
  return must(/^```\n\n```\n([\s\S]*?)\n```/.exec(rest)?.[1]).split('\n');
}

/** A line with placeholders for times and ages, without what only some stores report, and with single blanks. */
const shapeOf = (line: string): string =>
  line
    .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME')
    .replace(/oldest=[\d.]+s/, 'oldest=Ns')
    // An age of whole seconds, one in a thousand, has no milliseconds; it stands in a column before others.
    .replace(/(\d+m)?(\d+s)?\d+ms|\b(\d+m)?\d+s(?= +- )|(?<=oldest )\d+ (m?s|min)/g, 'AGE')
    // Only Redis reports daemons.
    .replace(/, daemons 1| daemons=1;1:;;0/g, '')
    // The share of memory is known only for a Redis with a limit.
    .replace(/, memory \d+ %| memory=\d+%;80;95;0/g, '')
    .replace(/ +/g, ' ')
    .trim();

/** Groups of lines, which are separated by empty lines. */
const parted = (lines: readonly string[]): string[][] =>
  lines
    .join('\n')
    .split('\n\n')
    .map((part) => part.split('\n'));

/** As `shapeOf`, with a placeholder for the name of the file of removed jobs. */
const fileless = (line: string): string => shapeOf(line).replace(/ in \S*removed\/\S+;/, ' in FILE;');

describe('docs/operating.md', () => {
  forEachStore((cli) => {
    /** Makes the queue of the page: its oldest ready job has waited for more than a second, and a daemon is announced. */
    const fill = async (ground: CliGround) => {
      const queue = await ground.queue();
      await queue.announce('host:1');
      await queue.push({ topic: 'close_order', body: '{"orderID":31}' });
      await queue.push({ topic: 'close_order', body: '{"orderID":32}', delayMs: 30 * 60_000 });
      await queue.push({ topic: 'send_mail', body: '{"to":"x"}', delayMs: 2 * 3_600_000 });
      await queue.maintain();
      await eventually(async () => {
        const [row] = (await queue.stats()).topics;
        return (await queue.now()).getTime() - must(row?.oldestReadyAt).getTime() > 1100;
      });
    };
    const shapesOf = (outcome: Outcome) => linesOf(outcome).map(shapeOf);

    it('inspect and check print what the page shows', async () => {
      await fill(cli);
      for (const words of ['delayer inspect\n', 'delayer check\n']) {
        const commands = blockWith(PAGE, 'sh', words);
        const outcome = await cli.sh(commands);
        const shown = shownAfter(commands).map(shapeOf);
        // On Redis a table of daemons follows.
        const [topics = []] = parted(shapesOf(outcome));
        expect(topics.filter((line) => !line.startsWith('! '))).to.deep.equal(shown);
        expect(outcome.stderr).to.equal('');
        expect(outcome.code).to.equal(words.includes('check') ? 2 : 0);
      }
    });

    it('inspect lists what the page shows', async () => {
      const queue = await cli.queue();
      await queue.push({ topic: 'close_order', id: '31', body: '{"orderID":31}' });
      await queue.push({ topic: 'close_order', id: '32', body: '{"orderID":32}', delayMs: 30 * 60_000 });
      await queue.push({ topic: 'send_mail', id: '7', body: '{"to":"x"}', delayMs: 2 * HOUR_MS });
      await queue.maintain();
      const commands = blockWith(PAGE, 'sh', '--sort due');
      const outcome = expectQuiet(await cli.sh(commands));
      expect(shapesOf(outcome)).to.deep.equal(shownAfter(commands).map(shapeOf));
    });

    it('remove --dry-run, reschedule, promote and purge act and print as the page shows', async () => {
      const queue = await cli.queue();
      for (const id of ['32', '33'])
        await queue.push({ topic: 'close_order', id, body: `{"orderID":${id}}`, delayMs: 30 * 60_000 });
      await queue.push({ topic: 'send_mail', id: '7', body: 'b' });
      await queue.nack((await queue.reserve({ topics: 'send_mail', limit: 1, leaseMs: 10_000 })).jobs, {
        dead: true,
      });
      for (const words of ['--dry-run', 'delayer promote 33']) {
        const commands = blockWith(PAGE, 'sh', words);
        const outcome = await cli.sh(`{ ${commands}\n} 2>&1`);
        const shown = shownAfter(commands).map(fileless);
        expect(linesOf(outcome).map(fileless)).to.deep.equal(shown);
        expect(outcome.code).to.equal(0);
      }
      expect(await queue.find('33')).to.have.nested.property('[0].state', 'ready');
      expect(await queue.find('7')).to.deep.equal([]);
    });

    it('the file for Prometheus has the counts of the queue', async () => {
      await fill(cli);
      const outcome = await cli.sh(blockWith(PAGE, 'sh', '--format prometheus'));
      expect(outcome).to.include({ code: 0, stderr: '' });
      const metrics = readFileSync(join(cli.home, 'queue.prom'), 'utf8');
      expect(metrics).to.include('\ndelayer_ready 1\n').and.include('\ndelayer_delayed 2\n');
    });

    it('forecast prints what the page shows', async () => {
      const queue = await cli.queue();
      const evenly = (topic: string, hour: number, count: number) =>
        Array.from({ length: count }, (_, i) => {
          const delayMs = Math.round((hour + (i + 0.5) / count) * HOUR_MS);
          return { topic, body: 'b', delayMs };
        });
      const begun = await queue.now();
      await queue.pushMany([
        ...evenly('close_order', 0, 400),
        ...evenly('close_order', 1, 3600),
        ...evenly('send_mail', 2, 600),
      ]);
      for (const words of ['delayer forecast --until 4h\n', '--spread 2h']) {
        const commands = blockWith(PAGE, 'sh', words);
        const lines = linesOf(expectQuiet(await cli.sh(commands)));
        // Each second that passes before the forecast moves a job from the second hour into the first.
        const passed = Math.ceil(((await queue.now()).getTime() - begun.getTime()) / 1000);
        const shown = shownAfter(commands);
        expect(lines).to.have.length(shown.length);
        expect(wordsOf(lines)).to.deep.equal(wordsOf(shown));
        const [found, wanted] = [numbersOf(lines), numbersOf(shown)];
        for (const [i, number] of wanted.entries())
          expect(found[i], `number ${i}`).to.be.within(number - 2 * passed - 2, number + 2 * passed + 2);
      }
    });
  });

  describe('doctor on Redis', () => {
    const redis = useRedis({ args: ['--appendonly', 'yes'] });
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

    it('prints, mends and gathers as the page shows', async () => {
      const queue = await cli.queue();
      await queue.announce('host:1');
      for (const id of ['32', '33'])
        await queue.push({ topic: 'close_order', id, body: 'b', delayMs: HOUR_MS });
      await redis.raw.zadd(`${redis.prefix}:job_pool`, Date.now(), '32');
      await redis.raw.del(`${redis.prefix}:job_bucket:33`);
      for (const words of ['delayer doctor\n', '--fix --yes', '--gather']) {
        const commands = blockWith(PAGE, 'sh', words);
        const outcome = await cli.sh(`{ ${commands}\n} 2>&1`);
        expect(linesOf(outcome)).to.deep.equal(shownAfter(commands));
        expect(outcome.code).to.equal(words === 'delayer doctor\n' ? 1 : 0);
      }
    });
  });
});

const HOUR_MS = 3_600_000;

/** Lines without words that contain a digit. */
const wordsOf = (lines: readonly string[]): string[] =>
  lines.map((line) =>
    line
      .replace(/\S*\d\S*/g, '')
      .replace(/ +/g, ' ')
      .trim(),
  );

/** The numbers that stand alone in the lines. */
const numbersOf = (lines: readonly string[]): number[] =>
  lines.flatMap((line) => (line.match(/(?<= )\d+(?= |$)/g) ?? []).map(Number));

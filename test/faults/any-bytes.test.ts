import { isUtf8 } from 'node:buffer';
import { expectQuiet, forEachStore, jsonOf, type Outcome } from '../support/cli.js';
import { must } from '../support/jobs.js';
import { Measurement, SIZE } from './measure.js';
import { storeOf } from './workers/ground.js';

const CHUNK = 500;
const LARGE_BYTES = 1024 * 1024;
/** Each tenth chunk is also shown on a terminal. */
const LOOK_EVERY = 10;
/** Control characters and escape sequences, and texts that look like patterns or numbers. */
const PIECES = [
  ...[
    '\0',
    '\n',
    '\r\n',
    '\t',
    '\u001b[2J',
    '\u001b]0;title\u0007',
    '\u009b31m',
    '\u202e',
    '\u2028',
    '\u007f',
  ],
  ...['{}', '{tag}', '[', '"', '\\', '*?', '%s', '0', '-1', ' ', '💥', '日本'],
].map((text) => Buffer.from(text));
const BROKEN = [[0xff, 0xfe], [0xc3, 0x28], [0x80], [0xed, 0xa0, 0x80]].map((bytes) => Buffer.from(bytes));

/** Random numbers from 0 to 1 that depend only on the seed. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

class Bytes {
  private readonly next = numbersFrom(7);
  private readonly names = new Set<string>();

  /** One to eight pieces and single bytes; half of the results have only pieces that are UTF-8. */
  some(): Buffer {
    const pieces = this.next() < 0.5 ? PIECES : [...PIECES, ...BROKEN];
    const count = 1 + Math.floor(this.next() * 8);
    const one = () =>
      this.next() < 0.2
        ? Buffer.from([Math.floor(this.next() * (pieces === PIECES ? 128 : 256))])
        : must(pieces[Math.floor(this.next() * pieces.length)]);
    return Buffer.concat(Array.from({ length: count }, one));
  }

  /** Unique bytes. */
  name(): Buffer {
    let name = this.some();
    while (this.names.has(name.toString('hex'))) name = Buffer.concat([name, this.some()]);
    this.names.add(name.toString('hex'));
    return name;
  }
}

const field = (name: string, bytes: Buffer) =>
  isUtf8(bytes) ? { [name]: bytes.toString() } : { [`${name}Base64`]: bytes.toString('base64') };

const bytesOf = (line: Record<string, unknown>, name: string): string =>
  typeof line[name] === 'string'
    ? Buffer.from(line[name]).toString('hex')
    : Buffer.from(String(line[`${name}Base64`]), 'base64').toString('hex');

/** Counts control characters, without those of colours, erased lines and line ends. */
function rawEscapes({ stdout }: Pick<Outcome, 'stdout'>): number {
  const text = stdout.toString().replace(/\u001b\[[\d;]*[mK]|\r?\n|\r/g, '');
  return [...text.matchAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2028\u2029]/g)].length;
}

describe('ids, topics and bodies of random bytes', () => {
  forEachStore((cli) => {
    it('come back unchanged through push --batch and drain, and never reach a terminal raw', async () => {
      const measured = new Measurement('random ids, topics and bodies', storeOf(cli));
      const bytes = new Bytes();
      for (let done = 0; done < SIZE.randomJobs; done += CHUNK) {
        const topic = bytes.name();
        const jobs = Array.from({ length: CHUNK }, (_, i) => ({
          id: bytes.name(),
          body: i === 0 ? Buffer.alloc(LARGE_BYTES, bytes.some()) : bytes.some(),
        }));
        const lines = jobs.map(({ id, body }) =>
          JSON.stringify({ ...field('id', id), ...field('topic', topic), ...field('body', body) }),
        );
        expectQuiet(await cli.run(['push', '--batch'], { stdin: `${lines.join('\n')}\n` }));
        const named = [topic.toString('base64'), '--base64'];
        if (done % (CHUNK * LOOK_EVERY) === 0) {
          const shown = await cli.terminal(`delayer inspect ${named.join(' ')} --limit 100`);
          measured.none('raw escapes on a terminal', rawEscapes({ stdout: Buffer.from(shown) }));
          measured.none('jobs not shown', Math.max(0, 100 - shown.split('\n').length));
          measured.add('jobs shown on a terminal', 100);
        }
        const got = jsonOf(expectQuiet(await cli.run(['drain', ...named])));
        const differs = jobs.filter(({ id, body }, i) => {
          const line = got[i] ?? {};
          const is = [bytesOf(line, 'id'), bytesOf(line, 'topic'), bytesOf(line, 'body')];
          return is.join() !== [id, topic, body].map((one) => one.toString('hex')).join();
        });
        measured.none('jobs that came back otherwise, in another place or not at all', differs.length);
        measured.none('jobs too many', Math.max(0, got.length - jobs.length));
        measured.add('jobs', jobs.length);
      }
      measured.end();
    });
  });
});

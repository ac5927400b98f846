import { expect } from 'chai';
import { splitLines } from '../../src/cli/input/lines.js';

describe('the lines of a stream', () => {
  // eslint-disable-next-line @typescript-eslint/require-await -- a stream is waited for
  async function* stream(chunks: readonly string[]): AsyncGenerator<Buffer> {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  async function linesOf(chunks: readonly string[], longest?: number) {
    const lines: [number, string | undefined][] = [];
    for await (const some of splitLines(stream(chunks), longest)) {
      lines.push(
        ...some.map(({ number, bytes }): [number, string | undefined] => [number, bytes?.toString()]),
      );
    }
    return lines;
  }

  it('a stream is split into the same lines however it is cut into chunks, including blank lines and a last line without a newline', async () => {
    const text = 'one\n\ntwo\r\nthree';
    const lines = [
      [1, 'one'],
      [2, ''],
      [3, 'two\r'],
      [4, 'three'],
    ];
    for (let size = 1; size <= text.length; size += 1) {
      const chunks = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      expect(await linesOf(chunks), `chunks of ${size}`).to.deep.equal(lines);
    }
  });

  it('the text of lines that are too long is skipped, and they still count in line numbers', async () => {
    const chunks = ['short\nfar ', 'too ', 'long\nfar too long as well\nlast', ' one is long'];
    expect(await linesOf(chunks, 8)).to.deep.equal([
      [1, 'short'],
      [2, undefined],
      [3, undefined],
      [4, undefined],
    ]);
  });
});

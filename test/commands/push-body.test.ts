import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectQuiet, forEachStore, linesOf, useCli } from '../support/cli.js';

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

/** A megabyte of bytes without repetition. */
function megabyte(): Buffer {
  const parts = [Buffer.alloc(0)];
  for (let i = 0; i < 32_768; i += 1) parts.push(createHash('sha256').update(`${i}`).digest());
  return Buffer.concat(parts);
}

describe('the body of a push', () => {
  forEachStore((cli, itOnce) => {
    const roundTrip = async (body: Buffer): Promise<Buffer> => {
      expectQuiet(await cli.run(['push', 'topic', '-'], { stdin: body }));
      return expectQuiet(await cli.run(['pop', 'topic', '--output', 'body'])).stdout;
    };

    it('the body of a push is read from stdin and printed by pop byte for byte, with a newline after it', async () => {
      const body = Buffer.concat([EVERY_BYTE, Buffer.from('text\r\n\n\n')]);
      expect(await roundTrip(body)).to.deep.equal(Buffer.concat([body, Buffer.from('\n')]));
    });

    it('the body of a push can be a megabyte', async () => {
      const body = megabyte();
      expect((await roundTrip(body)).equals(Buffer.concat([body, Buffer.from('\n')]))).to.be.true;
    });

    itOnce('the body of a push is the argument unchanged', async () => {
      const body = ' $(touch x) `id` \\n "quoted" \'so\' {"a":1} ☃ 😀 ';
      expectQuiet(await cli.run(['push', 'topic', body]));
      const popped = await cli.run(['pop', 'topic', '--output', 'body']);
      expect(popped.stdout.toString()).to.equal(`${body}\n`);
    });

    itOnce('the body of a push is read from the file of --file byte for byte', async () => {
      writeFileSync(join(cli.home, 'file'), EVERY_BYTE);
      expectQuiet(await cli.run(['push', 'topic', '--file', 'file']));
      const popped = expectQuiet(await cli.run(['pop', 'topic', '--output', 'body']));
      expect(popped.stdout).to.deep.equal(Buffer.concat([EVERY_BYTE, Buffer.from('\n')]));
    });

    itOnce(
      'push --check-json takes a body that is JSON, and refuses any other with exit code 2',
      async () => {
        for (const body of ['{"a":[1,"ü"]}', '5', 'null'])
          expectQuiet(await cli.run(['push', 'topic', body, '--check-json']));
        for (const stdin of ['{a:1}', '{"a":1', 'text', '\ufeff5', Buffer.from('"\xff"', 'latin1')]) {
          const refused = await cli.run(['push', 'refused', '-', '--check-json'], { stdin });
          expect(refused.code).to.equal(2);
          expect(refused.stderr).to.match(
            /^delayer: the body is not JSON: [^\n]+ leave --check-json out\.\n$/,
          );
        }
        expect((await cli.run(['pop', 'refused'])).code).to.equal(1);
      },
    );

    itOnce('the body of a push after -- can begin with a dash', async () => {
      expectQuiet(await cli.run(['push', 'topic', '--id', 'a', '--', '--replace']));
      expectQuiet(await cli.run(['push', '--', '-topic', '-body']));
      expect(linesOf(await cli.run(['pop', 'topic', '--output', 'body']))).to.deep.equal(['--replace']);
      expect(linesOf(await cli.run(['pop', '--output', 'body', '--', '-topic']))).to.deep.equal(['-body']);
    });

    itOnce('a push with its body as an argument does not read the stdin of a shell loop', async () => {
      const numbers = ['1', '2', '3', '4', '5'];
      writeFileSync(join(cli.home, 'numbers'), numbers.map((n) => `${n}\n`).join(''));
      const loop = 'while read -r n; do delayer push topic "body $n" --id "$n" || exit; done < numbers';
      const outcome = expectQuiet(await cli.sh(loop));
      expect(linesOf(outcome)).to.deep.equal(numbers);
    });
  });

  describe('a push without a body', () => {
    const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));

    for (const [what, args, stdin] of [
      ['missing', ['push', 'topic'], ''],
      ['missing, although stdin has bytes', ['push', 'topic'], 'body'],
      ['an empty argument', ['push', 'topic', ''], ''],
      ['empty on stdin', ['push', 'topic', '-'], ''],
      ['in a file that is not there', ['push', 'topic', '--file', 'none'], ''],
      ['both an argument and a file', ['push', 'topic', 'body', '--file', 'none'], ''],
      ['both --body and a file', ['push', 'topic', '--body', 'body', '--file', 'none'], ''],
      ['both an argument and stdin', ['push', 'topic', 'body', '-'], 'body'],
    ] as const) {
      it(`a body is refused when it is ${what}`, async () => {
        const refused = await cli.run(args, { stdin });
        expect(refused.code).to.equal(2);
        expect(refused.stdout).to.be.empty;
        expect(refused.stderr).to.match(/^delayer: [^\n]+\n$/);
        expect((await cli.run(['pop', 'topic'])).code).to.equal(1);
      });
    }
  });
});

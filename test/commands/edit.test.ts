import { expect } from 'chai';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentOf, expectQuiet, forEachStore, linesOf } from '../support/cli.js';
import { HOUR_MS, MINUTE_MS, only, reserve, textOf } from '../support/jobs.js';

describe('edit', () => {
  forEachStore((cli, itOnce) => {
    const push = async (id: string, body: string | Buffer = 'old', delayMs = HOUR_MS) =>
      (await cli.queue()).push({ id, topic: 'topic', body, delayMs });
    const find = async (id: string) => only(await (await cli.queue()).find(id));
    const bodyOf = async (id: string) => textOf(await find(id));

    it('edit replaces the body of a job from an argument, --body, --file or stdin, and prints its id', async () => {
      await push('a');
      const { dueAt } = await find('a');
      writeFileSync(join(cli.home, 'file'), Buffer.from([0xff, 0x0a]));
      for (const [args, body, stdin] of [
        [['new'], 'new'],
        [['--body', '-'], '-'],
        [['--', '-'], '-'],
        [['--file', 'file'], Buffer.from([0xff, 0x0a]).toString()],
        [['-'], 'from stdin\n', 'from stdin\n'],
      ] as const) {
        expect(linesOf(expectQuiet(await cli.run(['edit', 'a', ...args], { stdin })))).to.deep.equal(['a']);
        expect(await bodyOf('a')).to.equal(body);
      }
      expect((await find('a')).dueAt).to.deep.equal(dueAt);
    });

    it('edit --ttl changes the ready lifetime, and refuses one that would be over already', async () => {
      await push('a');
      expectQuiet(await cli.run(['edit', 'a', '--ttl', '1m']));
      const { dueAt, expiresAt } = await find('a');
      expect(Number(expiresAt) - Number(dueAt)).to.equal(MINUTE_MS);
      await push('ready', 'old', 0);
      await (await cli.queue()).maintain();
      const outcome = await cli.run(['edit', 'ready', '--ttl', '1ms']);
      expect(outcome.code).to.equal(1);
      expect(outcome.stderr).to.equal(
        'delayer: the job "ready" would have expired already with that --ttl; it was not edited\n',
      );
    });

    it('edit exits with 1 for a leased or unknown job, and says why', async () => {
      await push('leased', 'old', 0);
      await reserve(await cli.queue(), 'topic');
      const outcome = await cli.run(['edit', 'leased', 'new']);
      expect(outcome.code).to.equal(1);
      expect(outcome.stderr).to.equal(
        'delayer: the job "leased" is leased to a consumer; it was not edited\n',
      );
      const json = await cli.run(['edit', 'none', 'new', '--json']);
      expect(json).to.include({ code: 1, stderr: '' });
      expect(documentOf(json)).to.deep.equal({
        edited: [],
        notEdited: [{ id: 'none', state: null }],
        counts: { edited: 0, notEdited: 1 },
      });
    });

    itOnce(
      'edit is wrong usage without a body, --ttl and a terminal, with two bodies, or with an empty body',
      async () => {
        await push('a');
        for (const [args, why] of [
          [[], /no terminal/],
          [['b', '--body', 'c'], /cannot be used together/],
          [['b', '--file', 'c'], /cannot be used together/],
          [['--file', 'absent'], /cannot read the file/],
          [['--body', ''], /The body is empty/],
        ] as const) {
          const outcome = await cli.run(['edit', 'a', ...args]);
          expect(outcome.code).to.equal(2);
          expect(outcome.stderr).to.match(why);
        }
        expect(await bodyOf('a')).to.equal('old');
      },
    );

    describe('in an editor', () => {
      const TMP = () => join(cli.home, 'tmp');
      /** Edits with a script in place of an editor, which gets -x as $1 and the file as $2. */
      const edit = async (script: string, id = 'a') => {
        writeFileSync(join(cli.home, 'bin', 'editor'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
        return cli.terminal(
          `mkdir -p tmp; VISUAL='' EDITOR='editor -x' TMPDIR=tmp delayer edit ${id}; echo "code $?"`,
        );
      };
      const left = () => readdirSync(TMP()).filter((name) => name.startsWith('delayer-edit-'));

      itOnce(
        'edit opens the body in a temporary file for this user only, and drops a newline that the editor added',
        async () => {
          await push('a', '{"n":1}');
          const seen = await edit('stat -c "mode %a" "$2"; sed -i s/1/2/ "$2"; echo >> "$2"');
          expect(seen)
            .to.match(/mode 600/)
            .and.match(/code 0/);
          expect(await bodyOf('a')).to.equal('{"n":2}');
          expect(left()).to.be.empty;
        },
      );

      itOnce('edit exits with 2 when the editor removed the file, and changes nothing', async () => {
        await push('a');
        expect(await edit('rm "$2"')).to.match(
          /the editor left no file that can be read: nothing was changed[^]*code 2/,
        );
        expect(await bodyOf('a')).to.equal('old');
        expect(left()).to.be.empty;
      });

      itOnce('edit exits with 1 and says so when the body was not changed', async () => {
        await push('a');
        expect(await edit('echo >> "$2"')).to.match(
          /"a" was left unchanged in the editor; it was not edited[^]*code 1/,
        );
        expect(await bodyOf('a')).to.equal('old');
      });

      it('edit does not overwrite a job that changed while the editor was open, and keeps the edited text', async () => {
        await push('a');
        const seen = await edit('delayer edit a other; echo new > "$2"');
        expect(seen)
          .to.match(/was changed meanwhile/)
          .and.match(/code 1/);
        expect(await bodyOf('a')).to.equal('other');
        const [folder = ''] = left();
        expect(statSync(join(TMP(), folder, 'body')).mode & 0o777).to.equal(0o600);
        expect(seen).to.contain(`the edited text is in tmp/${folder}/body`);
      });

      itOnce('edit changes nothing when the editor fails', async () => {
        await push('a');
        expect(await edit('echo new > "$2"; exit 3')).to.match(/the editor ended with 3[^]*code 2/);
        expect(await bodyOf('a')).to.equal('old');
        expect(left()).to.be.empty;
      });

      itOnce('edit opens no editor for an unknown job', async () => {
        await push('a');
        expect(await edit('touch opened', 'none')).to.match(/"none" is not in the queue[^]*code 1/);
        expect(readdirSync(cli.home)).not.to.include('opened');
      });
    });
  });
});

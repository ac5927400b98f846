import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectQuiet, forEachStore, linesOf, useCli } from '../support/cli.js';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

describe('in cron, which mails what is printed on stderr', () => {
  forEachStore((cli) => {
    it('every success is silent: a repeat, --if-absent, a batch, a remove of one of several, a look', async () => {
      const script = `
        delayer push topic body --id a
        delayer push topic body --id a
        delayer push topic other --id a --if-absent
        echo '{"topic":"topic","body":"b","delay":60,"id":"b"}' | delayer push --batch
        echo '{"topic":"topic","body":"b","delay":60,"id":"b"}' | delayer push --batch
        delayer remove b unknown
        delayer inspect topic --limit 1 >/dev/null
        delayer drain topic --output id
        delayer drain topic --loop --step 100ms --for 200ms`;
      expect(linesOf(expectQuiet(await cli.sh(script)))).to.deep.equal(['a', 'a', 'a', 'b', 'b', 'b', 'a']);
    });

    it('what went wrong is told all the same, with --quiet the errors alone', async () => {
      expect((await cli.run(['remove', 'unknown'])).stderr).to.match(/^delayer: [^\n]*"unknown"[^\n]*\n$/);
      expect((await cli.run(['remove', 'unknown', '--quiet'])).stderr).to.equal('');
      const refused = await cli.run(['push', 'topic', '', '--quiet']);
      expect(refused.stderr).to.match(/^delayer: The body is empty[^\n]*\n$/);
    });

    it('of very many ids of which none was removed, the first hundred are named, and the others counted', async () => {
      const ids = Array.from({ length: 250 }, (_, i) => `${i}\n`).join('');
      const { code, stderr } = await cli.run(['remove', '-'], { stdin: ids });
      expect(code).to.equal(1);
      expect(stderr.trimEnd().split('\n')).to.have.length(101);
      expect(stderr).to.match(/\ndelayer: 150 more were not removed\n$/);
    });
  });

  describe('the crontab of the README', () => {
    const cli = useCli();

    it('the crontab of the README works as it stands there', async () => {
      const [, crontab = ''] = /```crontab\n([\s\S]*?)```/.exec(README) ?? [];
      const [path = '', line = '', ...more] = crontab.trimEnd().split('\n');
      expect(more).to.be.empty;
      // What is installed in /usr/local/bin there is in a folder of the test here.
      const bin = join(cli.home, 'bin');
      writeFileSync(join(bin, 'close-order'), `#!/bin/sh\ncat >>'${cli.home}/closed'\n`, { mode: 0o755 });
      expectQuiet(await cli.run(['push', 'close_order', '{"orderID":32}', '--id', '32']));
      const [, command = ''] = /^\* \* \* \* \* (.*)$/.exec(line) ?? [];
      expect(command).to.not.include('%'); // A newline to cron.
      const script = command.replaceAll('/usr/local/bin', bin).replace('--loop', '--loop --for 1s');
      const asCron = [
        'env -i',
        `HOME='${cli.home}' LOGNAME=user SHELL=/bin/sh`,
        `${path.replace('/usr/local/bin', bin)}:${nodeFolder()}`,
        `/bin/sh -c ${quoted(script)}`,
      ].join(' ');
      expect(path).to.match(/^PATH=/);
      // The default store, as cron's home has it.
      const outcome = await cli.sh(`mkdir -p .local/share; mv data/delayer .local/share/; ${asCron}`);
      expect(expectQuiet(outcome).stdout.toString()).to.equal('');
      expect(readFileSync(join(cli.home, 'closed'), 'utf8')).to.equal('{"orderID":32}');
    });
  });
});

/** Where this machine has Node, should it be in none of the folders of a crontab. */
function nodeFolder(): string {
  return join(process.execPath, '..');
}

/** A word of sh. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

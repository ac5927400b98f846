import { expect } from 'chai';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openQueue } from '../../src/storage/open.js';
import { expectQuiet, forEachStore, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';

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
    // The default store, as cron's home has it.
    const cli = useCli((home) => ({ XDG_DATA_HOME: join(home, '.local/share') }));
    const file = (name: string) => join(cli.home, name);
    const read = (name: string) => readFileSync(file(name), 'utf8');
    const push = async (...ids: string[]) => {
      for (const id of ids) expectQuiet(await cli.run(['push', 'close_order', `body ${id}\n`, '--id', id]));
    };

    /** The line as cron runs it, in its bare environment, for a window of its own. */
    const asCron = (handler: string, window: string): string => {
      const [, crontab = ''] = /```crontab\n([\s\S]*?)```/.exec(README) ?? [];
      const [path = '', line = '', ...more] = crontab.trimEnd().split('\n');
      expect(more).to.be.empty;
      // What is installed in /usr/local/bin there is in a folder of the test here.
      const bin = file('bin');
      writeFileSync(join(bin, 'close-order'), `#!/bin/sh\ncd '${cli.home}'\n${handler}\n`, { mode: 0o755 });
      const [, command = ''] = /^\* \* \* \* \* (.*)$/.exec(line) ?? [];
      expect(command).to.not.include('%'); // A newline to cron.
      expect(path).to.match(/^PATH=/);
      const script = command.replaceAll('/usr/local/bin', bin).replace('--loop', `--loop --for ${window}`);
      return [
        'exec env -i',
        `HOME='${cli.home}' LOGNAME=user SHELL=/bin/sh`,
        `${path.replace('/usr/local/bin', bin)}:${nodeFolder()}`,
        `/bin/sh -c ${quoted(script)}`,
      ].join(' ');
    };

    /** Of the lock that the crontab has: who else asks for it is told how long it is held at most. */
    const askForLock = async () => {
      const queue = await openQueue(`sqlite:${file('.local/share/delayer/queue.db')}`);
      try {
        const lock = { name: 'close_order', owner: 'somebody else' };
        return await queue.reserve({ topics: 'close_order', limit: 1, leaseMs: 1000, lock });
      } finally {
        await queue.close();
      }
    };

    it('works as it stands there, and mails nothing', async () => {
      await push('32');
      const outcome = await cli.sh(asCron('cat >>closed', '1s'));
      expect(expectQuiet(outcome).stdout.toString()).to.equal('');
      expect(read('closed')).to.equal('body 32\n');
    });

    it('of two windows that overlap, one works, and the other ends silently; then the lock is free', async () => {
      await push('1', '2');
      const handler = 'cat >>closed; touch begun; while [ ! -e go ]; do sleep 0.05; done';
      const first = cli.startSh(asCron(handler, '20s'));
      await eventually(() => existsSync(file('begun')));
      const second = expectQuiet(await cli.sh(asCron(handler, '1s')));
      expect(second.stdout.toString()).to.equal('');
      expect(read('closed')).to.equal('body 1\n');
      writeFileSync(file('go'), '');
      await eventually(() => read('closed') === 'body 1\nbody 2\n');
      expect((await first.end()).stderr).to.equal('');
      expect((await askForLock()).isLocked).to.not.equal(true);
    });

    it('the lock of a loop that was killed is held for 30 s at most', async () => {
      await push('1', '2');
      const killed = cli.startSh(asCron('touch begun; sleep 60', '60s'));
      await eventually(() => existsSync(file('begun')));
      killed.killGroup();
      await killed.ended;
      const { isLocked, nextInMs } = await askForLock();
      expect(isLocked).to.equal(true);
      expect(nextInMs).to.be.within(1, 30_000);
    });

    it('of a handler that fails cron mails what it says and a line for each dead letter; the exit code is 4', async () => {
      await push('good');
      expectQuiet(await cli.run(['push', 'close_order', 'body', '--id', 'bad', '--retries', '0']));
      const handler = '[ "$DELAYER_ID" = good ] || exit 3';
      const { code, stdout, stderr } = await cli.sh(asCron(handler, '1s'));
      expect(code).to.equal(4);
      expect(stdout.toString()).to.equal('');
      expect(stderr).to.match(/^delayer: [^\n]*"bad"[^\n]*exit code 3[^\n]*\n$/);
    });
  });
});

/** Where this machine has Node, should it be in none of the folders of a crontab. */
function nodeFolder(): string {
  return join(process.execPath, '..');
}

/** A word of sh. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

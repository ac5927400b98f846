import { expect } from 'chai';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openQueue } from '../../src/storage/open.js';
import { expectQuiet, forEachStore, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

describe('commands in cron, which mails their output', () => {
  forEachStore((cli) => {
    it('success prints nothing on stderr: a repeated push, --if-absent, a batch, remove of one of several, inspect, drain', async () => {
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

    it('failures are reported on stderr, and with --quiet only errors', async () => {
      expect((await cli.run(['remove', 'unknown'])).stderr).to.match(/^delayer: [^\n]*"unknown"[^\n]*\n$/);
      expect((await cli.run(['remove', 'unknown', '--quiet'])).stderr).to.equal('');
      const refused = await cli.run(['push', 'topic', '', '--quiet']);
      expect(refused.stderr).to.match(/^delayer: The body is empty[^\n]*\n$/);
    });

    it('remove names the first hundred of many ids that were not removed, and counts the others', async () => {
      const ids = Array.from({ length: 250 }, (_, i) => `${i}\n`).join('');
      const { code, stderr } = await cli.run(['remove', '-'], { stdin: ids });
      expect(code).to.equal(1);
      expect(stderr.trimEnd().split('\n')).to.have.length(101);
      expect(stderr).to.match(/\ndelayer: 150 more were not removed\n$/);
    });
  });

  describe('the crontab of the README', () => {
    // The default store in the home folder.
    const cli = useCli((home) => ({ XDG_DATA_HOME: join(home, '.local/share') }));
    const file = (name: string) => join(cli.home, name);
    const read = (name: string) => readFileSync(file(name), 'utf8');
    const push = async (...ids: string[]) => {
      for (const id of ids) expectQuiet(await cli.run(['push', 'close_order', `body ${id}\n`, '--id', id]));
    };

    /** The line of the crontab as cron runs it, in a bare environment, but with another window. */
    const asCron = (handler: string, window: string): string => {
      const [, crontab = ''] = /```crontab\n([\s\S]*?)```/.exec(README) ?? [];
      const [path = '', line = '', ...more] = crontab.trimEnd().split('\n');
      expect(more).to.be.empty;
      // A folder of the test takes the place of /usr/local/bin.
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

    /** Asks for the lock of the crontab as another owner; the answer says for how long it is held at most. */
    const askForLock = async () => {
      const queue = await openQueue(`sqlite:${file('.local/share/delayer/queue.db')}`);
      try {
        const lock = { name: 'close_order', owner: 'somebody else' };
        return await queue.reserve({ topics: 'close_order', limit: 1, leaseMs: 1000, lock });
      } finally {
        await queue.close();
      }
    };

    it('runs as written, and prints nothing to mail', async () => {
      await push('32');
      const outcome = await cli.sh(asCron('cat >>closed', '1s'));
      expect(expectQuiet(outcome).stdout.toString()).to.equal('');
      expect(read('closed')).to.equal('body 32\n');
    });

    it('of two overlapping loops one works, the other ends silently, and the lock is free afterwards', async () => {
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

    it('a failing handler makes drain print a line for each dead letter and exit with 4', async () => {
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

/** The folder of Node on this machine, which may not be in the PATH of a crontab. */
function nodeFolder(): string {
  return join(process.execPath, '..');
}

/** A word of sh. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

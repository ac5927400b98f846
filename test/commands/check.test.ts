import { expect } from 'chai';
import { forEachStore, linesOf } from '../support/cli.js';

describe('check', () => {
  forEachStore((cli, itOnce) => {
    const check = async (...args: string[]) => {
      const outcome = await cli.run(['check', ...args]);
      expect(outcome.stderr).to.equal('');
      return { code: outcome.code, lines: linesOf(outcome) };
    };

    it('check exits with 0, 1 or 2 by its thresholds, and prints one line', async () => {
      const queue = await cli.queue();
      await queue.announce('host:1');
      await queue.pushMany(['a', 'a', 'b'].map((topic) => ({ topic, body: 'b' })));
      await queue.maintain();
      const well = await check();
      expect(well.code).to.equal(0);
      expect(well.lines).to.have.length(1);
      expect(well.lines[0]).to.match(/^DELAYER OK - .*ready 3.* \| .* ready=3;;;0 /);
      expect((await check('--warn', 'ready=2')).code).to.equal(1);
      expect((await check('--warn', 'ready=3')).code).to.equal(0);
      const critical = await check('--warn', 'ready=1', '--crit', 'ready=2', '--crit', 'oldest=1h');
      expect(critical.code).to.equal(2);
      expect(critical.lines[0]).to.match(/^DELAYER CRITICAL - ready 3 \(more than 2\) \| /);
      expect((await check('a', '--crit', 'ready=1')).code).to.equal(2);
      expect((await check('b', '--crit', 'ready=1')).code).to.equal(0);
      expect((await check('--crit', 'oldest=0')).code).to.equal(2);
      await queue.retire('host:1');
      expect((await check()).code).to.equal(queue.needsPromotion ? 1 : 0);
      expect((await check('--warn', 'daemons=off')).code).to.equal(0);
    });

    itOnce('check prints Prometheus metrics and JSON on request', async () => {
      await (await cli.queue()).push({ topic: 'a', body: 'b', delayMs: 3_600_000 });
      const metrics = await check('--format', 'prometheus', '--warn', 'daemons=off');
      expect(metrics.lines).to.include.members(['delayer_delayed 1', 'delayer_check_status 0']);
      for (const form of [['--format', 'json'], ['--json']]) {
        const { lines } = await check(...form, '--crit', 'delayed=0');
        expect(JSON.parse(lines.join('\n'))).to.include({ status: 'CRITICAL', code: 2 });
      }
    });

    itOnce('check with wrong flags exits with 3, and prints one line on stdout', async () => {
      await (await cli.queue()).push({ topic: 'a', body: 'b' });
      for (const args of [
        ['--warn', 'redy=1'],
        ['--crit', 'oldest=soon'],
        ['--warn', 'ready=-1'],
        ['--nosuch'],
        [''],
        ['--format', 'nagios', '--json'],
      ]) {
        const { code, lines } = await check(...args);
        expect(code, args.join(' ')).to.equal(3);
        expect(lines).to.have.length(1);
        expect(lines[0]).to.match(/^DELAYER UNKNOWN - /);
      }
    });

    itOnce('check refuses --json beside another --format, and says what to do about an error', async () => {
      const { code, lines } = await check('--format', 'prometheus', '--json');
      expect([code, lines.length]).to.deep.equal([3, 3]);
      expect(lines.at(-1)).to.equal('delayer_check_status 3');
      const [nagios] = (await check('--format', 'nagios', '--json')).lines;
      expect(nagios).to.equal(
        'DELAYER UNKNOWN - --json and --format nagios cannot be used together. Leave one of them out.',
      );
      expect((await check('--warn', 'redy=1')).lines[0]).to.match(
        /redy=1". Did you mean ready\? Write KEY=VALUE/,
      );
      for (const asked of [['--json'], ['--format', 'json'], ['--format=json']]) {
        const [wrong = ''] = (await check('--nosuch', ...asked)).lines;
        expect(JSON.parse(wrong), asked.join(' ')).to.include({ status: 'UNKNOWN', code: 3 });
      }
      const json = (await check('--json', '--store', 'sqlite:/nosuch/folder/queue.db')).lines;
      expect(JSON.parse(json[0] ?? '')).to.include({
        hint: 'Name a store that exists; a push creates it, in a folder that exists.',
      });
    });

    itOnce('check that cannot write its line says on stderr why, and keeps its exit code', async () => {
      await (await cli.queue()).push({ topic: 'a', body: 'b' });
      for (const flags of ['', '--format json', '--format prometheus']) {
        const { code, stderr } = await cli.sh(`exec delayer check ${flags} >/dev/full`);
        expect(code, flags).to.equal(3);
        expect(stderr, flags).to.match(/^delayer: cannot write to stdout: ENOSPC[^\n]*\n$/);
      }
      const away = await cli.sh('exec delayer check --store sqlite:/nosuch/queue.db >/dev/full');
      expect(away.code).to.equal(2);
      expect(away.stderr).to.match(/^delayer: sqlite:\/nosuch\/queue.db does not exist[^\n]*\n$/);
    });

    it('check of a store that cannot be reached exits with 2', async () => {
      for (const store of ['redis://127.0.0.1:1', 'sqlite:/nosuch/folder/queue.db']) {
        const { code, lines } = await check('--store', store);
        expect(code).to.equal(2);
        expect(lines).to.have.length(1);
        expect(lines[0]).to.match(/^DELAYER CRITICAL - /);
      }
    });
  });
});

import { expect } from 'chai';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expectQuiet, jsonOf, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { Ground, isGone, pendingSignals, TOPIC } from './handlers.js';

const NOT_DONE = 4;

/** Waits until a number that changes while a worker works has not changed for three seconds, and returns it. */
async function unchanging(count: () => Promise<number>): Promise<number> {
  let [last, sinceMs] = [await count(), Infinity];
  await eventually(
    async () => {
      const now = await count();
      if (now !== last) sinceMs = performance.now();
      last = now;
      return performance.now() - sinceMs > 3000;
    },
    { everyMs: 50 },
  );
  return last;
}

describe('the output of drain --exec', function () {
  this.timeout(60_000);
  const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));
  const ground = new Ground(cli);
  const exec = (command: string, ...flags: string[]) =>
    cli.run(['drain', TOPIC, ...flags, '--exec', command]);

  it('lines of concurrent handlers are not mixed, and a last line without a newline gets one', async () => {
    const ids = Array.from({ length: 8 }, (_, i) => `${i}`);
    await ground.push(...ids);
    // Each line is written in pieces, with time for other handlers in between.
    const command =
      'for n in 1 2 3; do for p in a b c d; do printf "$DELAYER_ID$p"; sleep 0.01; done; echo; done; printf $DELAYER_ID';
    const lines = linesOf(expectQuiet(await exec(command, '--jobs', '4')));
    const expected = ids.flatMap((id) => [...Array<string>(3).fill(`${id}a${id}b${id}c${id}d`), id]);
    expect([...lines].sort()).to.deep.equal([...expected].sort());
  });

  it('--tag puts the id of the job before each line of stdout and stderr', async () => {
    await ground.push('a', 'b');
    const outcome = await exec('echo out; echo err >&2', '--tag');
    expect(linesOf(outcome)).to.deep.equal(['a\tout', 'b\tout']);
    expect(outcome.stderr).to.equal('a\terr\nb\terr\n');
  });

  it('--output-dir writes the output of each job to a file and not to stdout, and the reason is still the end of stderr', async () => {
    await ground.push('a', '../b');
    const outcome = await exec(
      'echo out; echo why >&2; exit 1',
      '--output-dir',
      'logs/today',
      '--retries',
      '0',
    );
    expect(outcome).to.include({ code: NOT_DONE });
    expect(outcome.stdout.toString()).to.equal('');
    expect(readFileSync(ground.path('logs/today/a'), 'utf8')).to.equal('out\nwhy\n');
    expect(existsSync(ground.path('logs/today/%2E.%2Fb'))).to.equal(true);
    expect(await ground.find('a')).to.include({ reason: 'why' });
  });

  it('an output folder that cannot be written to ends the run with 74, and no job is lost', async () => {
    await ground.push('a');
    for (const folder of ['/dev/null/logs', '/proc/none/logs']) {
      const outcome = await exec('touch ran', '--output-dir', folder);
      expect(outcome.code).to.equal(74);
      expect(outcome.stderr)
        .to.match(/^delayer: [^\n]*\n$/)
        .and.to.include(`cannot write to ${folder}: E`);
    }
    expect(await ground.find('a')).to.include({ state: 'ready', attempts: 0 });
  });

  it('--json prints events of each job on stdout, and the output of handlers on stderr', async () => {
    await ground.push('good', 'flaky', 'bad');
    const command = 'echo from $DELAYER_ID; case $DELAYER_ID in good) ;; flaky) exit 3;; *) exit 65;; esac';
    const outcome = await exec(command, '--json');
    expect(outcome.code).to.equal(NOT_DONE);
    expect(outcome.stderr).to.match(/^from good\nfrom flaky\nfrom bad\n/);
    const events = jsonOf(outcome);
    // The next job may have started before the store has answered what becomes of the one before.
    const eventsOf = (job: string) =>
      events.filter(({ id }) => id === job).map(({ event, attempt }) => [event, attempt]);
    expect(eventsOf('good')).to.deep.equal([
      ['started', 1],
      ['done', 1],
    ]);
    expect(eventsOf('flaky')).to.deep.equal([
      ['started', 1],
      ['retried', 1],
    ]);
    expect(eventsOf('bad')).to.deep.equal([
      ['started', 1],
      ['dead', 1],
    ]);
    expect(events[0]).to.have.keys(['event', 'at', 'id', 'topic', 'attempt', 'lease']);
    const retried = events.find(({ event }) => event === 'retried');
    expect(retried).to.include({ exitCode: 3, reason: 'exit code 3' });
    expect(Date.parse(String(retried?.dueAt))).to.be.greaterThan(Date.parse(String(retried?.at)));
  });

  it('when nobody reads stderr no more jobs are taken, and all lines are there and whole in the end', async () => {
    const ids = Array.from({ length: 60 }, (_, i) => `${i}`);
    await ground.push(...ids);
    const handler = `yes ${'x'.repeat(100)} | head -n 200 >&2; exit 65`;
    const drain = cli.startSh(
      `{ delayer drain ${TOPIC} --jobs 2 --exec '${handler}' 2>&1 >&3; echo $? > code; } 3>/dev/null | { until [ -e read ]; do sleep 0.02; done; cat; }`,
    );
    const queue = await cli.queue();
    const dead = async () => (await queue.list(TOPIC, { states: ['dead'], limit: 100 })).jobs.length;
    // More than a pipe and the queue of the worker hold.
    expect(await unchanging(dead)).to.be.within(1, 50);
    writeFileSync(ground.path('read'), '');
    const lines = linesOf(await drain.ended);
    expect(await ground.line('code')).to.equal(`${NOT_DONE}`);
    const told = lines.filter((line) => !/^x{100}$/.test(line));
    expect(lines.length - told.length).to.equal(60 * 200);
    expect(told.sort()).to.deep.equal(
      ids
        .map(
          (id) => `delayer: the job "${id}" of "topic" is a dead letter after 1 attempt: ${'x'.repeat(100)}`,
        )
        .sort(),
    );
  });

  it('--json takes no more jobs while the reader of stdout has stopped, and tells of each in the end', async () => {
    const ids = Array.from({ length: 60 }, (_, i) => `${i}-${'i'.repeat(30_000)}`);
    await ground.push(...ids);
    const drain = cli.startSh(
      `{ delayer drain ${TOPIC} --json -- true; echo $? > code; } | { until [ -e read ]; do sleep 0.02; done; cat; }`,
    );
    const queue = await cli.queue();
    const left = await unchanging(async () => (await queue.list(TOPIC, { limit: 100 })).jobs.length);
    expect(left).to.be.within(30, 59);
    writeFileSync(ground.path('read'), '');
    const events = jsonOf(await drain.ended);
    expect(events.filter(({ event }) => event === 'done').map(({ id }) => id)).to.have.members(ids);
    expect(await ground.line('code')).to.equal('0');
  });

  it('a terminal that is stopped (Ctrl-S) stops no lease from being renewed, and no signal', async () => {
    await ground.push('a');
    const handler = 'echo $PPID > worker; until [ -e go ]; do sleep 0.02; done';
    const terminal = cli.startTerminal(
      `delayer drain ${TOPIC} --lease 1s --exec '${handler}'; echo $? > code`,
    );
    const worker = Number(await ground.line('worker'));
    await terminal.printsText(/1 in progress/);
    terminal.child.stdin?.write('\x13');
    const leaseUntil = async () => Number((await ground.find('a'))?.leaseUntil);
    const since = await leaseUntil();
    await eventually(async () => (await leaseUntil()) > since + 2500);
    process.kill(worker, 'SIGTERM');
    await eventually(() => pendingSignals(worker) === 0);
    process.kill(worker, 'SIGTERM');
    await isGone(worker);
    expect(await ground.find('a')).to.include({ state: 'ready', attempts: 0 });
  });

  it('--joblog has a line for each handler that has run', async () => {
    await ground.push('a', 'b');
    await exec('printf 12345; exit 3', '--joblog', 'log', '--halt', '1');
    await exec('kill -9 $$', '--joblog', 'log', '--max', '1');
    const [header, ...lines] = ground
      .read('log')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(header?.[0]).to.equal('Seq');
    expect(lines.map(([seq, host, , , ...rest]) => [seq, host, ...rest])).to.deep.equal([
      ['1', ':', '9', '5', '3', '0', 'DELAYER_ID=a printf 12345; exit 3'],
      ['1', ':', '9', '0', '0', '9', 'DELAYER_ID=b kill -9 $$'],
    ]);
  });

  it('--joblog refuses a FIFO, which could block the worker', async () => {
    await ground.push('a');
    const outcome = await cli.sh(`mkfifo fifo; delayer drain ${TOPIC} --joblog fifo --exec true`);
    expect(outcome.code).to.equal(74);
    expect(outcome.stderr).to.match(/cannot write to fifo: it is a FIFO; name a regular file/);
  });

  it('--joblog has the arguments after -- as words of a shell, which runs the same program with them', async () => {
    await ground.push('a');
    const args = ['printf', '[%s]', 'a b', '$(touch injected)', "it's", '', 'x\ny', '*'];
    const outcome = await cli.run(['drain', TOPIC, '--joblog', 'log', '--', ...args]);
    const command = ground.read('log').split('\n')[1]?.split('\t')[8] ?? '';
    // As `parallel --retry-failed` does.
    const again = await cli.sh(command.replaceAll('\0', '\n'));
    expect(again.stdout.toString()).to.equal("[a b][$(touch injected)][it's][][x\ny][*]");
    expect(outcome.stdout.toString()).to.equal(`${again.stdout.toString()}\n`);
  });

  it('a reader that goes away ends the run with 141, and no job is lost', async () => {
    await ground.push('a', 'b', 'c');
    const outcome = await cli.sh(
      `delayer drain ${TOPIC} --follow --exec 'echo $DELAYER_ID; sleep 0.3' | head -n 1; echo "\${PIPESTATUS[0]}"`,
    );
    expect(linesOf(outcome)).to.deep.equal(['a', '141']);
    const states = await ground.states('a', 'b', 'c');
    expect(states[0]).to.equal(undefined);
    expect(states[2]).to.equal('ready');
  });

  it('300 MB of output without a newline are passed on with less than 250 MB of memory', async () => {
    await ground.push('a');
    const command = 'head -c 300000000 /dev/zero; sed -n "s/^VmHWM:[^0-9]*//p" /proc/$PPID/status > peak';
    const outcome = await cli.sh(`delayer drain ${TOPIC} --exec '${command}' | wc -c`);
    // A newline is added after each megabyte.
    expect(Number(outcome.stdout)).to.be.within(300_000_001, 300_000_400);
    expect(parseInt(ground.read('peak'), 10)).to.be.lessThan(250_000);
  });

  it('a job is done even when its handler closes stdin or does not read it', async () => {
    const queue = await cli.queue();
    for (const id of ['a', 'b']) await queue.push({ topic: TOPIC, id, body: Buffer.alloc(5_000_000) });
    const command = 'if [ $DELAYER_ID = a ]; then exec <&-; sleep 0.2; else head -c 1 > /dev/null; fi';
    expectQuiet(await exec(command));
    expect(await ground.states('a', 'b')).to.deep.equal([undefined, undefined]);
  });

  it('all output that a handler wrote before its exit is passed on', async () => {
    await ground.push('a', 'b', 'c');
    const outcome = await cli.sh(
      `delayer drain ${TOPIC} --jobs 3 --exec 'seq 1 100000; exit 0' | sort -n | uniq -c | awk '{print $1}' | uniq -c | tr -s ' '`,
    );
    expect(linesOf(outcome)).to.deep.equal([' 100000 3']);
  });

  it('--verbose prints a summary at the end', async () => {
    await ground.push('a', 'b');
    const outcome = await exec('exit $(test $DELAYER_ID = a; echo $?)', '--verbose');
    expect(outcome.stderr).to.match(/^delayer: 1 done, 1 to be retried in \d+ m?s\n$/);
  });

  it('the line of progress does not count jobs that are released before they start', async () => {
    // Jobs that were leased ahead while the handlers were short have to wait for longer than a second.
    const ids = Array.from({ length: 12 }, (_, n) => `${n}`);
    await ground.push(...ids);
    writeFileSync(
      ground.path('handler.sh'),
      'case $DELAYER_ID in [0-5]) ;; *) until [ -e go ]; do sleep 0.02; done;; esac\n',
    );
    const drain = `delayer drain ${TOPIC} --jobs 2 --exec 'sh handler.sh'`;
    const terminal = cli.startTerminal(`${drain}; echo $? > code`);
    const leased = async () => (await ground.states(...ids)).filter((state) => state === 'leased').length;
    await eventually(async () => (await leased()) > 2);
    await eventually(async () => (await leased()) === 2);
    const shown = terminal.stdout.length;
    await eventually(() => terminal.stdout.length > shown);
    expect(terminal.stdout.subarray(shown).toString()).to.match(/6 done, .*; 2 in progress/);
    writeFileSync(ground.path('go'), '');
    expect(await ground.line('code')).to.equal('0');
  });

  it('a terminal shows a line of progress, and a summary at the end', async () => {
    await ground.push('a');
    const shown = await cli.terminal(`delayer drain ${TOPIC} --exec 'sleep 1; echo hello'`);
    expect(shown).to.match(/0 done, 0 to be retried, 0 dead; 1 in progress/);
    expect(shown).to.match(/\r\x1b\[Khello\r\n/);
    expect(shown).to.match(/delayer: 1 done in \d/);
  });
});

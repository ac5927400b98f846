import { expect } from 'chai';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Running, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';
import { isGone, pendingSignals } from './handlers.js';

interface Line {
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly pid: number;
  readonly message: string;
  readonly [field: string]: unknown;
}

describe('the log of serve', () => {
  const redis = useRedis();
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));
  const serve = async (...flags: string[]): Promise<Running> => {
    const daemon = cli.start(['serve', '--interval', '20ms', ...flags]);
    await daemon.says(/promoting due jobs/);
    return daemon;
  };
  const file = (name: string) => join(cli.home, name);
  const textOf = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '');
  const parsed = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  const ready = async (topic = 'topic') => redis.raw.llen(`${redis.prefix}:ready_queue:${topic}`);

  it('--log-format json writes a line of JSON for each event, to stderr and to the log files', async () => {
    const daemon = await serve('--log-format', 'json', '--log-level', 'debug', '--access-log', 'a.log');
    await (await cli.queue()).push({ topic: 'topic', body: 'the body' });
    await eventually(() => textOf('a.log').includes('maintained'));
    const { stderr } = await daemon.end();
    for (const lines of [parsed(stderr), parsed(textOf('a.log'))]) {
      expect(lines.map(({ event }) => event)).to.deep.equal(['ready', 'maintained', 'stopped']);
      expect(lines.every(({ time, pid }) => !Number.isNaN(Date.parse(time)) && pid === daemon.pid)).to.be
        .true;
      expect(lines[1]).to.include({ level: 'debug', promoted: 1, reclaimed: 0, expired: 0, deleted: 0 });
    }
    expect(stderr + textOf('a.log')).to.not.include('the body');
  });

  it('when nobody reads stderr, serve promotes and ends at once, and says later how many lines are missing', async () => {
    // The pipe is full from the start.
    const fill = 'dd if=/dev/zero of=/dev/fd/2 bs=4096 count=16 oflag=nonblock status=none';
    const start = (read: string) =>
      cli.startSh(
        `{ ${fill}; echo $BASHPID > pid; exec delayer serve --interval 20ms --log-format json; } 2>&1 >/dev/null | { until [ -e ${read} ]; do sleep 0.02; done; cat; }`,
      );
    const pid = () => Number(textOf('pid'));
    const isServing = async () => {
      const before = await ready();
      await (await cli.queue()).push({ topic: 'topic', body: 'b' });
      await eventually(async () => (await ready()) > before);
    };
    const daemon = start('read');
    await eventually(() => pid() > 0);
    await isServing();
    for (let i = 0; i < 2000; i += 1) {
      process.kill(pid(), 'SIGUSR1');
      await eventually(() => pendingSignals(pid()) === 0, { everyMs: 1 });
    }
    await isServing();
    writeFileSync(file('read'), '');
    await daemon.printsText(/the log stderr is written again; \d+ lines are missing/);
    process.kill(pid(), 'SIGTERM');
    await daemon.ended;
    rmSync(file('pid'));
    start('never');
    await eventually(() => pid() > 0);
    await isServing();
    process.kill(pid(), 'SIGTERM');
    await isGone(pid());
  });

  it('promotions are in the access log and not on stderr, and --log-level error leaves both empty', async () => {
    const daemon = await serve('--access-log', 'a.log');
    await (await cli.queue()).push({ topic: 'topic', body: 'b' });
    await eventually(() => /^\[debug\] .* promoted 1, /m.test(textOf('a.log')));
    expect((await daemon.end()).stderr).to.not.match(/^delayer: promoted/m);
    const quiet = cli.start(['serve', '--log-level', 'error', '--access-log', 'b.log']);
    await quiet.hearsSignals();
    await eventually(async () => (await redis.raw.zcard(`${redis.prefix}:daemons`)) > 0);
    expect((await quiet.end()).stderr).to.equal('');
    expect(textOf('b.log')).to.equal('');
  });

  it('control characters of a topic are escaped in text and JSON logs', async () => {
    const topic = 'x\u001b[2J\ny';
    const queue = await cli.queue();
    const retry = { retries: 0 };
    for (const [format, wanted] of [
      ['text', 'x\\x1b[2J\\ny'],
      ['json', '"topic":"x\\u001b[2J\\ny"'],
    ] as const) {
      await queue.push({ topic, body: 'b' });
      const { jobs } = await queue.reserve({ topics: [topic], limit: 1, leaseMs: 1, retry });
      expect(jobs).to.have.length(1);
      const daemon = await serve('--log-format', format, '--error-log', `${format}.log`);
      await daemon.says(/is a dead letter/);
      await daemon.end();
      await eventually(() => textOf(`${format}.log`).includes('is a dead letter'));
      expect(textOf(`${format}.log`)).to.include(wanted);
      expect(textOf(`${format}.log`)).to.not.include('\u001b');
    }
  });

  it('a log file that was moved or deleted is created again, at SIGHUP at once and otherwise at the next line', async () => {
    const daemon = await serve('--access-log', 'logs/a.log', '--error-log', 'logs/e.log');
    await eventually(() => textOf('logs/a.log') !== '');
    renameSync(file('logs/a.log'), file('logs/a.log.1'));
    renameSync(file('logs/e.log'), file('logs/e.log.1'));
    daemon.child.kill('SIGHUP');
    await eventually(() => textOf('logs/a.log').includes('reopened the log files'));
    expect(existsSync(file('logs/e.log'))).to.be.true;
    rmSync(file('logs'), { recursive: true });
    daemon.child.kill('SIGUSR1');
    await eventually(() => textOf('logs/a.log').includes('up for'));
    expect(await daemon.end()).to.include({ code: 0 });
  });

  it('SIGUSR1 logs a status line with the jobs promoted and whether the store answers', async () => {
    const daemon = await serve('--log-format', 'json');
    await (await cli.queue()).push({ topic: 'topic', body: 'b' });
    await eventually(async () => (await ready()) === 1);
    const statusLine = async () => {
      const before = daemon.stderr.length;
      daemon.child.kill('SIGUSR1');
      await eventually(() => daemon.stderr.slice(before).includes('"event":"status"'));
      return parsed(daemon.stderr).findLast(({ event }) => event === 'status');
    };
    await eventually(async () => (await statusLine())?.promoted === 1);
    expect(await statusLine()).to.include({ level: 'info', isReachable: true });
    await daemon.end();
    const away = cli.start(['serve'], { env: { DELAYER_STORE: 'redis://127.0.0.1:1' } });
    await away.says(/retrying/);
    away.child.kill('SIGUSR1');
    await away.says(/up for .*; the store has not answered yet: .*connection refused/);
    await away.end();
  });

  it('a log file or folder that cannot be written ends serve with 74 and its name', async () => {
    writeFileSync(file('plain'), '');
    mkdirSync(file('folder'));
    for (const [path, said] of [
      ['plain/logs/a.log', /The folder of the log plain\/logs\/a\.log cannot be made: /],
      ['folder', /The log folder cannot be written: EISDIR/],
      ['/proc/nosuch/a.log', /The folder of the log \/proc\/nosuch\/a\.log cannot be made: /],
    ] as const) {
      const outcome = await cli.run(['serve', '--access-log', path]);
      expect(outcome.stderr).to.match(said);
      expect(outcome.code).to.equal(74);
    }
  });

  it('a full log disk is reported once and does not delay promotion, and missing lines are counted when there is room', async () => {
    symlinkSync('/dev/full', file('a.log'));
    const daemon = await serve('--access-log', 'a.log', '--error-log', 'e.log');
    await eventually(() => textOf('e.log').includes('cannot write to the log a.log: ENOSPC'));
    await (await cli.queue()).push({ topic: 'topic', body: 'b' });
    await eventually(async () => (await ready()) === 1);
    daemon.child.kill('SIGUSR1');
    await daemon.says(/up for/);
    rmSync(file('a.log'));
    await eventually(() => {
      daemon.child.kill('SIGUSR1');
      return textOf('e.log').includes('a.log is written again;');
    });
    expect(textOf('e.log')).to.match(/a\.log is written again; \d+ lines? (is|are) missing$/m);
    expect(textOf('e.log').match(/ENOSPC/g)).to.have.length(1);
    expect(await daemon.end()).to.include({ code: 0 });
  });

  it('a closed stdout and a stderr without a reader do not delay promotion', async () => {
    const daemon = cli.startSh('exec delayer serve --interval 20ms --log-level debug >&- 2> >(true)');
    await (await cli.queue()).push({ topic: 'topic', body: 'b' });
    await eventually(async () => (await ready()) === 1);
    expect(await daemon.end()).to.include({ code: 0, signal: null });
  });

  it('the error that ends the daemon is in the error log and on stderr, in the format of the log', async () => {
    const env = { DELAYER_STORE: 'redis://127.0.0.1:1' };
    const outcome = await cli.run(['serve', '--no-wait', '--error-log', 'e.log', '--log-format', 'json'], {
      env,
    });
    expect(outcome.code).to.equal(69);
    for (const text of [outcome.stderr, textOf('e.log')])
      expect(parsed(text)[0]).to.include({ level: 'error', event: 'failed', code: 'store_unreachable' });
  });
});

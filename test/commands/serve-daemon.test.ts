import { expect } from 'chai';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { OriginalClient, OriginalDaemon } from '../interop/original.js';
import { useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';

describe('serve --daemon', () => {
  const redis = useRedis();
  // Runs before the hook that removes the home folder of the test.
  afterEach(() => {
    if (existsSync(pidFile())) process.kill(pid(), 'SIGKILL');
  });
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));
  const pidFile = () => join(cli.home, 'x.pid');
  const pid = () => Number(readFileSync(pidFile(), 'utf8'));
  const isThere = (process_: number) => {
    try {
      process.kill(process_, 0);
      return true;
    } catch {
      return false;
    }
  };
  /** A process whose parent has not waited for it is there, and has no command line any more. */
  const hasEnded = (process_: number) =>
    !isThere(process_) || readFileSync(`/proc/${process_}/cmdline`).length === 0;
  const end = async () => {
    const daemon = pid();
    process.kill(daemon, 'SIGTERM');
    await eventually(() => !existsSync(pidFile()));
    // It writes its last line to the log after that.
    await eventually(() => hasEnded(daemon));
  };
  const ofProcess = (name: string) => readFileSync(`/proc/${pid()}/${name}`, 'utf8');

  it('exits with 0 when the daemon is up, which has its own session, no terminal and /dev/null as stdin, stdout and stderr', async () => {
    const outcome = await cli.run([
      'serve',
      '-d',
      '--pid-file',
      'x.pid',
      '--access-log',
      'a.log',
      '--interval',
      '40ms',
    ]);
    expect(outcome).to.include({ code: 0, stderr: '' });
    expect(outcome.stdout).to.be.empty;
    const [, , , session, terminal] = ofProcess('stat')
      .slice(ofProcess('stat').lastIndexOf(')') + 1)
      .split(' ');
    expect([session, terminal]).to.deep.equal([`${pid()}`, `${pid()}`]);
    for (const fd of [0, 1, 2]) expect(readlinkSync(`/proc/${pid()}/fd/${fd}`)).to.equal('/dev/null');
    expect(ofProcess('cmdline').split('\0').slice(2, -1)).to.deep.equal(
      'serve -d --pid-file x.pid --access-log a.log --interval 40ms'.split(' '),
    );
    expect(readlinkSync(`/proc/${pid()}/cwd`)).to.equal(cli.home);
    expect(ofProcess('environ')).to.include('DELAYER_STORE');
    await eventually(() => readFileSync(join(cli.home, 'a.log'), 'utf8').includes('every 40 ms'));
    await (await cli.queue()).push({ topic: 'topic', body: 'b' });
    await eventually(async () => (await redis.raw.llen(`${redis.prefix}:ready_queue:topic`)) === 1);
    await end();
  });

  it('is also started by delayer -d with the configuration file of the original daemon', async () => {
    writeFileSync(
      join(cli.home, 'delayer.conf'),
      `[delayer]\npid = x.pid\naccess_log = logs/access.log\n[redis]\nport = ${redis.server.port}\nmax_idle = 2\n`,
    );
    const outcome = await cli.run(['-d']);
    expect(outcome.code).to.equal(0);
    expect(outcome.stderr).to.match(/^delayer: delayer\.conf: max_idle is ignored: [^\n]*\n$/);
    await eventually(() =>
      readFileSync(join(cli.home, 'logs/access.log'), 'utf8').includes('promoting due jobs'),
    );
    const second = await cli.run(['-c', 'delayer.conf', '-d']);
    expect(second.code).to.equal(69);
    expect(second.stderr).to.match(
      new RegExp(`\ndelayer: The daemon is already running: process ${pid()} has `),
    );
    await end();
  });

  it('says why a start has failed, and exits with the code of the daemon', async () => {
    writeFileSync(join(cli.home, 'plain'), '');
    writeFileSync(join(cli.home, 'bad.conf'), '[delayer\n');
    const away = ['--store', 'redis://127.0.0.1:1', '--no-wait'];
    for (const [args, code, said] of [
      [['-c', 'bad.conf'], 78, /bad\.conf:1: /],
      [['--access-log', 'plain/logs/a.log'], 74, /The folder of the log plain\/logs\/a\.log cannot be made/],
      [['--pid-file', 'nosuch/x.pid'], 74, /nosuch\/x\.pid\.lock, cannot be written/],
      [away, 69, /^delayer: redis:\/\/127\.0\.0\.1:1\/0 cannot be reached: [^\n]*\n$/],
      [['--once'], 2, /--daemon and --once cannot be used together/],
    ] as const) {
      const outcome = await cli.run(['serve', '-d', ...args]);
      expect(outcome.stderr).to.match(said);
      expect(outcome.code).to.equal(code);
    }
  });

  it('that the system gives no process says which limit it met, and exits with 69', async () => {
    let refused = '';
    // With the fewest files Node itself does not start; how many it needs depends on its version.
    for (let limit = 14; !refused.startsWith('delayer: '); limit += 1) {
      const { code, stderr } = await cli.sh(`ulimit -n ${limit}; exec delayer serve -d --pid-file x.pid`);
      refused = stderr;
      if (refused.startsWith('delayer: ')) expect(code, stderr).to.equal(69);
      expect(code, `with ${limit}`).to.not.equal(0);
    }
    expect(refused).to.equal(
      'delayer: the daemon cannot be started: too many open files in this process (EMFILE). Raise its limit (ulimit -n).\n',
    );
  });

  it('exits with 0 and a warning when the store is away, and the daemon keeps trying', async () => {
    const outcome = await cli.run(['serve', '-d', '--pid-file', 'x.pid', '--store', 'redis://127.0.0.1:1']);
    expect(outcome.code).to.equal(0);
    expect(outcome.stderr).to.match(/^delayer: [^\n]*connection refused[^\n]*; retrying until it works\n$/);
    expect(isThere(pid())).to.be.true;
    await end();
  });

  it('SIGINT during a slow start ends both the daemon and the command', async () => {
    redis.server.freeze();
    try {
      const waiting = cli.start(['serve', '-d', '--pid-file', 'x.pid']);
      await eventually(() => existsSync(pidFile()));
      const daemon = pid();
      const { code, stderr } = await waiting.end('SIGINT');
      expect(stderr).to.match(/the daemon ended before it was up: exit code 0/);
      expect(code).to.equal(69);
      await eventually(() => hasEnded(daemon));
    } finally {
      redis.server.thaw();
    }
  });

  it('replaces the original daemon and is replaced by it, while original clients push and pop, and no job is lost', async () => {
    const raw = redis.server.client();
    const [client, original] = [new OriginalClient(raw, redis.prefix), new OriginalDaemon(raw, redis.prefix)];
    const got: string[] = [];
    const popAll = async () => {
      for (let job = await client.pop('topic'); job; job = await client.pop('topic'))
        got.push(job.id.toString());
    };
    const push = async (...ids: string[]) => {
      for (const id of ids) expect(await client.push(id, 'topic', 'b', 0)).to.be.true;
    };
    // A process with its name has the pid file, and the test does its work.
    const binary = join(cli.home, 'bin', 'original', 'delayer');
    mkdirSync(dirname(binary));
    copyFileSync('/bin/sleep', binary);
    chmodSync(binary, 0o755);
    const running = cli.startSh(`exec ${binary} 600`);
    await eventually(() => readFileSync(`/proc/${running.pid}/comm`, 'utf8') === 'delayer\n');
    writeFileSync(pidFile(), `${running.pid}`);
    writeFileSync(
      join(cli.home, 'delayer.conf'),
      `[delayer]\npid = x.pid\ntimer_interval = 20\n[redis]\nport = ${redis.server.port}\n`,
    );
    const start = () => cli.run(['-c', 'delayer.conf', '-d']);

    await push('1', '2');
    await original.tick();
    const refused = await start();
    expect(refused.code).to.equal(69);
    expect(refused.stderr).to.include(`belongs to process ${running.pid} (delayer), which is running`);
    await popAll();
    expect(got.sort()).to.deep.equal(['1', '2']);

    await running.end();
    await push('3', '4');
    expect(await start()).to.include({ code: 0, stderr: '' });
    await push('5');
    await eventually(async () => {
      await popAll();
      return got.length === 5;
    });
    expect(got).to.deep.equal(['1', '2', '3', '4', '5']);

    await end();
    await push('6');
    await original.tick();
    await popAll();
    expect(got).to.deep.equal(['1', '2', '3', '4', '5', '6']);
  });
});

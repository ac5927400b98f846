import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';

const UNITS = fileURLToPath(new URL('../../contrib/systemd', import.meta.url));

describe('serve under systemd', () => {
  const redis = useRedis();
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.tcpUrl, DELAYER_PREFIX: redis.prefix }));
  const told = () => {
    const file = join(cli.home, 'told');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  };
  /** Installs a systemd-notify that writes its arguments to a file, a line for each call. */
  const installNotify = (script = 'printf "%s|" "$@" >>"$HOME/told"; echo >>"$HOME/told"') => {
    writeFileSync(join(cli.home, 'bin', 'systemd-notify'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  const promoted = async () => {
    const raw = redis.server.client();
    await eventually(async () => (await raw.zcard(`${redis.prefix}:job_pool`)) === 0);
  };
  const SOCKET = { NOTIFY_SOCKET: '/nosuch' };
  const WORK = /^READY=1\|STATUS=promoting due jobs in .*\|$/;

  it('reports READY=1 when the store has answered, and until then a status with the reason', async () => {
    installNotify();
    await redis.server.kill();
    const daemon = cli.start(['serve'], { env: SOCKET });
    await eventually(() => told().length === 1);
    expect(told()[0]).to.match(/^STATUS=waiting: .*connection refused.*\|$/);
    await redis.server.restart();
    await eventually(() => told().length === 3);
    expect(told()[1]).to.match(WORK);
    expect(told()[2]).to.match(/^STATUS=promoting/);
    expect(await daemon.end()).to.include({ code: 0 });
    await eventually(() => told().at(-1) === 'STOPPING=1|');
  });

  it('feeds the watchdog from the promotion loop, at any interval, and stops while the loop is blocked', async () => {
    installNotify();
    const env = { ...SOCKET, WATCHDOG_USEC: '300000' };
    const daemon = cli.start(['serve', '--interval', '1h'], { env });
    const fed = () => told().filter((line) => line === 'WATCHDOG=1|').length;
    await eventually(() => fed() >= 3);
    redis.server.freeze();
    try {
      // A request under way may still be answered; only a wait can show that no other report follows.
      const before = fed() + 1;
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(fed()).to.be.at.most(before);
    } finally {
      redis.server.thaw();
    }
    await eventually(() => fed() >= 6);
    await daemon.end();
  });

  it('does not feed the watchdog of another process, and sends nothing without NOTIFY_SOCKET', async () => {
    installNotify();
    const env = { ...SOCKET, WATCHDOG_USEC: '30000', WATCHDOG_PID: '1' };
    for (const given of [env, {}]) {
      const daemon = cli.start(['serve', '--interval', '10ms'], { env: given });
      await daemon.says(/promoting due jobs/);
      await (await cli.queue()).push({ id: `${told().length}`, topic: 'topic', body: 'b' });
      await promoted();
      await daemon.end();
    }
    await eventually(() => told().length === 2);
    expect(told()[0]).to.match(WORK);
    expect(told()[1]).to.equal('STOPPING=1|');
  });

  it('works on when systemd-notify fails, and says so once', async () => {
    installNotify('exit 1');
    const daemon = cli.start(['serve', '--interval', '10ms'], { env: { ...SOCKET, WATCHDOG_USEC: '30000' } });
    await daemon.says(/cannot report to systemd through systemd-notify: it ended with exit code 1/);
    await (await cli.queue()).push({ topic: 'topic', body: 'b' });
    await promoted();
    const { stderr, code } = await daemon.end();
    expect(code).to.equal(0);
    expect(stderr.match(/cannot report to systemd/g)).to.have.length(1);
  });

  it('reaches a socket through the real systemd-notify', async () => {
    const socket = join(cli.home, 'notify.sock');
    const script =
      'use Socket; socket(S, PF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un($ARGV[0])) or die; $| = 1; while (recv(S, my $text, 4096, 0), 1) { print "$text\\n" }';
    const receiver = spawn('perl', ['-e', script, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let received = '';
      receiver.stdout.on('data', (text) => (received += String(text)));
      await eventually(() => existsSync(socket));
      const daemon = cli.start(['serve'], { env: { NOTIFY_SOCKET: socket } });
      await eventually(() => /^READY=1$/m.test(received) && /^STATUS=promoting/m.test(received));
      await daemon.end();
      await eventually(() => /^STOPPING=1$/m.test(received));
    } finally {
      receiver.kill();
      await once(receiver, 'exit');
    }
  });

  it('has units in contrib/systemd that systemd-analyze verify accepts', async () => {
    const folder = join(cli.home, 'units');
    mkdirSync(folder);
    for (const name of readdirSync(UNITS)) {
      const text = readFileSync(join(UNITS, name), 'utf8');
      expect(text).to.not.match(/ExecStart=(?!\/usr\/local\/bin\/delayer )/);
      const here = text
        .replace('/usr/local/bin/delayer', join(cli.home, 'bin', 'delayer'))
        .replace('/etc/delayer/handlers/%I', '/bin/true');
      writeFileSync(join(folder, name.replace('@.', '@topic.')), here);
    }
    const outcome = await cli.sh('systemd-analyze verify --man=no *', { cwd: folder });
    expect(outcome.stderr).to.equal('');
    expect(outcome.code).to.equal(0);
  });

  it('has units in contrib/systemd that start after Redis; those that last are restarted without a limit', () => {
    for (const name of readdirSync(UNITS).filter((file) => file.endsWith('.service'))) {
      const lines = readFileSync(join(UNITS, name), 'utf8').split('\n');
      const after = lines.find((line) => line.startsWith('After=')) ?? '';
      expect(after, name)
        .to.match(/ redis-server\.service\b/)
        .and.to.match(/ redis\.service\b/);
      if (lines.includes('Type=oneshot')) continue;
      expect(lines, name).to.include.members(['Restart=always', 'StartLimitIntervalSec=0']);
    }
  });

  it('has units in contrib/systemd whose commands run', async () => {
    writeFileSync(join(cli.home, 'handler'), '#!/bin/sh\ncat >>"$HOME/done"\n', { mode: 0o755 });
    await (await cli.queue()).push({ topic: 'topic', body: 'b' });
    const commands = readdirSync(UNITS).flatMap(
      (name) => /^ExecStart=(.*)$/m.exec(readFileSync(join(UNITS, name), 'utf8'))?.[1] ?? [],
    );
    expect(commands).to.have.length(4);
    for (const command of commands) {
      const here = command
        .replace('/usr/local/bin/delayer', 'delayer')
        .replace('/etc/delayer/handlers/%I', join(cli.home, 'handler'))
        .replaceAll('%I', 'topic');
      const isLasting = / serve$|--follow/.test(command);
      const running = cli.startSh(`exec ${here}`);
      if (isLasting) {
        await running.hearsSignals();
        await running.end();
      } else expect(await running.ended).to.include({ code: 0, stderr: '' });
    }
    expect(readFileSync(join(cli.home, 'done'), 'utf8')).to.equal('b');
  });
});

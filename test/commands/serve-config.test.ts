import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';

describe('serve -c with the configuration of the original daemon', () => {
  const redis = useRedis();
  const cli = useCli(() => ({ DELAYER_PREFIX: redis.prefix }));
  const configure = (text: string) => {
    writeFileSync(join(cli.home, 'delayer.conf'), text);
  };
  /** The file as the original ships it, but for the server of the test. */
  const shipped = () => `[delayer]
pid =                           ; not for one alone
timer_interval = 700            ; milliseconds
access_log = logs/access.log    ; what goes well
error_log = logs/error.log      ; what does not

[redis]
host = 127.0.0.1                ; the address
port = ${redis.server.port}     ; the port
database = 3
password =                      ; none
max_idle = 2
max_active = 20
idle_timeout = 3600
conn_max_lifetime = 3600
`;
  const textOf = (...path: string[]) => readFileSync(join(cli.home, ...path), 'utf8');

  it('applies every key or reports that it changes nothing, and resolves paths in the working directory', async () => {
    configure(shipped());
    const daemon = cli.start(['serve', '-c', 'delayer.conf']);
    await daemon.says(/promoting due jobs/);
    expect(daemon.stderr.split('\n')[0]).to.equal(
      'delayer: delayer.conf: max_idle, max_active, idle_timeout, conn_max_lifetime are ignored: this daemon has two connections to Redis, and keeps them',
    );
    expect(daemon.stderr).to.include(
      `redis://127.0.0.1:${redis.server.port}/3, looking at least every 700 ms`,
    );
    expect(await daemon.end()).to.include({ code: 0 });
    expect(textOf('logs', 'access.log')).to.match(
      /^\[info\] \S+Z \d+ promoting due jobs.*\n\[info\] .* stopped;/,
    );
    expect(textOf('logs', 'error.log')).to.match(/^\[warn\] \S+Z \d+ delayer\.conf: max_idle.*\n$/);
  });

  it('prefers flags to the file, and the file to the environment', async () => {
    configure(shipped());
    const flags = ['--interval', '50ms', '--store', redis.server.url, '--access-log', 'other.log'];
    const byFlags = cli.start(['serve', '-c', 'delayer.conf', ...flags]);
    await byFlags.says(/every 50 ms/);
    expect(byFlags.stderr).to.include(`${redis.server.url}?db=0`);
    await byFlags.end();
    expect(textOf('other.log')).to.include('promoting');
    const byFile = cli.start(['serve', '-c', 'delayer.conf'], { env: { DELAYER_STORE: 'sqlite:q.db' } });
    await byFile.says(/promoting due jobs in redis:/);
    await byFile.end();
  });

  it('logs in with the password of the file, and does not print it', async () => {
    const raw = redis.server.client();
    await raw.config('SET', 'requirepass', 's;cret#');
    try {
      configure(`[redis]\nport = ${redis.server.port}\npassword = \`s;cret#\`\n`);
      const daemon = cli.start([
        'serve',
        '-c',
        'delayer.conf',
        '--log-level',
        'debug',
        '--log-format',
        'text',
      ]);
      await daemon.says(/promoting due jobs/);
      expect((await daemon.end()).stderr).to.not.include('cret');
    } finally {
      await raw.config('SET', 'requirepass', '');
    }
  });

  it('also runs as delayer -c FILE, as the original did, and exits with 0 at SIGQUIT', async () => {
    configure(shipped());
    const daemon = cli.start(['-c', 'delayer.conf']);
    await daemon.says(/promoting due jobs/);
    expect(await daemon.end('SIGQUIT')).to.include({ code: 0, signal: null });
  });

  it('reports an unknown key with its line, and ignores it', async () => {
    configure(
      `tick = 1\n[redis]\nport = ${redis.server.port}\n[constructor]\nhost = x\n[delayer]\ntimer = 2\n`,
    );
    const daemon = cli.start(['serve', '-c', 'delayer.conf']);
    await daemon.says(/promoting due jobs/);
    expect(daemon.stderr.split('\n').slice(0, 3)).to.deep.equal([
      'delayer: delayer.conf:1: unknown key "tick" before the first section; it is ignored',
      'delayer: delayer.conf:5: unknown key "host" in [constructor]; it is ignored',
      'delayer: delayer.conf:7: unknown key "timer" in [delayer]; it is ignored',
    ]);
    await daemon.end();
  });

  it('exits with 78 for a missing file or a wrong line, and names it', async () => {
    for (const [text, said] of [
      [undefined, /nosuch\.conf cannot be read: ENOENT/],
      ['[redis\n', /delayer\.conf:1: a section that does not end/],
      [
        '[delayer]\n\ntimer_interval = 1s\n',
        /delayer\.conf:3: timer_interval is "1s", not a whole number from 1/,
      ],
      ['[redis]\nport = 70000\n', /delayer\.conf:2: port is "70000", not a whole number from 1 to 65535/],
      ['[redis]\nhost = a b\n', /delayer\.conf:2: host is "a b", neither the name nor the address/],
      [
        '[redis]\nhost = 127.0.0.1:7911\n',
        /delayer\.conf:2: host is "127\.0\.0\.1:7911", neither .*\. Write .*alone, and the port .* as port = PORT\.$/m,
      ],
      ['[redis]\nhost = fe80::1%eth0\n', /delayer\.conf:2: host is "fe80::1%eth0", neither/],
    ] as const) {
      if (text !== undefined) configure(text);
      const file = text === undefined ? 'nosuch.conf' : 'delayer.conf';
      const outcome = await cli.run(['serve', '-c', file]);
      expect(outcome.stderr).to.match(said);
      expect(outcome.code).to.equal(78);
    }
  });

  it('reads the configuration from a FIFO and from <(…), and exits with 0 at a signal while a FIFO has no writer', async () => {
    configure(shipped());
    const { code, stderr } = await cli.sh(
      'mkfifo fifo; delayer serve -c <(sleep 0.2; cat delayer.conf) --once',
    );
    expect([code, stderr]).to.deep.equal([
      0,
      (await cli.sh('delayer serve -c delayer.conf --once')).stderr.replaceAll(
        'delayer.conf:',
        '/dev/fd/63:',
      ),
    ]);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
      const waiting = cli.start(['serve', '-c', 'fifo', '--once']);
      await waiting.hearsSignals();
      waiting.child.kill(signal);
      expect(await waiting.endsByItself()).to.include({ code: 0, signal: null, stderr: '' });
    }
    const fed = cli.start(['serve', '-c', 'fifo']);
    await fed.hearsSignals();
    await cli.sh('cat delayer.conf > fifo');
    await fed.says(/promoting due jobs/);
    expect(await fed.end()).to.include({ code: 0 });
  });

  it('accepts an IPv6 address without brackets', async () => {
    configure('[redis]\nhost = ::1\nport = 1\n');
    const outcome = await cli.run(['serve', '-c', 'delayer.conf', '--no-wait']);
    expect(outcome).to.include({ code: 69 });
    expect(outcome.stderr).to.include('redis://[::1]:1/0 cannot be reached');
  });

  it('uses the store of other commands when the file has no key of [redis]', async () => {
    configure('[delayer]\ntimer_interval = 50\n');
    const daemon = cli.start(['serve', '-c', 'delayer.conf'], { env: { DELAYER_STORE: redis.server.url } });
    await daemon.says(/promoting due jobs in redis\+unix:.*every 50 ms/);
    await eventually(async () => (await redis.raw.zcard(`${redis.prefix}:daemons`)) > 0);
    await daemon.end();
  });
});

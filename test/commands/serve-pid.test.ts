import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { type Running, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';

describe('the pid file of serve', () => {
  const redis = useRedis();
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));
  const path = () => join(cli.home, 'x.pid');
  const held = () => readFileSync(path(), 'utf8');
  const serve = async (): Promise<Running> => {
    const daemon = cli.start(['serve', '--pid-file', path()]);
    await daemon.says(/promoting due jobs/);
    return daemon;
  };
  const refused = async (said: RegExp) => {
    const outcome = await cli.run(['serve', '--pid-file', path()]);
    expect(outcome.stderr).to.match(said);
    expect(outcome.code).to.equal(69);
  };

  it('contains only the process id while the daemon runs, and is removed at the end', async () => {
    const daemon = await serve();
    expect(held()).to.equal(`${daemon.pid}`);
    expect(await daemon.end()).to.include({ code: 0 });
    expect(existsSync(path())).to.be.false;
  });

  it('makes a second start exit with 69 and name the running daemon', async () => {
    const daemon = await serve();
    await refused(
      new RegExp(`^delayer: The daemon is already running: process ${daemon.pid} has the pid file .*x\\.pid`),
    );
    expect(held()).to.equal(`${daemon.pid}`);
  });

  it('lets one of three daemons run that start at once, and the others exit with 69', async () => {
    const all = [1, 2, 3].map(() => cli.start(['serve', '--pid-file', path()]));
    const others: number[] = [];
    for (const one of all) void one.ended.then(({ code }) => others.push(code ?? -1));
    await eventually(() => others.length === 2);
    expect(others).to.deep.equal([69, 69]);
    const left = all.find((one) => one.child.exitCode === null);
    await left?.says(/promoting due jobs/);
    expect(held()).to.equal(`${left?.pid ?? 0}`);
  });

  it('is written behind a symbolic link, and is the same under both names', async () => {
    const target = `${path()}.target`;
    symlinkSync(basename(target), path());
    const daemon = await serve();
    expect(lstatSync(path()).isSymbolicLink()).to.be.true;
    expect(readFileSync(target, 'utf8').trim()).to.equal(`${daemon.pid}`);
    const second = await cli.run(['serve', '--pid-file', target]);
    expect(second.code).to.equal(69);
  });

  it('is taken over when a killed daemon left it behind', async () => {
    const killed = await serve();
    await killed.end('SIGKILL');
    expect(held()).to.equal(`${killed.pid}`);
    const daemon = await serve();
    expect(daemon.stderr).to.match(new RegExp(`was left behind by process ${killed.pid}, and is taken over`));
    expect(held()).to.equal(`${daemon.pid}`);
  });

  it('is taken over when its process id belongs to a process that began after the file was written', async () => {
    const other = cli.startSh('exec sleep 600');
    writeFileSync(path(), `${other.pid}\n`);
    utimesSync(path(), 1e9, 1e9);
    const daemon = await serve();
    expect(held()).to.equal(`${daemon.pid}`);
    expect(other.child.exitCode).to.equal(null);
  });

  it('is not taken over from another running program, which the error names', async () => {
    const other = cli.startSh('exec sleep 600');
    await eventually(() => readFileSync(`/proc/${other.pid}/comm`, 'utf8') === 'sleep\n');
    writeFileSync(path(), `${other.pid}\n`);
    await refused(
      new RegExp(`belongs to process ${other.pid} \\(sleep\\), which is running and is not delayer serve`),
    );
    expect(held()).to.equal(`${other.pid}\n`);
  });

  it('is refused when the file has other content than a number, and replaces an empty file', async () => {
    writeFileSync(path(), 'root:x:0:0\n');
    await refused(/is not a pid file: it does not hold the number of a process/);
    expect(held()).to.equal('root:x:0:0\n');
    // As a process id, 0 stands for the group of the process that asks.
    writeFileSync(path(), '0');
    await refused(/is not a pid file: it does not hold the number of a process/);
    writeFileSync(path(), '');
    const daemon = await serve();
    expect(held()).to.equal(`${daemon.pid}`);
  });

  it('that is a FIFO is refused, and stays one', async () => {
    execFileSync('mkfifo', [path()]);
    await refused(/is not a pid file: it is no regular file/);
    expect(statSync(path()).isFIFO()).to.be.true;
  });

  it('is not removed at the end when it contains another number by then', async () => {
    const daemon = await serve();
    writeFileSync(path(), '1');
    await daemon.end();
    expect(held()).to.equal('1');
  });

  it('is removed when the start fails, and serve exits with 74 when it cannot be written', async () => {
    const env = { DELAYER_STORE: 'redis://127.0.0.1:1' };
    expect(await cli.run(['serve', '--no-wait', '--pid-file', path()], { env })).to.include({ code: 69 });
    expect(existsSync(path())).to.be.false;
    mkdirSync(join(cli.home, 'folder'));
    for (const [file, said] of [
      ['nosuch/x.pid', /The lock of the pid file, nosuch\/x\.pid\.lock, cannot be written: ENOENT/],
      ['folder', /The pid file folder cannot be written: EISDIR/],
      ['x'.repeat(300), /The lock of the pid file, x+\.lock, cannot be written: /],
    ] as const) {
      const outcome = await cli.run(['serve', '--pid-file', file]);
      expect(outcome.stderr).to.match(said);
      expect(outcome.code).to.equal(74);
    }
  });

  it('has a lock file that only this user can read, because a reader could block the next start', async () => {
    await serve();
    expect(statSync(`${path()}.lock`).mode & 0o777).to.equal(0o600);
  });
});

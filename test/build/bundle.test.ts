import { expect } from 'chai';
import type * as IoRedis from 'ioredis';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../src/commands/index.js';
import { expectQuiet, useCli } from '../support/cli.js';
import { bundledModules, digestOf, partNames } from './bundle.js';
import { startServers } from './redis-servers.js';
import { ROOT, runScript, usePackageRoot } from './package-root.js';

describe('the bundle', () => {
  const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${join(home, 'queue.db')}` }));

  it('has every module that its modules require: each of them loads', () => {
    const modules = bundledModules();
    expect(modules.length).to.be.greaterThan(200);
    for (const { path, load } of modules) expect(load, path).not.to.throw();
  });

  it('has every Redis command, for text and for bytes', () => {
    const ioredis = moduleAt('node_modules/ioredis/built/index.js') as typeof IoRedis;
    const all = JSON.parse(
      readFileSync(join(ROOT, 'node_modules/@ioredis/commands/built/commands.json'), 'utf8'),
    ) as object;
    const redis = new ioredis.Redis({ lazyConnect: true }) as unknown as Record<string, unknown>;
    for (const name of Object.keys(all)) {
      expect(redis[name], name).to.be.a('function');
      if (name !== 'monitor') expect(redis[`${name}Buffer`], name).to.be.a('function');
    }
  });

  it('can use a Cluster, and find the master through a Sentinel', async () => {
    const { Cluster, Redis } = moduleAt('node_modules/ioredis/built/index.js') as typeof IoRedis;
    const servers = await startServers(cli.home);
    const cluster = new Cluster([{ host: '127.0.0.1', port: servers.node }]);
    const sentinel = { host: '127.0.0.1', port: servers.sentinel };
    const master = new Redis({ name: 'main', sentinels: [sentinel], role: 'master' });
    try {
      expect(await cluster.set('key', 'value')).to.equal('OK');
      expect((await cluster.getBuffer('key'))?.toString()).to.equal('value');
      expect(await master.call('ROLE')).to.include('master');
    } finally {
      cluster.disconnect();
      master.disconnect();
      servers.stop();
    }
  });

  for (const name of Object.keys(COMMANDS)) {
    it(`shows the help of ${name}`, async () => {
      const { stdout } = expectQuiet(await cli.run([name, '--help']));
      expect(stdout.toString()).to.include(`delayer ${name}`);
    });
  }

  it('shows the version and the help of all commands', async () => {
    expect(expectQuiet(await cli.run(['--version'])).stdout.toString()).to.match(/^delayer-cli\/\d/);
    expect(expectQuiet(await cli.run(['--help'])).stdout.toString()).to.include('COMMANDS');
  });

  it('shows lines of the source with --debug only', async () => {
    const args = ['pop', 'topic', '--store', 'sqlite:/dev/null/queue.db'];
    const { stderr } = await cli.run([...args, '--debug']);
    const [, file = '', line = ''] = /\((\S+\/src\/commands\/pop\.ts):(\d+):\d+\)/.exec(stderr) ?? [];
    expect(readFileSync(file, 'utf8').split('\n')[Number(line) - 1]).to.include('withQueue');
    expect((await cli.run(args)).stderr).not.to.include('.ts:');
  });

  it('removes the compiled code of another build', async () => {
    const env = { XDG_CACHE_HOME: join(cli.home, 'cache') };
    const folder = join(cli.home, 'cache', 'delayer');
    mkdirSync(folder, { recursive: true });
    const fileOf = (part: string, digest: string) =>
      `${part}-pop-${process.version}-${process.arch}-${digest}.v8`;
    for (const part of partNames()) writeFileSync(join(folder, fileOf(part, '0')), '');
    await cli.run(['pop', 'topic'], { env });
    const kept = partNames().map((part) =>
      fileOf(part, ['main', 'sqlite'].includes(part) ? digestOf(part) : '0'),
    );
    expect(readdirSync(folder).sort()).to.deep.equal(kept.sort());
  });

  function moduleAt(path: string): unknown {
    return bundledModules()
      .find((one) => one.path === path)
      ?.load();
  }
});

describe('the build of the bundle', () => {
  const root = usePackageRoot();

  it('fails if a module is used that the bundle does not have', () => {
    root.write('src/main.ts', "try { require('not-there'); } catch { /* it does without */ }\n");
    const { code, said } = runScript(
      'bundle.mjs',
      join(root.path, 'src/main.ts'),
      join(root.path, 'program'),
    );
    expect(code).to.equal(1);
    // It ends by this, and not by an exception in what comes after it.
    expect(
      said
        .trimEnd()
        .split('\n')
        .every((line) => line.startsWith('scripts/bundle.mjs: ')),
    ).to.be.true;
    expect(said).to.include('not-there is used and not in the bundle');
    expect(said).to.match(/the edit of .*Commander.* edits nothing/);
  });
});

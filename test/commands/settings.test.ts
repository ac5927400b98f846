import { expect } from 'chai';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectQuiet, linesOf, useCli } from '../support/cli.js';
import { useRedis } from '../support/redis.js';

describe('settings', () => {
  const cli = useCli();

  const configure = (config: unknown) => {
    mkdirSync(join(cli.home, 'config', 'delayer'), { recursive: true });
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    writeFileSync(join(cli.home, 'config', 'delayer', 'config.json'), text);
  };
  const storeAt = (name: string) => `sqlite:${join(cli.home, name)}`;
  /** The name of the file into which `push` with these arguments writes. */
  const landsIn = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> => {
    expect((await cli.run(['push', 'topic', 'b', ...args], { env })).code).to.equal(0);
    const found = await cli.sh('find . -name "*.db" -printf "%f\\n"');
    return linesOf(found).join();
  };

  describe('choosing the store', () => {
    it('the store is chosen by --store before DELAYER_STORE and the config file', async () => {
      configure({ store: storeAt('config.db') });
      const env = { DELAYER_STORE: storeAt('env.db') };
      expect(await landsIn(['--store', storeAt('flag.db')], env)).to.equal('flag.db');
    });

    it('the store is chosen by DELAYER_STORE before the config file', async () => {
      configure({ store: storeAt('config.db') });
      expect(await landsIn([], { DELAYER_STORE: storeAt('env.db') })).to.equal('env.db');
    });

    it('the store is chosen by the config file before the embedded default', async () => {
      configure({ store: storeAt('config.db') });
      expect(await landsIn([], { DELAYER_STORE: '' })).to.equal('config.db');
    });

    it('the store is chosen by --store before --context, and by --context before DELAYER_STORE', async () => {
      configure({ contexts: { test: { store: storeAt('context.db') } } });
      const env = { DELAYER_STORE: storeAt('env.db') };
      const given = ['--context', 'test'];
      expect(await landsIn([...given, '--store', storeAt('flag.db')], env)).to.equal('flag.db');
      rmSync(join(cli.home, 'flag.db'));
      expect(await landsIn(given, env)).to.equal('context.db');
    });

    it('the store is chosen by DELAYER_STORE before the context that the config file chooses, and by this before its store', async () => {
      const contexts = { test: { store: storeAt('context.db') } };
      configure({ store: storeAt('config.db'), context: 'test', contexts });
      expect(await landsIn([], { DELAYER_STORE: storeAt('env.db') })).to.equal('env.db');
      rmSync(join(cli.home, 'env.db'));
      expect(await landsIn([], {})).to.equal('context.db');
    });

    it('--context may stand before the command', async () => {
      configure({ contexts: { test: { store: storeAt('context.db') } } });
      expectQuiet(await cli.run(['--context', 'test', 'push', 'topic', 'b']));
      expect(linesOf(await cli.sh('ls *.db'))).to.deep.equal(['context.db']);
    });

    it('an unknown context ends the command with 2 and names the nearest', async () => {
      configure({ contexts: { prod: { store: storeAt('context.db') } } });
      const outcome = await cli.run(['push', 'topic', 'b', '--context', 'prdo']);
      expect([outcome.code, outcome.stdout.toString()]).to.deep.equal([2, '']);
      expect(outcome.stderr).to.equal(
        'delayer: unknown context "prdo". Did you mean prod? The contexts are prod.\n',
      );
    });

    it('the store is chosen by --store before the command', async () => {
      const outcome = await cli.run(['--store', storeAt('flag.db'), '--json', 'push', 'topic', 'b']);
      expect(outcome.code).to.equal(0);
      expect(linesOf(await cli.sh('ls *.db'))).to.deep.equal(['flag.db']);
    });

    it('a relative path in the config file starts in the folder of that file', async () => {
      configure('\ufeff' + JSON.stringify({ store: 'sqlite:beside.db' }));
      expectQuiet(await cli.run(['push', 'topic', 'b'], { cwd: '/' }));
      expect(statSync(join(cli.home, 'config', 'delayer', 'beside.db')).isFile()).to.be.true;
    });

    it('a named store is used when the config folder cannot be read', async () => {
      for (const home of ['/dev/null', '/nonexistent']) {
        const env = { HOME: home, XDG_CONFIG_HOME: '' };
        expect(await landsIn(['--store', storeAt('named.db')], env)).to.equal('named.db');
        expectQuiet(await cli.run(['--version'], { env }));
      }
    });

    it('the store is chosen by a config file that DELAYER_CONFIG names', async () => {
      writeFileSync(join(cli.home, 'other.json'), JSON.stringify({ store: storeAt('other.db') }));
      expect(await landsIn([], { DELAYER_CONFIG: join(cli.home, 'other.json') })).to.equal('other.db');
    });

    it('when the store of DELAYER_STORE or the config file fails, no other store is used', async () => {
      configure({ store: 'redis://127.0.0.1:1' });
      expect((await cli.run(['push', 'topic', 'b'])).code).to.equal(69);
      configure({ store: storeAt('config.db') });
      const env = { DELAYER_STORE: 'redis://127.0.0.1:1' };
      expect((await cli.run(['push', 'topic', 'b'], { env })).code).to.equal(69);
      expect(linesOf(await cli.sh('find . -name "*.db"'))).to.deep.equal([]);
    });
  });

  describe('with no store named', () => {
    it('the embedded store is created at first use, for this user only', async () => {
      const first = expectQuiet(await cli.run(['push', 'topic', 'b', '--id', 'a']));
      expect(first.stdout.toString()).to.equal('a\n');
      const file = join(cli.home, 'data', 'delayer', 'queue.db');
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      expect(statSync(join(cli.home, 'data', 'delayer')).mode & 0o777).to.equal(0o700);
      expectQuiet(await cli.run(['push', 'topic', 'b']));
      expect(linesOf(expectQuiet(await cli.run(['drain', 'topic', '--output', 'id'])))).to.have.length(2);
    });

    it('the embedded store is in ~/.local/share when there is no XDG_DATA_HOME', async () => {
      expectQuiet(await cli.run(['push', 'topic', 'b'], { env: { XDG_DATA_HOME: '' } }));
      expect(statSync(join(cli.home, '.local', 'share', 'delayer', 'queue.db')).isFile()).to.be.true;
    });

    it('the creation of the embedded store is reported on a terminal and with --verbose', async () => {
      const file = join(cli.home, 'data', 'delayer', 'queue.db');
      const told = await cli.run(['push', 'topic', 'b', '--verbose']);
      expect(told.stderr)
        .to.match(/^delayer: [^\n]+\n$/)
        .and.to.include(file)
        .and.to.include('DELAYER_STORE');
      rmSync(file);
      expect(await cli.terminal('delayer push topic b')).to.include(file);
      rmSync(file);
      expect(await cli.terminal('delayer push topic b --quiet')).to.not.include(file);
    });

    it('the creation of a named file is not reported', async () => {
      expectQuiet(await cli.run(['push', 'topic', 'b', '--store', storeAt('named.db')]));
    });
  });

  describe('the config file', () => {
    for (const [what, config, says] of [
      ['that is not valid JSON', '{store', /config\.json is not valid JSON/],
      ['that is not an object', '[]', /not a JSON object/],
      ['with an unknown field', { stoer: 'x' }, /unknown field "stoer"/],
      ['with a value that is not a string', { store: 1 }, /"store" that is not a string/],
      ['with contexts that are not an object', { contexts: [] }, /"contexts" that are not/],
      ['with a context that is not an object', { contexts: { a: 'sqlite:x' } }, /a context "a" that is not/],
      [
        'with a context without a store',
        { contexts: { a: { prefix: 'x' } } },
        /context "a" without a "store"/,
      ],
      [
        'with an unknown field in a context',
        { contexts: { a: { url: 'x' } } },
        /context "a" with an unknown field "url"/,
      ],
      ['that chooses an unknown context', { context: 'a' }, /does not have: "a"/],
      ['with a store of an unknown kind', { store: 'mysql://host' }, /"mysql:"/],
      ['with a password file that is not there', { store: 'redis://host', passwordFile: '/none' }, /\/none/],
    ] as const) {
      it(`a config file ${what} ends the command with 78`, async () => {
        configure(config);
        const outcome = await cli.run(['pop', 'topic']);
        expect(outcome.code).to.equal(78);
        expect(outcome.stdout).to.be.empty;
        expect(outcome.stderr)
          .to.match(/^delayer: [^\n]+\n$/)
          .and.to.match(says);
      });
    }

    it('a config file that DELAYER_CONFIG names and that does not exist ends the command with 78', async () => {
      const outcome = await cli.run(['pop', 'topic'], { env: { DELAYER_CONFIG: '/none/config.json' } });
      expect(outcome.code).to.equal(78);
      expect(outcome.stderr).to.match(/^delayer: [^\n]*\/none\/config\.json[^\n]*\n$/);
    });
  });

  describe('settings of Redis', () => {
    const PASSWORD = 'geheim: %40 ü';
    after(() => redis.raw.config('SET', 'requirepass', ''));
    const redis = useRedis();
    before(() => redis.raw.config('SET', 'requirepass', PASSWORD));

    const push = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      cli.run(['push', 'topic', 'b', '--id', 'a', ...args], { env });
    const keys = async () => (await redis.raw.keys('*')).map((key) => key.split(':')[0]);
    afterEach('empty this own server', () => redis.raw.flushall());

    it('the password of Redis is taken from the URL, DELAYER_REDIS_PASSWORD, a file, and a file of the config file', async () => {
      const store = redis.server.tcpUrl;
      const file = join(cli.home, 'password');
      writeFileSync(file, `${PASSWORD}\n`);
      const withPassword = store.replace('//', `//default:${encodeURIComponent(PASSWORD)}@`);
      expectQuiet(await push(['--store', withPassword]));
      expectQuiet(await push(['--store', store, '--replace'], { DELAYER_REDIS_PASSWORD: PASSWORD }));
      expectQuiet(await push(['--store', store, '--replace'], { DELAYER_REDIS_PASSWORD_FILE: file }));
      configure({ store, passwordFile: file });
      expectQuiet(await push(['--replace']));
    });

    it('DELAYER_REDIS_PASSWORD takes precedence over passwords in the URL and in files', async () => {
      const store = redis.server.tcpUrl.replace('//', '//:wrong@');
      expectQuiet(await push(['--store', store], { DELAYER_REDIS_PASSWORD: PASSWORD }));
    });

    it('the prefix of all keys is set by --prefix, DELAYER_PREFIX or the config file, and is delayer by default', async () => {
      configure({ store: redis.server.tcpUrl, prefix: 'from-config' });
      const env = { DELAYER_REDIS_PASSWORD: PASSWORD, DELAYER_PREFIX: 'from-env' };
      expectQuiet(await push(['--prefix', 'from-flag'], env));
      expect(new Set(await keys())).to.deep.equal(new Set(['from-flag']));
      expectQuiet(await push([], env));
      expect(new Set(await keys())).to.deep.equal(new Set(['from-flag', 'from-env']));
      expectQuiet(await push([], { DELAYER_REDIS_PASSWORD: PASSWORD }));
      expect(await keys()).to.include('from-config');
      const named = { DELAYER_REDIS_PASSWORD: PASSWORD, XDG_CONFIG_HOME: cli.home };
      expectQuiet(await push(['--store', redis.server.tcpUrl], named));
      expect(await keys()).to.include('delayer');
    });

    it("a context's prefix and password file count for it, and DELAYER_PREFIX does not", async () => {
      const store = redis.server.tcpUrl;
      const passwordFile = join(cli.home, 'password');
      writeFileSync(passwordFile, `${PASSWORD}\n`);
      configure({
        prefix: 'from-config',
        contexts: { plain: { store, passwordFile }, own: { store, passwordFile, prefix: 'own' } },
      });
      const env = { DELAYER_PREFIX: 'from-env', DELAYER_REDIS_PASSWORD: 'of another store' };
      expectQuiet(await push(['--context', 'plain'], env));
      expectQuiet(await push(['--context', 'own'], env));
      expectQuiet(await push(['--context', 'own', '--prefix', 'from-flag'], env));
      expect(new Set(await keys())).to.deep.equal(new Set(['delayer', 'own', 'from-flag']));
    });

    it('DELAYER_PREFIX and DELAYER_REDIS_PASSWORD count before the context that the config file chooses', async () => {
      const none = join(cli.home, 'none');
      const chosen = { store: redis.server.tcpUrl, prefix: 'own', passwordFile: none };
      configure({ context: 'chosen', contexts: { chosen } });
      expectQuiet(await push([], { DELAYER_PREFIX: 'from-env', DELAYER_REDIS_PASSWORD: PASSWORD }));
      expect(new Set(await keys())).to.deep.equal(new Set(['from-env']));
    });

    it('a handler reaches the store of a context that has a password file', async () => {
      const passwordFile = join(cli.home, 'password');
      writeFileSync(passwordFile, PASSWORD);
      configure({ contexts: { test: { store: redis.server.tcpUrl, prefix: 'own', passwordFile } } });
      expectQuiet(await push(['--context', 'test']));
      const exec = 'delayer inspect --id "$DELAYER_ID" --json > seen';
      expectQuiet(await cli.run(['drain', 'topic', '--context', 'test', '--exec', exec]));
      expect(JSON.parse((await cli.sh('cat seen')).stdout.toString())).to.include({
        id: 'a',
        state: 'leased',
      });
    });

    it('a URL can name a database number and a Unix socket', async () => {
      const env = { DELAYER_REDIS_PASSWORD: PASSWORD };
      expectQuiet(await push(['--store', `${redis.server.tcpUrl}/3`], env));
      expectQuiet(await push(['--store', `${redis.server.url}?db=4`], env));
      expect(await redis.raw.info('keyspace'))
        .to.match(/db3:keys=2/)
        .and.to.match(/db4:keys=2/);
    });
  });

  describe('the code cache', () => {
    it('compiled code is kept in XDG_CACHE_HOME, for this user only', async () => {
      const cache = join(cli.home, 'a', 'cache');
      expect((await cli.run(['pop', 'topic'], { env: { XDG_CACHE_HOME: cache } })).code).to.equal(1);
      const [kept = ''] = readdirSync(join(cache, 'delayer'));
      expect(kept).to.match(/\.v8$/);
      expect(statSync(join(cache, 'delayer')).mode & 0o777).to.equal(0o700);
      expect(statSync(join(cache, 'delayer', kept)).mode & 0o777).to.equal(0o600);
    });

    it('commands work when the cache folder cannot be written', async () => {
      writeFileSync(join(cli.home, 'file'), '');
      for (const cache of [join(cli.home, 'file'), '/proc', '/dev/null']) {
        const outcome = await cli.run(['push', 'topic', 'b', '--id', '1'], {
          env: { XDG_CACHE_HOME: cache },
        });
        expect([outcome.code, outcome.stdout.toString()]).to.deep.equal([0, '1\n']);
      }
    });
  });
});

import { expect } from 'chai';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expectQuiet, type Outcome, useCli } from '../support/cli.js';

const json = ({ stdout }: Outcome) => JSON.parse(stdout.toString()) as unknown;

describe('config', () => {
  const cli = useCli(() => ({ DELAYER_STORE: '' }));
  const path = () => join(cli.home, 'config', 'delayer', 'config.json');
  const saved = () => JSON.parse(readFileSync(path(), 'utf8')) as unknown;
  const save = (text: string) => {
    mkdirSync(dirname(path()), { recursive: true });
    writeFileSync(path(), text);
  };
  const config = async (args: readonly string[], env = {}) =>
    expectQuiet(await cli.run(['config', ...args], { env }));

  describe('config without an action', () => {
    it('tells which store is used and what chose it', async () => {
      const store = `sqlite:${join(cli.home, 'data', 'delayer', 'queue.db')}`;
      expect((await config([])).stdout.toString()).to.equal(
        [
          `store        ${store}`,
          'chosen by    default',
          'prefix       delayer',
          'password     -',
          `config file  ${path()}`,
          '',
        ].join('\n'),
      );
      expect(existsSync(join(cli.home, 'data'))).to.be.false;
    });

    it('tells for each way to choose a store that it was chosen so', async () => {
      await config(['set', '--store', 'redis://of-config']);
      await config(['set', 'one', '--store', 'redis://of-context']);
      const env = { DELAYER_STORE: 'redis://of-env' };
      const seen = async (args: readonly string[], env = {}) => json(await config(['--json', ...args], env));
      expect(await seen([])).to.include({ store: 'redis://of-config:6379/0', chosenBy: 'config file' });
      expect(await seen([], env)).to.include({ store: 'redis://of-env:6379/0', chosenBy: 'DELAYER_STORE' });
      const byContext = { store: 'redis://of-context:6379/0', chosenBy: '--context', context: 'one' };
      expect(await seen(['--context', 'one'], env)).to.include(byContext);
      const byFlag = { store: 'redis://of-flag:6379/0', chosenBy: '--store' };
      expect(await seen(['--store', 'redis://of-flag'], env)).to.include(byFlag);
      await config(['use', 'one']);
      expect(await seen([])).to.include({ ...byContext, chosenBy: 'config file' });
    });

    it('shows each context, and no password', async () => {
      await config(['set', 'prod', '--store', 'redis://u:geheim@h/2', '--prefix', 'shop']);
      await config(['set', 'test', '--store', 'sqlite:/tmp/t.db']);
      const outcome = await config(['use', 'prod']).then(() => config([]));
      expect(outcome.stdout.toString().split('\n').slice(6)).to.deep.equal([
        'context  store             prefix   password file  current',
        'prod     redis://h:6379/2  shop     -              yes',
        'test     sqlite:/tmp/t.db  delayer  -              -',
        '',
      ]);
      expect((await config(['--json'])).stdout.toString()).to.not.include('geheim');
    });

    it('shows a context whose URL is wrong by what is wrong', async () => {
      save(JSON.stringify({ contexts: { old: { store: 'valkey://:geheim@h' } } }));
      const view = json(await config(['--json'])) as { contexts: unknown[] };
      expect(view.contexts).to.deep.equal([
        {
          name: 'old',
          store: null,
          problem: 'The scheme of a server that speaks the Redis protocol is redis',
          prefix: 'delayer',
          isCurrent: false,
        },
      ]);
    });
  });

  describe('config set', () => {
    it('makes the config file, for this user alone', async () => {
      await config(['set', 'prod', '--store', 'redis://h', '--prefix', 'shop']);
      expect(saved()).to.deep.equal({ contexts: { prod: { store: 'redis://h', prefix: 'shop' } } });
      expect(statSync(path()).mode & 0o777).to.equal(0o600);
      expect(statSync(dirname(path())).mode & 0o777).to.equal(0o700);
    });

    it('changes what is given, removes what is empty, and keeps the rest', async () => {
      await config(['set', 'prod', '--store', 'redis://h', '--prefix', 'shop']);
      await config(['set', 'prod', '--password-file', 'secret', '--prefix', '']);
      await config(['set', '--store', 'redis://other']);
      const prod = { store: 'redis://h', passwordFile: join(cli.home, 'secret') };
      expect(saved()).to.deep.equal({ contexts: { prod }, store: 'redis://other' });
      await config(['set', '--store', '']);
      expect(saved()).to.deep.equal({ contexts: { prod } });
    });

    it('makes relative paths absolute', async () => {
      await config(['set', 'here', '--store', 'sqlite:q.db']);
      expect(saved()).to.deep.equal({ contexts: { here: { store: `sqlite:${join(cli.home, 'q.db')}` } } });
    });

    it('keeps the permissions of the file and a symbolic link to it', async () => {
      save('{}');
      chmodSync(path(), 0o640);
      symlinkSync(path(), join(cli.home, 'link.json'));
      const env = { DELAYER_CONFIG: join(cli.home, 'link.json') };
      await config(['set', '--store', 'redis://h'], env);
      expect(saved()).to.deep.equal({ store: 'redis://h' });
      expect(statSync(path()).mode & 0o777).to.equal(0o640);
    });

    it('makes the file that DELAYER_CONFIG names', async () => {
      const env = { DELAYER_CONFIG: join(cli.home, 'new', 'other.json') };
      await config(['set', '--store', 'redis://h'], env);
      expect(json(await config(['--json'], env))).to.include({ store: 'redis://h:6379/0' });
    });

    it('a file that is wrong is left as it is', async () => {
      save('{ "stroe": "x" }');
      const outcome = await cli.run(['config', 'set', '--store', 'redis://h']);
      expect(outcome.code).to.equal(78);
      expect(outcome.stderr).to.match(/^delayer: [^\n]*unknown field "stroe"[^\n]*\n$/);
      expect(readFileSync(path(), 'utf8')).to.equal('{ "stroe": "x" }');
    });

    it('a folder that cannot be made ends it with 74', async () => {
      const outcome = await cli.run(['config', 'set', '--store', 'redis://h'], {
        env: { XDG_CONFIG_HOME: '/proc/none' },
      });
      expect(outcome.code).to.equal(74);
      expect(outcome.stderr).to.match(/^delayer: cannot make the folder [^\n]*\n$/);
    });
  });

  describe('config use', () => {
    beforeEach(() => config(['set', 'prod', '--store', 'redis://h']));

    it('--none ends the choice of a context', async () => {
      await config(['use', 'prod']);
      expect(saved()).to.have.property('context', 'prod');
      await config(['use', '--none']);
      expect(saved()).to.not.have.property('context');
    });

    it('says that DELAYER_STORE counts before it', async () => {
      const outcome = await cli.run(['config', 'use', 'prod'], { env: { DELAYER_STORE: 'redis://x' } });
      expect(outcome.stderr).to.match(/^delayer: DELAYER_STORE is set[^\n]*\n$/);
    });
  });

  it('config remove takes a context away, but not the chosen one', async () => {
    await config(['set', 'prod', '--store', 'redis://h']);
    await config(['set', 'test', '--store', 'redis://t']);
    await config(['use', 'prod']);
    const outcome = await cli.run(['config', 'remove', 'prod']);
    expect(outcome.code).to.equal(2);
    expect(outcome.stderr).to.match(
      /^delayer: the context prod is the chosen one\. [^\n]*config use[^\n]*\n$/,
    );
    await config(['remove', 'test']);
    expect(saved()).to.deep.equal({ context: 'prod', contexts: { prod: { store: 'redis://h' } } });
    await config(['use', '--none']);
    await config(['remove', 'prod']);
    expect(saved()).to.deep.equal({ contexts: {} });
  });

  describe('bad input', () => {
    for (const [args, code, says] of [
      [['sho'], 2, 'Did you mean show?'],
      [['show', 'prod'], 2, 'takes no name'],
      [['set'], 2, 'nothing to set'],
      [['set', 'new', '--prefix', 'x'], 2, 'has no store'],
      [['set', 'a b', '--store', 'redis://h'], 2, 'cannot be the name of a context'],
      [['set', '--store', 'mysql://h'], 78, 'unknown scheme'],
      [['set', '--store', 'redis://h', '--context', 'x'], 2, 'config set takes no --context'],
      [['use', 'none'], 2, 'unknown context "none"'],
      [['use'], 2, 'NAME is missing'],
      [['use', 'x', '--none'], 2, 'cannot be used together'],
      [['remove', 'x', '--none'], 2, 'config remove takes no --none'],
      [['remove', '__proto__'], 2, 'unknown context "__proto__"'],
    ] as const) {
      it(`config ${args.join(' ')} ends with ${code}, and changes nothing`, async () => {
        const outcome = await cli.run(['config', ...args]);
        expect([outcome.code, outcome.stdout.toString()]).to.deep.equal([code, '']);
        expect(outcome.stderr)
          .to.match(/^delayer: [^\n]+\n$/)
          .and.to.include(says);
        expect(existsSync(path())).to.be.false;
      });
    }
  });
});

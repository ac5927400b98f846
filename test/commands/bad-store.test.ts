import { expect } from 'chai';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/storage/sqlite/driver.js';
import { expectQuiet, type Outcome, useCli } from '../support/cli.js';
import { fakeRedis } from '../support/fake-redis.js';
import { useRedis } from '../support/redis.js';

const UNAVAILABLE = 69;
const PASSWORD = 'fünf&Geheim nisse%';

function expectRefusal(outcome: Outcome, says: RegExp): void {
  expect(outcome.stdout.toString()).to.equal('');
  expect(outcome.stderr)
    .to.match(/^delayer: [^\n]+\n$/)
    .and.to.match(says);
  expect(outcome.code).to.equal(UNAVAILABLE);
}

describe('a store that cannot be used', () => {
  // Registered before the hooks of useRedis, which connect without a password.
  after(() => redis.raw.config('SET', 'requirepass', ''));
  const redis = useRedis();
  before(() => redis.raw.config('SET', 'requirepass', PASSWORD));
  const cli = useCli();
  const at = (url: string, env = {}) => cli.run(['push', 'topic', 'b', '--store', url], { env });

  it('a refused connection, an unknown host or a missing socket ends a command with 69', async () => {
    expectRefusal(await at('redis://127.0.0.1:1'), /connection refused \(ECONNREFUSED\)/);
    expectRefusal(
      await at('redis://no-such-host.invalid'),
      /no-such-host\.invalid.*(host not found|looked up)/,
    );
    expectRefusal(await at(`redis+unix://${cli.home}/none.sock`), /no such socket \(ENOENT\)/);
  });

  it('the database of another application is refused with 78 and not changed, including its write-ahead log', async () => {
    const path = (name: string) => join(cli.home, name);
    const other = openDatabase(path('other.db'));
    other.exec('PRAGMA journal_mode = WAL; CREATE TABLE theirs (x); PRAGMA wal_checkpoint');
    other.exec('INSERT INTO theirs VALUES (1)');
    // The files as a killed process leaves them.
    for (const end of ['', '-wal']) copyFileSync(path(`other.db${end}`), path(`left.db${end}`));
    other.close();
    const bytes = () => ['', '-wal'].map((end) => readFileSync(path(`left.db${end}`)));
    const before = bytes();
    expect(before[1]).to.not.be.empty;
    expect((await at(`sqlite:${path('left.db')}`)).code).to.equal(78);
    expect(bytes()).to.deep.equal(before);
  });

  it('a missing or wrong password ends a command with 69', async () => {
    expectRefusal(await at(redis.server.tcpUrl), /refuses the login.*DELAYER_REDIS_PASSWORD/);
    expectRefusal(await at(redis.server.tcpUrl.replace('//', '//:wrong@')), /refuses the login/);
    expectRefusal(await at(redis.server.tcpUrl.replace('//', '//nobody:wrong@')), /refuses the login/);
  });

  it('a database number that Redis does not have ends a command with 69', async () => {
    const env = { DELAYER_REDIS_PASSWORD: PASSWORD };
    expectRefusal(await at(`${redis.server.tcpUrl}/99`, env), /no such database/);
  });

  it('a Redis that is older than 6.2, is loading its data or is a replica ends a command with 69', async () => {
    const cases = [
      ['*4\r\n$7\r\nversion\r\n$6\r\n6.0.16\r\n$4\r\nrole\r\n$6\r\nmaster\r\n', /6\.0\.16, too old/],
      ['-LOADING Redis is loading the dataset in memory\r\n', /still loading/],
      ['*4\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$4\r\nrole\r\n$7\r\nreplica\r\n', /is a replica/],
    ] as const;
    await Promise.all(
      cases.map(async ([hello, says]) => {
        const fake = await fakeRedis({ HELLO: hello });
        try {
          expectRefusal(await at(fake.url), says);
        } finally {
          await fake.close();
        }
      }),
    );
  });

  it('with --json an error is one line of JSON on stderr, and stdout is empty', async () => {
    const outcome = await cli.run(['pop', 'topic', '--json', '--store', 'redis://127.0.0.1:1']);
    expect(outcome.code).to.equal(UNAVAILABLE);
    expect(outcome.stdout).to.be.empty;
    expect(outcome.stderr).to.match(/^[^\n]+\n$/);
    const { error } = JSON.parse(outcome.stderr) as { error: Record<string, unknown> };
    expect(error).to.have.keys('code', 'message', 'hint');
    expect(error).to.include({ code: 'store_unreachable' });
    for (const args of [['pop'], ['push', 't', 'b', '--delay', 'soon'], ['shove'], ['pop', 't', '--nope']]) {
      const usage = await cli.run([...args, '--json']);
      expect(usage.code, args.join(' ')).to.equal(2);
      expect(usage.stdout).to.be.empty;
      expect(JSON.parse(usage.stderr), args.join(' ')).to.have.nested.property('error.code', 'usage');
    }
  });

  it('when the store of --store fails, no other store is used', async () => {
    await at('redis://127.0.0.1:1');
    const listed = await cli.sh('find . -name "*.db*"');
    expect(listed.stdout.toString()).to.equal('');
  });

  it('an error has a stack trace with --debug, and none without', async () => {
    const args = ['pop', 'topic', '--store', 'redis://127.0.0.1:1'];
    expect((await cli.run([...args, '--debug'])).stderr).to.match(/\n {4}at /);
    expect((await cli.run(args)).stderr).to.not.match(/\n {4}at /);
  });

  describe('the password of a store', () => {
    /** The password plain, in a URL and in JSON. */
    const secrets = [PASSWORD, encodeURIComponent(PASSWORD), JSON.stringify(PASSWORD).slice(1, -1)];
    const expectNoSecret = ({ stdout, stderr }: Outcome) => {
      for (const secret of secrets) expect(stdout.toString() + stderr).to.not.include(secret);
    };
    const withPassword = (url: string) => url.replace('//', `//:${encodeURIComponent(PASSWORD)}@`);

    for (const debug of [[], ['--debug'], ['--json', '--debug']]) {
      it(`the password of a store does not appear in errors${debug.map((flag) => ` ${flag}`).join('')}`, async () => {
        writeFileSync(join(cli.home, 'password'), `${PASSWORD}\n`);
        const urls = ['redis://127.0.0.1:1', 'redis://127.0.0.1:1/x', 'redis://127.0.0.1:99999'];
        const attempts = urls.map((url) => cli.run(['pop', 't', '--store', withPassword(url), ...debug]));
        const env = { DELAYER_REDIS_PASSWORD: PASSWORD };
        const fromFile = { DELAYER_REDIS_PASSWORD_FILE: join(cli.home, 'password') };
        attempts.push(
          cli.run(['pop', 't', '--store', 'redis://127.0.0.1:1', ...debug], { env }),
          cli.run(['pop', 't', '--store', `${redis.server.tcpUrl}/99`, ...debug], { env: fromFile }),
          cli.run(['pop', 't', '--store', withPassword('redis://nobody@127.0.0.1:1'), ...debug]),
          cli.run(['pop', 't', '--store', `${withPassword(redis.server.tcpUrl)}x`, ...debug]),
        );
        for (const outcome of await Promise.all(attempts)) {
          expect(outcome.code).to.be.oneOf([69, 78]);
          expectNoSecret(outcome);
        }
      });
    }

    it('the password of a store does not appear in the output of serve and inspect', async () => {
      const store = withPassword(redis.server.tcpUrl);
      const daemon = cli.start(['serve', '--store', store]);
      await daemon.says(/promoting/);
      expectNoSecret(expectQuiet(await cli.run(['inspect', '--json', '--store', store])));
      expectNoSecret(await daemon.end());
    });

    it('the error about a wrong password does not repeat it', async () => {
      const env = { DELAYER_REDIS_PASSWORD: `${PASSWORD}!` };
      const outcome = await cli.run(['pop', 't', '--store', redis.server.tcpUrl, '--debug'], { env });
      expect(outcome.code).to.equal(UNAVAILABLE);
      expectNoSecret(outcome);
    });
  });
});

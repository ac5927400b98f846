import { expect } from 'chai';
import { DelayerError } from '../../../src/core/errors.js';
import { parseRedisUrl } from '../../../src/storage/redis/url.js';

function refusal(url: string, password?: string): DelayerError {
  try {
    parseRedisUrl(url, password);
  } catch (error) {
    if (error instanceof DelayerError) return error;
    throw error;
  }
  throw new Error(`${url} was accepted`);
}

describe('a Redis URL', () => {
  it('has host, port and database, by default 6379 and 0', () => {
    expect(parseRedisUrl('redis://example.test:7000/3')).to.include({
      host: 'example.test',
      port: 7000,
      db: 3,
      tls: false,
      label: 'redis://example.test:7000/3',
    });
    expect(parseRedisUrl('redis://localhost')).to.include({ host: 'localhost', port: 6379, db: 0 });
    expect(parseRedisUrl('redis://localhost/')).to.include({ db: 0, label: 'redis://localhost:6379/0' });
  });

  it('can have an IPv6 address', () => {
    expect(parseRedisUrl('redis://[::1]:7000')).to.include({ host: '::1', port: 7000 });
  });

  it('uses TLS with rediss', () => {
    expect(parseRedisUrl('rediss://example.test')).to.include({
      tls: true,
      host: 'example.test',
      label: 'rediss://example.test:6379/0',
    });
  });

  it('has a socket with redis+unix, and its database in the query', () => {
    expect(parseRedisUrl('redis+unix:///run/redis.sock')).to.include({ path: '/run/redis.sock', db: 0 });
    expect(parseRedisUrl('redis+unix:///run/redis.sock?db=5')).to.include({ path: '/run/redis.sock', db: 5 });
    expect(parseRedisUrl('redis+unix:///run/a%20b.sock').path).to.equal('/run/a b.sock');
    expect(parseRedisUrl('redis+unix:///run/redis.sock').host).to.be.undefined;
  });

  it('has user and password, with their escapes decoded', () => {
    expect(parseRedisUrl('redis://shop:s%40f%2Fe%3A%25@localhost')).to.include({
      username: 'shop',
      password: 's@f/e:%',
    });
    expect(parseRedisUrl('redis://:secret@localhost')).to.deep.include({
      username: undefined,
      password: 'secret',
    });
    expect(parseRedisUrl('redis://localhost')).to.deep.include({ username: undefined, password: undefined });
  });

  it('is overridden by a password from elsewhere', () => {
    expect(parseRedisUrl('redis://shop@localhost', 'given')).to.include({
      username: 'shop',
      password: 'given',
    });
    expect(parseRedisUrl('redis://:own@localhost', 'given')).to.include({ password: 'given' });
  });

  for (const url of ['redis://shop:secret@localhost:7000/1', 'redis+unix://shop:secret@/run/redis.sock']) {
    it(`has a label without the password: ${url}`, () => {
      let label: string;
      try {
        label = parseRedisUrl(url).label;
      } catch (error) {
        label = String(error);
      }
      expect(label).to.not.contain('secret');
    });
  }

  for (const [what, url] of Object.entries({
    'that is not a URL': 'nonsense',
    'that is empty': '',
    'without a host': 'redis://',
    'with an impossible port': 'redis://:secret@localhost:99999',
    'with a database that is not a number': 'redis://:secret@localhost/jobs',
    'with a negative database': 'redis://:secret@localhost/-1',
    'with a path for a database': 'redis://:secret@localhost/1/2',
    'with a broken escape': 'redis://:secret%zz@localhost',
    'with a relative path of a socket': 'redis+unix://:secret@run/redis.sock',
    'without a socket': 'redis+unix://',
    'with a socket and a database that is not a number': 'redis+unix:///run/redis.sock?db=x',
  })) {
    it(`${what} is refused with config_invalid, without showing the password`, () => {
      const error = refusal(url);
      expect(error).to.include({ code: 'config_invalid', exitCode: 78 });
      expect(`${error.message} ${error.hint} ${String(error.cause)}`).to.not.contain('secret');
    });
  }
});

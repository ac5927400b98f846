import { expect } from 'chai';
import { inspect } from 'node:util';
import { DelayerError, openQueue } from '../../src/index.js';
import { failureOf } from '../support/eventually.js';

describe('openQueue', () => {
  it('refuses an unknown option, and a URL that is not a store URL', async () => {
    for (const [url, options, code] of [
      ['redis://host', { prefx: 'a' }, 'usage'],
      ['redis://host', { prefix: '' }, 'config_invalid'],
      ['host', {}, 'config_invalid'],
      ['mysql://host', {}, 'config_invalid'],
      ['sqlite::memory:', {}, 'config_invalid'],
      ['sqlite:', {}, 'config_invalid'],
    ] as const) {
      const error: unknown = await openQueue(url, options as object).catch((caught: unknown) => caught);
      expect(error, url).to.be.instanceOf(DelayerError).and.to.have.property('code', code);
    }
  });

  for (const [url, message] of [
    ['"redis://localhost"', /in quotes/],
    ["'sqlite:q.db'", /in quotes/],
    ['redis://localhost"', /in quotes/],
    [' redis://localhost', /white space/],
    ['', /empty/],
    ['redis-sentinel://:secret@localhost:26379/mymaster', /Sentinel is not supported/],
    ['redis+sentinel://localhost', /Sentinel is not supported/],
    ['redis-cluster://localhost', /Cluster is not supported/],
    ['unix:///run/redis.sock', /socket/],
    ['redis+socket:///run/redis.sock', /socket/],
    ['redis+tls://localhost', /TLS/],
    ['valkey://localhost', /speaks the Redis protocol is redis/],
    ['file:///var/lib/q.db', /file/],
    ['sqlite3:q.db', /file/],
    ['/var/lib/queue.db', /path, not a URL/],
    ['q.db', /path, not a URL/],
    ['localhost:6379', /no scheme/],
    ['127.0.0.1:6379/2', /no scheme/],
    ['redis//localhost', /not a URL/],
    ['mysql://:secret@host', /unknown scheme of a store URL: "mysql:"/],
  ] as const) {
    it(`reports what is wrong with ${JSON.stringify(url)}, without the password`, async () => {
      const error = await failureOf(openQueue(url));
      expect(error).to.include({ code: 'config_invalid', exitCode: 78 });
      expect(error.message).to.match(message);
      expect(inspect(error)).to.not.contain('secret');
    });
  }
});

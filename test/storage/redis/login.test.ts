import { expect } from 'chai';
import { inspect } from 'node:util';
import { DelayerError } from '../../../src/core/errors.js';
import { Queue } from '../../../src/core/queue.js';
import { parseRedisUrl } from '../../../src/storage/redis/url.js';
import { RedisStore } from '../../../src/storage/redis/store.js';
import { failureOf } from '../../support/eventually.js';
import { RedisServer } from '../../support/redis-server.js';

describe('a login to Redis', () => {
  let server: RedisServer;
  const stores: RedisStore[] = [];

  before(async () => {
    server = await RedisServer.start({ args: ['--requirepass', 'right'] });
    const raw = server.client({ password: 'right' });
    const acl = (...rule: string[]) => raw.call('ACL', 'SETUSER', ...rule);
    await acl(
      'shop',
      'on',
      '>sh@p/pass',
      '~shop:*',
      '&shop:*',
      '+@all',
      '-@admin',
      '-@dangerous',
      '+info',
      '+config|get',
    );
    await acl('guest', 'on', 'nopass', '~shop:*', '&shop:*', '+@all');
    await acl(
      'reader',
      'on',
      '>reading',
      '~shop:*',
      '+@read',
      '+@connection',
      '+@scripting',
      '+time',
      '+eval',
      '+evalsha',
    );
    await acl(
      'narrow',
      'on',
      '>narrow',
      '~shop:*',
      '+@all',
      '-@admin',
      '-@dangerous',
      '-hello',
      '-publish',
      '-info',
    );
  });
  afterEach(() => Promise.all(stores.splice(0).map((store) => store.close())));
  after(() => server.stop());

  function open(login: string, path = '', password?: string): Queue {
    const url = `redis://${login}127.0.0.1:${server.port}${path}`;
    const store = new RedisStore(parseRedisUrl(url, password), 'shop');
    stores.push(store);
    return new Queue(store);
  }

  async function works(queue: Queue): Promise<void> {
    const { id } = await queue.push({ topic: 'topic', body: 'b', delayMs: 3_600_000 });
    expect(await queue.remove(id)).to.be.true;
    await queue.push({ topic: 'topic', body: 'b' });
    expect(String((await queue.bpop('topic', { timeoutMs: 2000 }))?.body)).to.equal('b');
    expect((await queue.stats()).topics).to.be.empty;
  }

  it('with the right password works, from the URL or from elsewhere', async () => {
    await works(open(':right@'));
    await works(open('', '', 'right'));
    await works(open('default:right@', '/3'));
  });

  it('as an ACL user who may use only the keys of the prefix works', async () => {
    await works(open('shop:sh%40p%2Fpass@'));
  });

  it('as an ACL user without HELLO and PUBLISH works', async () => {
    await works(open('narrow:narrow@'));
  });

  it('as a user without password works, named in the URL', async () => {
    await works(open('guest@'));
    await works(open('guest:@'));
  });

  it('as a user without SUBSCRIBE waits for pushes by polling, and asks once for each channel', async () => {
    const raw = server.client({ password: 'right' });
    await raw.call('ACL', 'SETUSER', 'deaf', 'on', '>deaf', '~shop:*', '+@all', '-subscribe');
    const queue = open('deaf:deaf@');
    await raw.config('RESETSTAT');
    const before = performance.now();
    // The first wait may end as soon as Redis has refused SUBSCRIBE.
    for (let i = 0; i < 5; i += 1) await queue.waitForPush({ timeoutMs: 30 });
    expect(performance.now() - before).to.be.at.least(115);
    const stats = await raw.info('commandstats');
    expect(/cmdstat_subscribe:.*rejected_calls=(\d+)/.exec(stats)?.[1]).to.equal('2');
  });

  for (const [what, login] of Object.entries({
    'a user without the password that it needs': 'shop@',
    'a user who does not exist and no password': 'nobody@',
    'a wrong password': ':secret@',
    'no password': '',
    'a user who does not exist and a password': 'nobody:secret@',
    'the wrong password of a user': 'shop:secret@',
  })) {
    it(`with ${what} fails, and the message does not show the password`, async () => {
      const error = await failureOf(open(login).push({ topic: 'topic', body: 'b' }));
      expect(error).to.be.instanceOf(DelayerError).and.include({ code: 'store_auth', exitCode: 69 });
      expect(error.message).to.not.contain('secret');
    });

    it(`with ${what} fails, and its causes do not show the password`, async () => {
      const error = await failureOf(open(login).push({ topic: 'topic', body: 'b' }));
      expect(inspect(error, { depth: 10 })).to.not.contain('secret');
    });
  }

  it('with a wrong password makes stats and bpop fail at once', async () => {
    expect(await failureOf(open(':wrong@').stats())).to.include({ code: 'store_auth' });
    expect(await failureOf(open(':wrong@').bpop('topic'))).to.include({ code: 'store_auth' });
  });

  it('as a user who may not write fails with the reply of Redis', async () => {
    const error = await failureOf(open('reader:reading@').push({ topic: 'topic', body: 'b' }));
    expect(error).to.be.instanceOf(DelayerError).and.include({ exitCode: 69 });
    expect(error.message).to.match(/can't run|permission/);
  });

  it('to a database that does not exist fails, without showing the password', async () => {
    const error = await failureOf(open(':right@', '/99').push({ topic: 'topic', body: 'b' }));
    expect(error).to.include({ code: 'store_refused', exitCode: 69 });
    expect(error.message).to.contain('no such database');
    expect(error.message).to.not.contain('right');
  });

  it('to one database sees no jobs of another', async () => {
    await open(':right@', '/1').push({ topic: 'topic', body: 'in 1' });
    expect(await open(':right@', '/2').pop('topic')).to.be.undefined;
    expect(String((await open(':right@', '/1').pop('topic'))?.body)).to.equal('in 1');
  });
});

import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { expectQuiet, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';

const PASSWORD = 'very:se@cret';

describe('a password in --store', () => {
  after(() => redis.raw.config('SET', 'requirepass', ''));
  const redis = useRedis();
  const cli = useCli(() => ({ DELAYER_PREFIX: redis.prefix }));
  before(() => redis.raw.config('SET', 'requirepass', PASSWORD));
  const url = () => redis.server.tcpUrl.replace('//', `//:${encodeURIComponent(PASSWORD)}@`);

  for (const form of ['--store=URL', '--store URL']) {
    it(`a password in ${form} is hidden from the list of processes`, async () => {
      const store = form === '--store URL' ? ['--store', url()] : [`--store=${url()}`];
      const bpop = cli.start([...store, 'bpop', 'topic', '--output', 'body']);
      await bpop.hearsSignals();
      const listed = () => readFileSync(`/proc/${bpop.pid}/cmdline`, 'latin1');
      await eventually(() => !listed().includes('cret'));
      expect(listed()).to.match(/^delayer --store[= ]redis:\/\/:\*\*\*@.* bpop topic --output body/);
      const env = { DELAYER_STORE: redis.server.tcpUrl, DELAYER_REDIS_PASSWORD: PASSWORD };
      expectQuiet(await cli.run(['push', 'topic', 'b'], { env }));
      expect(expectQuiet(await bpop.ended).stdout.toString()).to.equal('b\n');
    });
  }

  it('a password in --store causes a warning on a terminal', async () => {
    const shown = await cli.terminal(`delayer push topic b --store '${url()}'`);
    expect(shown).to.match(/delayer: [^\n]*password in --store[^\n]*DELAYER_REDIS_PASSWORD_FILE[^\n]*\r\n/);
    expect(shown).to.not.include('cret');
  });
});

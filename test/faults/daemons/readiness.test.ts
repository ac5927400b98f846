import { expect } from 'chai';
import { useCli } from '../../support/cli.js';
import { eventually } from '../../support/eventually.js';
import { must } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

/** Silence is noticed 6 s after the last answer; the rest is for a busy machine. */
const [NOTICED_MS, AT_LEAST_MS] = [12_000, 5000];

describe('the readiness of a daemon while Redis is silent', () => {
  const redis = useRedis();
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

  it('/readyz is 503 some seconds after Redis was stopped, and 200 once it answers again', async () => {
    const daemon = cli.start(['serve', '--http', '127.0.0.1:0']);
    await daemon.says(/listening on/);
    const url = must(/listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(daemon.stderr)?.[1]);
    const ask = async () => {
      const response = await fetch(`${url}/readyz`);
      return { status: response.status, body: await response.text() };
    };
    await eventually(async () => (await ask()).status === 200);
    const sinceMs = performance.now();
    redis.server.freeze();
    try {
      await eventually(async () => (await ask()).status === 503, { everyMs: 50 });
      expect(performance.now() - sinceMs).to.be.within(AT_LEAST_MS, NOTICED_MS);
      expect((await ask()).body).to.match(/^the store has not answered for /);
    } finally {
      redis.server.thaw();
    }
    await eventually(async () => (await ask()).status === 200);
    expect((await daemon.end()).code).to.equal(0);
  });
});

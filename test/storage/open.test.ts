import { expect } from 'chai';
import { DelayerError, openQueue } from '../../src/index.js';

describe('openQueue', () => {
  it('refuses an option that it does not know, and a URL that names no store', async () => {
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
});

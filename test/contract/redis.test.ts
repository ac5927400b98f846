import { freshPrefix, useRedis } from '../support/redis.js';
import { describeStore } from './store-contract.js';

describe('contract', () => {
  const ground = useRedis();

  describeStore('the Redis store', () => {
    const [a, b] = [ground.open(), ground.open()];
    return Promise.resolve({
      a,
      b,
      name: (stem = 'name') => `${stem}-${freshPrefix()}`,
      close: async () => {
        await Promise.all([a.close(), b.close()]);
      },
    });
  });
});

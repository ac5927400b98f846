import { freshPrefix, useRedis } from '../support/redis.js';
import { describeStore } from './store-contract.js';

describe('contract', () => {
  const ground = useRedis({ movableClock: true });

  describeStore('the Redis store', () => {
    const [store, peerStore] = [ground.open(), ground.open()];
    return Promise.resolve({
      store,
      peerStore,
      clock: ground.clock,
      name: (stem = 'name') => `${stem}-${freshPrefix()}`,
      close: async () => {
        await Promise.all([store.close(), peerStore.close()]);
      },
    });
  });
});

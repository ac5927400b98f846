import { freshPrefix, type useRedis } from '../support/redis.js';
import type { StoreUnderTest } from './world.js';

/** Opens the store twice on a server whose clock can be moved. */
export function openRedisStores(ground: ReturnType<typeof useRedis>): Promise<StoreUnderTest> {
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
}

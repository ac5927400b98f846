import { useRedis } from '../support/redis.js';
import { openRedisStores } from './redis-stores.js';
import { describeStore } from './store-contract.js';

describe('contract', () => {
  const ground = useRedis({ movableClock: true });
  describeStore('the Redis store', () => openRedisStores(ground));
});

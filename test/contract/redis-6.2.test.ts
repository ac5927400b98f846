import { useRedis } from '../support/redis.js';
import { describeExpiry } from './cases/expiry.js';
import { describeExtend } from './cases/extend.js';
import { describeOrder } from './cases/order.js';
import { describePop } from './cases/pop.js';
import { describeReclaim } from './cases/reclaim.js';
import { describeRelease } from './cases/release.js';
import { openRedisStores } from './redis-stores.js';
import { describeStore } from './store-contract.js';

/** The commands that came after 6.2. A Redis 7 without them, also inside scripts, behaves as 6.2 does for delayer. */
const NEWER = [
  ...['EXPIRETIME', 'PEXPIRETIME', 'LMPOP', 'BLMPOP', 'ZMPOP', 'BZMPOP', 'SINTERCARD', 'SORT_RO'],
  ...['EVAL_RO', 'EVALSHA_RO', 'FUNCTION', 'FCALL', 'FCALL_RO', 'SPUBLISH', 'SSUBSCRIBE', 'SUNSUBSCRIBE'],
];

/** The parts that depend on the expiry of keys, which 6.2 reports in another way. */
const PARTS = [describeExpiry, describeExtend, describeOrder, describePop, describeReclaim, describeRelease];

/** All parts with DELAYER_TEST_ALL=1. */
const parts = process.env.DELAYER_TEST_ALL === undefined ? PARTS : undefined;

describe('contract on Redis 6.2', () => {
  const renamed = NEWER.flatMap((name) => ['--rename-command', name, '']);
  const ground = useRedis({ movableClock: true, args: renamed });

  describeStore('the Redis store on 6.2', () => openRedisStores(ground), parts);
});

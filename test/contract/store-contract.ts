import { Queue } from '../../src/core/queue.js';
import { describeBytes } from './cases/bytes.js';
import { describeExpiry } from './cases/expiry.js';
import { describeLeaseEnds } from './cases/lease-ends.js';
import { describeLeases } from './cases/leases.js';
import { describeLists } from './cases/lists.js';
import { describeLooking } from './cases/inspect.js';
import { describeNamesakes } from './cases/duplicate-ids.js';
import { describeOrder } from './cases/order.js';
import { describePush } from './cases/push.js';
import { describeRemove } from './cases/remove.js';
import { describeReplace } from './cases/replace.js';
import { describeTaking } from './cases/pop.js';
import { describeWaiting } from './cases/wait.js';
import type { StoreUnderTest, World } from './world.js';

export type { StoreUnderTest } from './world.js';

/**
 * The contract of a store (src/core/store.ts), and of a queue on it: one suite that every store passes.
 * @param open is called before each test, and what it gave is closed after it
 */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the contract of a store:`, () => {
    let current: (StoreUnderTest & World) | undefined;

    beforeEach(async () => {
      const opened = await open();
      const { a, b } = opened;
      current = {
        a,
        b,
        qa: new Queue(a),
        qb: new Queue(b),
        name: opened.name,
        close: () => opened.close(),
      };
    });
    afterEach(async () => {
      await current?.close();
      current = undefined;
    });

    const world = (): World => {
      if (!current) throw new Error('the store is opened by a hook: use it inside of tests');
      return current;
    };
    describePush(world);
    describeReplace(world);
    describeBytes(world);
    describeOrder(world);
    describeExpiry(world);
    describeTaking(world);
    describeWaiting(world);
    describeLeases(world);
    describeLeaseEnds(world);
    describeNamesakes(world);
    describeRemove(world);
    describeLooking(world);
    describeLists(world);
  });
}

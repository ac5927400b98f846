import { Queue } from '../../src/core/queue.js';
import { describeAck } from './cases/ack.js';
import { describeBackoff } from './cases/backoff.js';
import { describeBytes } from './cases/bytes.js';
import { describeDeadLetters } from './cases/dead-letters.js';
import { describeDueCounts } from './cases/due-counts.js';
import { describeDuplicateIds } from './cases/duplicate-ids.js';
import { describeEdit } from './cases/edit.js';
import { describeExpiry } from './cases/expiry.js';
import { describeExtend } from './cases/extend.js';
import { describeFind } from './cases/find.js';
import { describeGuards } from './cases/guards.js';
import { describeHistory } from './cases/history.js';
import { describeHold } from './cases/hold.js';
import { describeImport } from './cases/import.js';
import { describeKeys } from './cases/keys.js';
import { describeLeaseEnds } from './cases/lease-ends.js';
import { describeList } from './cases/list.js';
import { describeLock } from './cases/lock.js';
import { describeNack } from './cases/nack.js';
import { describeNextEvent } from './cases/next-event.js';
import { describeOrder } from './cases/order.js';
import { describeOwnSettings } from './cases/own-settings.js';
import { describePause } from './cases/pause.js';
import { describePop } from './cases/pop.js';
import { describePromote } from './cases/promote.js';
import { describePush } from './cases/push.js';
import { describeReclaim } from './cases/reclaim.js';
import { describeRelease } from './cases/release.js';
import { describeRemove } from './cases/remove.js';
import { describeReplace } from './cases/replace.js';
import { describeRequeue } from './cases/requeue.js';
import { describeReschedule } from './cases/reschedule.js';
import { describeReserve } from './cases/reserve.js';
import { describeRetries } from './cases/retries.js';
import { describeScan } from './cases/scan.js';
import { describeStats } from './cases/stats.js';
import { describeTopics } from './cases/topics.js';
import { describeWait } from './cases/wait.js';
import type { StoreUnderTest, World } from './world.js';

export type { StoreUnderTest } from './world.js';

type Describe = (world: () => World) => void;

const PARTS: readonly Describe[] = [
  describePush,
  describeReplace,
  describeImport,
  describeBytes,
  describeOrder,
  describeExpiry,
  describePop,
  describeTopics,
  describeWait,
  describeNextEvent,
  describeReserve,
  describeAck,
  describeNack,
  describeRelease,
  describeExtend,
  describeReclaim,
  describeRetries,
  describeBackoff,
  describeLeaseEnds,
  describeHistory,
  describeKeys,
  describeOwnSettings,
  describeLock,
  describeDeadLetters,
  describeRequeue,
  describeDuplicateIds,
  describePause,
  describeRemove,
  describePromote,
  describeReschedule,
  describeEdit,
  describeHold,
  describeGuards,
  describeFind,
  describeStats,
  describeDueCounts,
  describeList,
  describeScan,
];

/**
 * The contract of a store (src/core/store.ts), tested through a queue: one suite that every store passes.
 * @param open is called before each test; the store is closed after the test
 * @param parts all by default
 */
export function describeStore(
  name: string,
  open: () => Promise<StoreUnderTest>,
  parts: readonly Describe[] = PARTS,
): void {
  describe(`store contract on ${name}:`, () => {
    let current: (StoreUnderTest & World) | undefined;

    beforeEach(async () => {
      const opened = await open();
      const { store, peerStore, clock } = opened;
      current = {
        store,
        peerStore,
        clock,
        queue: new Queue(store),
        peer: new Queue(peerStore),
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
    for (const describePart of parts) describePart(world);
  });
}

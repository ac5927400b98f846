import { examine } from '../../src/bulk/doctor.js';
import type { FaultKind } from '../../src/core/faults.js';
import { Difference } from './difference.js';
import type { Ground } from './ground.js';

/** What doctor may say of a store in a history, and nothing else. */

/** How the server of the histories is set up, and that they let time pass in which nobody maintains. */
const OF_THE_GROUND: readonly FaultKind[] = [
  ...(['no_daemon', 'no_persistence', 'clock_differs'] as const),
  ...(['leases_ended', 'dead_past', 'jobs_overdue'] as const),
];

/** What original clients and daemons leave behind, and the keys of other types that `spoil` puts in the way. */
const OF_ORIGINALS: readonly FaultKind[] = [
  ...(['body_gone', 'body_without_entry', 'other_daemon'] as const),
  ...(['doubled_entry', 'entry_of_delayed', 'entry_of_other_topic'] as const),
  ...(['body_wrong_type', 'key_wrong_type'] as const),
];

/** @throws Difference where doctor alarms at what is as it should be */
export async function expectNoAlarm(ground: Ground, hasOriginals: boolean): Promise<void> {
  const allowed = [...OF_THE_GROUND, ...(hasOriginals ? OF_ORIGINALS : [])];
  const alarms = (await examine(ground.viewer, {})).filter(({ kind }) => !allowed.includes(kind));
  if (alarms.length > 0) throw new Difference('doctor finds something in a healthy store', [], alarms);
}

import { examine } from '../../src/bulk/doctor.js';
import type { FaultKind } from '../../src/core/faults.js';
import { Difference } from './difference.js';
import type { Ground } from './ground.js';

/** What doctor may report of a store in a history. */

/** Caused by the setup of the server, and by time that passes without maintenance. */
const OF_THE_GROUND: readonly FaultKind[] = [
  ...(['no_daemon', 'no_persistence', 'clock_differs'] as const),
  ...(['leases_ended', 'waiting_overdue', 'dead_past', 'jobs_overdue'] as const),
];

/** Caused by original clients and daemons, and by the keys of wrong types that `spoil` makes. */
const OF_ORIGINALS: readonly FaultKind[] = [
  ...(['body_gone', 'body_without_entry', 'other_daemon'] as const),
  ...(['doubled_entry', 'entry_of_delayed', 'entry_of_other_topic'] as const),
  ...(['body_wrong_type', 'key_wrong_type'] as const),
];

/** @throws Difference if doctor reports something else */
export async function expectNoAlarm(ground: Ground, hasOriginals: boolean): Promise<void> {
  const allowed = [...OF_THE_GROUND, ...(hasOriginals ? OF_ORIGINALS : [])];
  const alarms = (await examine(ground.viewer, {})).filter(({ kind }) => !allowed.includes(kind));
  if (alarms.length > 0) throw new Difference('doctor finds something in a healthy store', [], alarms);
}

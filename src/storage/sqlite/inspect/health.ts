import { formatDuration } from '../../../core/duration.js';
import type { Problem } from '../../../core/views.js';
import type { Connection } from '../connection.js';
import { strangeRows } from './strange.js';

/**
 * Damage and a full disk fail the call that meets them. So health reports only the clock, and rows that no version
 * wrote.
 */
export function health(connection: Connection): Promise<Problem[]> {
  return connection.read((now) => {
    const jumpMs = connection.clock?.lastJump(now) ?? 0;
    return [...(jumpMs === 0 ? [] : [clockProblem(jumpMs)]), ...strangeRows(connection)];
  });
}

function clockProblem(jumpMs: number): Problem {
  const how = `${formatDuration(Math.abs(jumpMs))} ${jumpMs > 0 ? 'ahead' : 'back'}`;
  return {
    code: 'clock_jumped',
    message: `the clock of this machine was set ${how}; no job is deleted because of that, and leases keep their length`,
    hint: 'Correct the clock; if it is right now, expired jobs are cleared away after an hour.',
  };
}

import type { DaemonStatus } from '../../core/daemon-status.js';
import { formatDuration } from '../../core/duration.js';
import { monotonicMs } from '../../core/timer.js';
import { describeOriginals } from '../events.js';
import { describeMoves, type LogLine } from './log.js';

const startedAtMs = monotonicMs();

function describeRepairs({ delayed_ids, ready_entries, notes, bodies }: DaemonStatus['repairs']): string {
  return `${delayed_ids} expired before they were due, ${ready_entries} while they were ready; ${notes} left-over notes, ${bodies} left-over bodies`;
}

/** The status that a daemon prints on request. */
export function statusLine({ totals, repairs, originalDaemons, lost, answeredAtMs }: DaemonStatus): LogLine {
  const now = monotonicMs();
  const uptimeMs = Math.round(now - startedAtMs);
  const answered =
    answeredAtMs === undefined
      ? 'has not answered yet'
      : `answered ${formatDuration(Math.round(now - answeredAtMs))} ago`;
  const beside = originalDaemons.length === 0 ? '' : `; ${describeOriginals(originalDaemons)}`;
  const message = `up for ${formatDuration(uptimeMs)}; ${describeMoves(totals)} (${describeRepairs(repairs)}); the store ${answered}${lost ? `: ${lost.message}` : ''}${beside}`;
  const fields = {
    uptimeMs,
    ...totals,
    repairs,
    originalDaemons,
    isReachable: answeredAtMs !== undefined && lost === undefined,
  };
  return { level: 'info', event: 'status', message, fields };
}

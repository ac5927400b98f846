import type { DaemonStatus } from '../../core/daemon-status.js';
import { formatDuration } from '../../core/duration.js';
import { monotonicMs } from '../../core/timer.js';
import { describeMoves, type LogLine } from './log.js';

const startedAtMs = monotonicMs();

/** What a daemon says of itself when it is asked. */
export function statusLine({ totals, lost, answeredAtMs }: DaemonStatus): LogLine {
  const now = monotonicMs();
  const uptimeMs = Math.round(now - startedAtMs);
  const answered =
    answeredAtMs === undefined
      ? 'has not answered yet'
      : `answered ${formatDuration(Math.round(now - answeredAtMs))} ago`;
  const message = `up for ${formatDuration(uptimeMs)}; ${describeMoves(totals)}; the store ${answered}${lost ? `: ${lost.message}` : ''}`;
  const fields = { uptimeMs, ...totals, isReachable: answeredAtMs !== undefined && lost === undefined };
  return { level: 'info', event: 'status', message, fields };
}

import type { DaemonStatus } from '../core/daemon-status.js';
import { formatDuration } from '../core/duration.js';
import { monotonicMs } from '../core/timer.js';

/**
 * A job that becomes ready so long (ms) after its due time is late; so is an answer so long after its request.
 */
const LATE_MS = 5000;

/** Why a daemon is not ready; undefined when it is: its store answers, and jobs become ready on time. */
export function whyNotReady(status: DaemonStatus): string | undefined {
  const { lost, answeredAtMs, longestPauseMs, behindMs, wrongTypes } = status;
  if (lost) return `the store cannot be used: ${lost.message}`;
  if (answeredAtMs === undefined) return 'the store was not reached yet';
  const silentMs = monotonicMs() - answeredAtMs;
  if (silentMs > longestPauseMs + LATE_MS)
    return `the store has not answered for ${formatDuration(Math.round(silentMs))}`;
  if (behindMs > LATE_MS) return `promotion is late by ${formatDuration(behindMs)}`;
  if (wrongTypes.length > 0) return `keys hold a wrong type: ${wrongTypes.join(', ')}`;
  return undefined;
}

import type { DaemonStatus } from '../core/daemon-status.js';
import { formatDuration } from '../core/duration.js';
import { monotonicMs } from '../core/timer.js';

/** A daemon whose store has not answered for so long (ms) is not ready; it looks every 5 s at least. */
const SILENT_MS = 15_000;
/** Jobs that become ready so long (ms) after their due time are late. */
const LATE_MS = 5000;

/** Why a daemon is not ready; nothing when it is: its store answers, and what is due is made ready on time. */
export function whyNotReady(status: DaemonStatus): string | undefined {
  const { lost, answeredAtMs, behindMs, wrongTypes } = status;
  if (lost) return `the store cannot be used: ${lost.message}`;
  if (answeredAtMs === undefined) return 'the store was not reached yet';
  const silentMs = monotonicMs() - answeredAtMs;
  if (silentMs > SILENT_MS) return `the store has not answered for ${formatDuration(Math.round(silentMs))}`;
  if (behindMs > LATE_MS) return `promotion is late by ${formatDuration(behindMs)}`;
  if (wrongTypes.length > 0) return `keys hold a wrong type: ${wrongTypes.join(', ')}`;
  return undefined;
}

import { formatDuration } from '../../core/duration.js';
import { JOB_STATES, type JobState } from '../../core/job.js';
import { escapeText } from '../../output/escape.js';
import { paint } from '../../output/tones.js';
import type { Rates } from '../rates.js';
import type { State } from '../state.js';

/** Counts from here on are shortened to three digits. */
const EXACT_BELOW = 100_000;

/** A number in few cells: `99999`, `123k`, `1.23M`. */
export function shortCount(count: number): string {
  if (count < EXACT_BELOW) return `${Math.round(count)}`;
  const [unit, size] =
    count < 999_500
      ? (['k', 1e3] as const)
      : count < 999_500_000
        ? (['M', 1e6] as const)
        : (['G', 1e9] as const);
  const scaled = count / size;
  return `${scaled.toFixed(scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)}${unit}`;
}

/** Jobs a second; a dash when unknown. */
export function rateText(rate: number | undefined): string {
  if (rate === undefined) return '–';
  return rate === 0 || rate >= 9.95 ? shortCount(rate) : rate < 0.05 ? '<0.1' : rate.toFixed(1);
}

export function ratesText(rates: Rates | undefined): string {
  return `in ${rateText(rates?.in)}/s, out ${rateText(rates?.out)}/s`;
}

type Counts = Readonly<Partial<Record<JobState, number | undefined>>>;

/** `12 delayed, 3 ready`, in the order of states, each in its colour. */
export function countsText(states: readonly JobState[], counts: Counts, errors: Counts = {}): string {
  return JOB_STATES.filter((state) => states.includes(state))
    .map((state) => {
      const count = counts[state];
      const mark = errors[state] === undefined ? '' : '~';
      const text = `${count === undefined ? '–' : mark + shortCount(count)} ${state}`;
      return count === undefined || count === 0 ? paint.dim(text) : paint.state(state, text);
    })
    .join(', ');
}

/** What is shown, how often it is refreshed, and when it was seen. */
export function titleLine({ store, intervalMs, snapshot, trouble }: State): string {
  const at = `${snapshot.now.toISOString().slice(11, 19)}Z`;
  const seen = trouble ? paint.bad(`no answer, as of ${at}`) : `${at}, every ${formatDuration(intervalMs)}`;
  return `${paint.bold('delayer top')}  ${seen}  ${escapeText(store)}`;
}

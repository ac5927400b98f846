/** Upper bounds (ms) of the classes in which lateness is counted, each bound within its class; one more class is above. */
export const LATENESS_BOUNDS_MS: readonly number[] = [
  ...[1, 2, 5, 10, 25, 50, 100, 250, 500],
  ...[1000, 2500, 5000, 10_000, 60_000, 600_000],
];

/** How late jobs were made ready: from when each was due until then, by the store's clock. */
export interface Lateness {
  /** Jobs in each class: one for each of LATENESS_BOUNDS_MS, and the last for what is later. */
  readonly counts: readonly number[];
  readonly sumMs: number;
  readonly latestMs: number;
}

/** Both together. */
export function addLateness(one: Lateness | undefined, other: Lateness): Lateness {
  if (!one) return other;
  return {
    counts: one.counts.map((count, i) => count + (other.counts[i] ?? 0)),
    sumMs: one.sumMs + other.sumMs,
    latestMs: Math.max(one.latestMs, other.latestMs),
  };
}

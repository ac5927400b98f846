const FIRST_MS = 50;
const LONGEST_MS = 2000;

/**
 * The pause before the next try: doubled each time, with jitter, so that many processes do not come back at once.
 */
export function backoffMs(failures: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

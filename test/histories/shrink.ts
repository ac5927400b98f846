/**
 * Shortens a failing history: leaves out the steps after the failure, and each step without which it still fails.
 * fast-check would shrink each value as well, which takes hundreds of runs more.
 * @param fails runs some of the steps, and returns the failure and after how many steps it came, or undefined
 */
export async function shrink<Step, Failure extends { readonly steps: number }>(
  all: readonly Step[],
  first: Failure,
  fails: (steps: readonly Step[]) => Promise<Failure | undefined>,
): Promise<{ steps: readonly Step[]; failure: Failure }> {
  let steps = all.slice(0, first.steps);
  let failure = first;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    // From the end, because mostly the last steps cause the failure.
    for (let from = steps.length - size; from > -size; from -= size) {
      const fewer = steps.filter((_, i) => i < from || i >= from + size);
      if (fewer.length === steps.length) continue;
      const again = await fails(fewer);
      if (!again) continue;
      failure = again;
      steps = fewer.slice(0, again.steps);
    }
  }
  return { steps, failure };
}

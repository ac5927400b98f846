/** Estimates about all jobs, from a random sample that is drawn with replacement. */

/** 95 of 100 values of a normal distribution are within so many standard deviations. */
const NORMAL_95 = 1.96;

/** How many of `total` jobs have what `found` of the `sampled` ones have, and by how many that may be off (95 %). */
export interface Estimated {
  readonly count: number;
  readonly error: number;
}

/**
 * Agresti and Coull's interval: it adds two hits and two misses, so that a share that was seldom or never met does
 * not get an error of zero.
 */
export function estimate(found: number, sampled: number, total: number): Estimated {
  if (sampled === 0) return { count: 0, error: total };
  const trials = sampled + NORMAL_95 ** 2;
  const share = (found + NORMAL_95 ** 2 / 2) / trials;
  const around = NORMAL_95 * Math.sqrt((share * (1 - share)) / trials);
  const count = Math.round((found / sampled) * total);
  // The interval lies around the share with the added hits; the error reaches to its farther end.
  const farthest = Math.max(share + around - found / sampled, found / sampled - (share - around));
  return { count, error: Math.ceil(Math.min(1, farthest) * total) };
}

/** If so many of `total` jobs have a property, a sample misses all of them with a chance of 5 %. */
export function unseenBelow(sampled: number, total: number): number {
  if (sampled === 0) return total;
  return Math.ceil((1 - 0.05 ** (1 / sampled)) * total);
}

/** The sum of so many random values; mean and variance of the sampled `values` are known. */
export function estimateSum(values: readonly number[], total: number): Estimated {
  const sampled = values.length;
  if (sampled === 0) return { count: 0, error: 0 };
  const mean = values.reduce((sum, value) => sum + value, 0) / sampled;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, sampled - 1);
  return {
    count: Math.round(mean * total),
    error: Math.ceil(NORMAL_95 * Math.sqrt(variance / sampled) * total),
  };
}

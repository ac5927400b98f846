/** Multiples of it, without their whole part, lie evenly however many there are. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Where item `index`, from 0, lies in a time of `spread` ms over which `total` items lie evenly and in order. Where the
 * total is not known they lie as evenly, and in no order.
 */
export function spreadMs(spread: number, index: number, total: number | undefined): number {
  if (spread === 0) return 0;
  const part = total === undefined ? (index * GOLDEN) % 1 : Math.min(index / total, 1);
  return Math.round(spread * part);
}

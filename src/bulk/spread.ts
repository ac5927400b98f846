/** The fractional parts of its multiples lie evenly, however many there are. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Where item `index`, from 0, lies when `total` items are spread evenly and in order over `spread` ms. When the
 * total is not known, the items lie as evenly, in no order.
 */
export function spreadMs(spread: number, index: number, total: number | undefined): number {
  if (spread === 0) return 0;
  const part = total === undefined ? (index * GOLDEN) % 1 : Math.min(index / total, 1);
  return Math.round(spread * part);
}

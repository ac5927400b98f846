/** So many ranges are printed; a longer list helps nobody. */
const MOST_TOLD = 20;

/**
 * Lines of an input as ranges: `lines 1 to 500 and 502 to 750`. Lines that are not reported at all join the ranges
 * around them.
 */
export class LineRanges {
  private readonly ranges: { from: number; to: number }[] = [];
  private isOpen = false;

  /** Lines come in order. */
  add(line: number, isIn: boolean): void {
    const last = this.ranges.at(-1);
    if (isIn && this.isOpen && last) last.to = line;
    else if (isIn) this.ranges.push({ from: line, to: line });
    this.isOpen = isIn;
  }

  /** As addresses for `sed -n`: `1,500p;502p`. */
  toSed(): string {
    return this.ranges.map(({ from, to }) => (from === to ? `${from}p` : `${from},${to}p`)).join(';');
  }

  /** Empty when there are none. */
  toString(): string {
    const told = this.ranges
      .slice(0, MOST_TOLD)
      .map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`));
    const rest = this.ranges.length - told.length;
    if (rest > 0) told.push(`${rest} more ranges`);
    const last = told.pop();
    if (last === undefined) return '';
    const isOne = told.length === 0 && this.ranges[0]?.from === this.ranges[0]?.to;
    return `${isOne ? 'line' : 'lines'} ${told.length === 0 ? last : `${told.join(', ')} and ${last}`}`;
  }
}

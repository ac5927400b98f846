/**
 * Keeps the first rows in an order, of any number that are added; among equal rows those that came first.
 */
export class TopRows<Row> {
  /** How many were added. */
  count = 0;
  private kept: Row[] = [];

  constructor(
    private readonly limit: number,
    private readonly compare: (a: Row, b: Row) => number,
  ) {}

  add(rows: readonly Row[]): void {
    this.count += rows.length;
    for (const row of rows) this.kept.push(row);
    // Sorts when twice as many rows as the limit have come, so that a row costs about the logarithm of the limit.
    if (this.kept.length >= 2 * this.limit) this.kept = this.rows();
  }

  rows(): Row[] {
    return this.kept.sort(this.compare).slice(0, this.limit);
  }
}

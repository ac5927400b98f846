/** Keeps the first rows in an order, of any number that are added; of equal rows those that came first. */
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
    // Twice as many are let in before they are sorted: each row costs the logarithm of the limit.
    if (this.kept.length >= 2 * this.limit) this.kept = this.rows();
  }

  rows(): Row[] {
    return this.kept.sort(this.compare).slice(0, this.limit);
  }
}

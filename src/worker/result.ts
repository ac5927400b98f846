/** What a worker has done, in jobs. */
export interface WorkResult {
  readonly done: number;
  readonly retried: number;
  readonly dead: number;
  /** Released jobs, including those that were leased ahead. */
  readonly released: number;
  /**
   * Finished after their lease was lost, so another consumer may have them too. If the handler does not know leases,
   * the job is done all the same, and counts among those done.
   */
  readonly lateAcks: number;
  /**
   * Ended by somebody else while their lease was held: by the handler itself, or because they were removed.
   */
  readonly settled: number;
}

/** What a worker has done, in jobs. */
export interface WorkResult {
  readonly done: number;
  readonly retried: number;
  readonly dead: number;
  /** Given back, those that were leased ahead too. */
  readonly released: number;
  /**
   * Finished after their lease was lost, so that another consumer may have them too. A handler that knows no leases
   * has done them all the same, and they are among those done.
   */
  readonly lateAcks: number;
  /** Ended by somebody else while their lease was held: by the handler itself, or removed. */
  readonly settled: number;
}

/** When (ms) the next thing of each kind has to be done in the store; Infinity when there is none. */
export interface Agenda {
  readonly leaseEnd: number;
  /** When to look again at a job that waits for a newer one of its id. */
  readonly waitingAgain: number;
  readonly expiry: number;
  /** When a dead letter is to be deleted. */
  readonly deadUntil: number;
  /** The first end of a pause. */
  readonly pauseEnd: number;
  /** Paused topics. */
  readonly pauses: number;
}

/**
 * What a connection has read of the agenda, so that a call reads it again only when something may be due. A time in
 * it is never later than the one in the file. It may be too early, when its job is gone, and is read again when it
 * has come. The memory is dropped when another connection has changed the file, and after each of its own
 * transactions except those that call `keep`.
 */
export class AgendaMemory {
  private agenda: Agenda | undefined;
  /** The first time in `agenda`, without `expiry`. */
  private next = -Infinity;
  private expiry = -Infinity;
  private isKept = false;

  remember(agenda: Agenda): void {
    const { leaseEnd, waitingAgain, expiry, deadUntil, pauseEnd } = agenda;
    this.agenda = agenda;
    this.next = Math.min(leaseEnd, waitingAgain, deadUntil, pauseEnd);
    this.expiry = expiry;
  }

  rememberExpiry(at: number): void {
    this.expiry = at;
  }

  /** A lease was added that ends at this time. */
  addLeaseEnd(at: number): void {
    if (at < this.next) this.next = at;
  }

  /** A job was added that expires at this time. */
  addExpiry(at: number): void {
    if (at < this.expiry) this.expiry = at;
  }

  /** Is it certain that no job has expired by this time? */
  noneExpired(by: number): boolean {
    return this.expiry > by;
  }

  /**
   * The agenda, possibly with times that are too early, if nothing of it is due by `now`; else undefined.
   */
  whileQuiet(now: number): Agenda | undefined {
    return this.next > now && this.expiry > now ? this.agenda : undefined;
  }

  /** Within a transaction: everything that it has added is in the memory. */
  keep(): void {
    this.isKept = true;
  }

  /** Called when the work of a transaction has ended. */
  settle(): void {
    if (this.isKept) this.isKept = false;
    else this.forget();
  }

  forget(): void {
    this.agenda = undefined;
    this.next = -Infinity;
    this.expiry = -Infinity;
    this.isKept = false;
  }
}

/** Jobs by how they ended; see DrainResult. */
export interface Counts {
  done: number;
  retried: number;
  dead: number;
  released: number;
  lateAcks: number;
  settled: number;
  /** Finished by the handler, whether or not the store knows. */
  handled: number;
  /** Failures since the last job that was done. */
  failuresInARow: number;
  readonly notDone: NotDone;
}

export function newCounts(): Counts {
  return {
    ...{ done: 0, retried: 0, dead: 0, released: 0, lateAcks: 0, settled: 0, handled: 0 },
    failuresInARow: 0,
    notDone: new NotDone(),
  };
}

/** Jobs that are kept by name, some 100 bytes each. A worker that follows for weeks must not grow by its failures. */
const MAX_NAMED = 10_000;

/** The jobs that were tried and are not done: one that failed and was done when it was tried again is not among them. */
export class NotDone {
  private readonly keys = new Set<string>();
  /** Of more than are kept by name it is not known whether they were done later. */
  private unnamed = 0;

  get count(): number {
    return this.keys.size + this.unnamed;
  }

  add(key: string): void {
    if (this.keys.size < MAX_NAMED) this.keys.add(key);
    else if (!this.keys.has(key)) this.unnamed += 1;
  }

  delete(key: string): void {
    // Mostly there is none. A key that is looked for is put together and hashed, which costs each job of a drain.
    if (this.keys.size > 0) this.keys.delete(key);
  }
}

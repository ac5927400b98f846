/** How long (ms) a lock is held after its owner last took or renewed it. */
const LOCK_MS = 30_000;

/** The locks of a store, each with one owner at a time. */
export class Locks {
  private readonly held = new Map<string, { readonly owner: string; readonly until: number }>();

  /** @param hasLastMs whether a lock is still held in the millisecond in which it ends */
  constructor(private readonly hasLastMs: boolean) {}

  /** @returns undefined if the owner has the lock now; else when (ms) it is free at the latest */
  take(name: string, owner: string, now: number): number | undefined {
    const held = this.held.get(name);
    const isHeld = held && (held.until > now || (this.hasLastMs && held.until === now));
    if (isHeld && held.owner !== owner) return held.until;
    this.held.set(name, { owner, until: now + LOCK_MS });
    return undefined;
  }

  free(name: string, owner: string): void {
    if (this.held.get(name)?.owner === owner) this.held.delete(name);
  }

  times(): number[] {
    return [...this.held.values()].map(({ until }) => until);
  }
}

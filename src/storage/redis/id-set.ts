/** The initial number of slots; a set grows as it fills. */
const FIRST_SLOTS = 1 << 12;

/**
 * A set of ids, each stored as a 64-bit hash: 16 bytes an id, where a string takes a hundred. Among a million ids
 * two have the same hash with a chance of 1 in 30 million.
 */
export class IdSet {
  private high = new Uint32Array(FIRST_SLOTS);
  private low = new Uint32Array(FIRST_SLOTS);
  private count = 0;

  /** @returns false when it was in the set already */
  add(id: string): boolean {
    const [high, low] = hash(id);
    const isNew = this.put(high, low);
    if (isNew && (this.count += 1) * 2 > this.low.length) this.grow();
    return isNew;
  }

  has(id: string): boolean {
    const [high, low] = hash(id);
    return this.low[this.slotOf(high, low)] !== 0;
  }

  private put(high: number, low: number): boolean {
    const slot = this.slotOf(high, low);
    if (this.low[slot] !== 0) return false;
    this.high[slot] = high;
    this.low[slot] = low;
    return true;
  }

  /** The slot of this hash, or the free slot where it belongs. */
  private slotOf(high: number, low: number): number {
    const mask = this.low.length - 1;
    for (let slot = (high ^ low) & mask; ; slot = (slot + 1) & mask) {
      if (this.low[slot] === 0 || (this.low[slot] === low && this.high[slot] === high)) return slot;
    }
  }

  private grow(): void {
    const { high, low } = this;
    this.high = new Uint32Array(high.length * 2);
    this.low = new Uint32Array(low.length * 2);
    for (const [i, one] of low.entries()) if (one !== 0) this.put(high[i] ?? 0, one);
  }
}

/** Two different 32-bit hashes of its characters; the second is never 0, which marks a free slot. */
function hash(id: string): [high: number, low: number] {
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  for (let i = 0; i < id.length; i += 1) {
    const code = id.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul((b ^ (code + i)) >>> 0, 0x85ebca6b);
    b ^= b >>> 15;
  }
  a = Math.imul(a ^ (a >>> 16), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 13), 0x27d4eb2f);
  return [(a ^ (a >>> 15)) >>> 0, (b ^ (b >>> 16)) >>> 0 || 1];
}

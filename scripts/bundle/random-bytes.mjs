// Sixteen random bytes, from the system where it gives them as a file: Node's crypto takes 3 ms to load.
import { closeSync, openSync, readSync } from 'node:fs';

const BYTES = 16;
const pool = new Uint8Array(256 * BYTES);
let used = pool.length;

function refill() {
  used = 0;
  try {
    const device = openSync('/dev/urandom', 'r');
    const read = readSync(device, pool);
    closeSync(device);
    if (read === pool.length) return;
  } catch {
    // There is none on Windows.
  }
  crypto.getRandomValues(pool);
}

export default function rng() {
  if (used === pool.length) refill();
  used += BYTES;
  return pool.subarray(used - BYTES, used);
}

import { createHash } from 'node:crypto';
import type { Bytes } from '../core/job.js';

/** The longest file name of common file systems, in bytes. */
const MAX_NAME = 200;
const HASH_CHARS = 16;

/**
 * A file name for an id of any bytes: letters, digits, `_`, `-` and a dot that is not the first are kept, other
 * bytes become `%2F` and so on. A long name ends with a hash. Different ids have different names.
 */
export function fileNameOf(id: Bytes): string {
  const name = Array.from(id, (byte, i) => {
    const char = String.fromCharCode(byte);
    const isPlain = /[A-Za-z0-9_-]/.test(char) || (char === '.' && i > 0);
    return isPlain ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
  if (name.length <= MAX_NAME) return name;
  const hash = createHash('sha256').update(id).digest('hex').slice(0, HASH_CHARS);
  return `${name.slice(0, MAX_NAME)}%-${hash}`;
}

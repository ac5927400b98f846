import { chunks } from '../../../core/chunks.js';
import { type ListHead, lookAtHeads } from '../scripts/look.js';
import type { Read } from './read.js';

/** Ready lists that one call looks at, so that it blocks Redis for a millisecond. */
const HEADS_AT_ONCE = 200;

/** The ready lists of these topics, in order. */
export async function headsOf(read: Read, topics: readonly Buffer[]): Promise<ListHead[]> {
  const heads: ListHead[] = [];
  for (const some of chunks(topics, HEADS_AT_ONCE))
    heads.push(...(await read((target) => lookAtHeads(target, some))));
  return heads;
}

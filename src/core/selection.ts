import type { JobRecord, JobState } from './job.js';

/**
 * Which jobs a verb views or acts on. What is absent does not narrow; what is given is a conjunction.
 * Jobs that are known by id are not selected but named: see `JobGuard` in store.ts.
 */
export interface Selection {
  readonly topics: readonly Buffer[];
  readonly states?: readonly JobState[] | undefined;
  /** Due earlier than this. A job without a known due time matches neither this nor `dueAfter`. */
  readonly dueBefore?: Date | undefined;
  /** Due at this time or later. */
  readonly dueAfter?: Date | undefined;
  /** See {@link globMatcher}. */
  readonly idGlob?: string | undefined;
}

/** Answers whether a job of one of the selection's topics is selected. */
export function selectionMatcher(selection: Selection): (job: JobRecord) => boolean {
  const { dueBefore, dueAfter } = selection;
  const states = selection.states && new Set(selection.states);
  const matchesId = selection.idGlob === undefined ? () => true : globMatcher(selection.idGlob);
  return ({ id, state, dueAt }) =>
    (states?.has(state) ?? true) &&
    (dueBefore === undefined || (dueAt !== undefined && dueAt < dueBefore)) &&
    (dueAfter === undefined || (dueAt !== undefined && dueAt >= dueAfter)) &&
    matchesId(id);
}

/**
 * A glob on bytes: `*` is any number of them, `?` one, `[a-z]` one of a set (`[^a-z]` one that is not in
 * it), and a backslash takes the next character literally. Case matters. The rules are those of Redis's
 * own patterns, so that a store may do a part of the matching.
 */
export function globMatcher(glob: string): (bytes: Uint8Array) => boolean {
  // One character of latin1 stands for one byte, on both sides.
  const pattern = new RegExp(`^${toRegExp(Buffer.from(glob).toString('latin1'))}$`, 's');
  return (bytes) =>
    pattern.test(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
}

const literal = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

const GLOB_PART = /\\([\s\S])|\*+|\?|\[(\^?)((?:\\[\s\S]|[^\]\\])*)\]|[\s\S]/g;

function toRegExp(glob: string): string {
  return glob.replace(GLOB_PART, (part: string, escaped?: string, not?: string, set?: string) => {
    if (escaped !== undefined) return literal(escaped);
    if (set !== undefined) return setToRegExp(set, not === '^');
    if (part.startsWith('*')) return '.*';
    return part === '?' ? '.' : literal(part);
  });
}

function setToRegExp(set: string, negated: boolean): string {
  // An empty set matches nothing, and its negation anything.
  if (set === '') return negated ? '.' : '(?!)';
  const members = set.replace(
    /\\?([\s\S])(?:-\\?([\s\S]))?/g,
    (_: string, from: string, to: string | undefined) => {
      if (to === undefined) return literal(from);
      const [low, high] = from <= to ? [from, to] : [to, from];
      return `${literal(low)}-${literal(high)}`;
    },
  );
  return `[${negated ? '^' : ''}${members}]`;
}

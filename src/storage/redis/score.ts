import { MAX_TIMESTAMP_MS } from '../../core/timestamp.js';

/** Half a microsecond makes up for the rounding of a score: lua/lib/time.lua. */
const ROUNDING = 0.0005;

/** A score as Redis writes it. Other clients may have written infinite ones, which `Number` does not read. */
export function readScore(text: string): number {
  if (text === 'inf') return Infinity;
  return text === '-inf' ? -Infinity : Number(text);
}

/** The due time (whole ms) that a score of the pool stands for, within bounds as `from_score` of lua/lib/time.lua. */
export function dueMsOf(score: string): number {
  return Math.min(Math.max(0, Math.floor(readScore(score) * 1000 + ROUNDING)), MAX_TIMESTAMP_MS);
}

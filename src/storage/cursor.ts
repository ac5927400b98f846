import { DelayerError } from '../core/errors.js';

/** The place where a list continues, as opaque text. */
export function writeCursor(place: object): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/**
 * Reads a cursor.
 * @param toPlace makes a place of the parsed value, or returns undefined when it is not one
 * @throws DelayerError `usage` when the text is not a cursor
 */
export function readCursor<T>(
  text: string,
  toPlace: (value: Partial<Record<string, unknown>>) => T | undefined,
): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    // Any failure ends in the same error.
  }
  const place = typeof value === 'object' && value !== null ? toPlace(value) : undefined;
  if (place !== undefined) return place;
  throw new DelayerError('usage', 'invalid cursor', {
    hint: 'Use the cursor of the previous page, or leave it out for the first page.',
  });
}

/** A whole number of at least 0; places are made of these. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** The position in a list that changes: the selected row, and the first row on the screen. */
export interface ListPlace {
  readonly index: number;
  /**
   * The key of the selected row, by which it is found when the list has changed; absent in an empty list.
   */
  readonly key: string | undefined;
  readonly offset: number;
}

export const LIST_START: ListPlace = { index: 0, key: undefined, offset: 0 };

/**
 * The position after the list has changed: on the same row, wherever it is now; if it is gone, on the row in its
 * place.
 * @param height rows of the list that the screen shows
 */
export function follow(place: ListPlace, keys: readonly string[], height: number): ListPlace {
  const found = place.key === undefined ? -1 : keys.indexOf(place.key);
  return at(found === -1 ? place.index : found, place.offset, keys, height);
}

/** The place so many rows further down, or up. */
export function moveBy(place: ListPlace, rows: number, keys: readonly string[], height: number): ListPlace {
  return at(place.index + rows, place.offset, keys, height);
}

function at(index: number, offset: number, keys: readonly string[], height: number): ListPlace {
  const row = Math.max(0, Math.min(index, keys.length - 1));
  const highest = Math.max(0, keys.length - height);
  // Keeps the selected row on the screen, and the screen as full as possible.
  const first = Math.min(Math.max(Math.min(offset, row), row - height + 1), highest);
  return { index: row, key: keys[row], offset: Math.max(0, first) };
}

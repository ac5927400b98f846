/** Where somebody is in a list that changes: on which row, and which is the first on the screen. */
export interface ListPlace {
  readonly index: number;
  /** Names the row, which is looked for when the list has changed; absent in an empty list. */
  readonly key: string | undefined;
  readonly offset: number;
}

export const LIST_START: ListPlace = { index: 0, key: undefined, offset: 0 };

/**
 * The place after the list has changed: on the same row, wherever that is now; where it is gone, on the one that has
 * taken its place.
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
  // The row is on the screen, and the screen is no emptier than it has to be.
  const first = Math.min(Math.max(Math.min(offset, row), row - height + 1), highest);
  return { index: row, key: keys[row], offset: Math.max(0, first) };
}

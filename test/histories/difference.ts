/** The store and the model say different things. */
export class Difference extends Error {
  constructor(what: string, expected: unknown, seen: unknown) {
    const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value, null, 1));
    super(`${what}\n  expected: ${text(expected)}\n  seen:     ${text(seen)}`);
    this.name = 'Difference';
  }
}

/** The model allows more than one answer, and does not know what follows from the one that was given. */
export class Undecided extends Error {}

export function expectSame(what: string, expected: unknown, seen: unknown): void {
  if (JSON.stringify(expected) !== JSON.stringify(seen)) throw new Difference(what, expected, seen);
}

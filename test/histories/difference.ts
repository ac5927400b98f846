/** The store differs from the model. */
export class Difference extends Error {
  constructor(what: string, expected: unknown, seen: unknown) {
    const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value, null, 1));
    super(`${what}\n  expected: ${text(expected)}\n  seen:     ${text(seen)}`);
    this.name = 'Difference';
  }
}

/** The model allows several answers, and cannot tell what follows from the given one. */
export class Undecided extends Error {}

export function expectSame(what: string, expected: unknown, seen: unknown): void {
  if (JSON.stringify(expected) !== JSON.stringify(seen)) throw new Difference(what, expected, seen);
}

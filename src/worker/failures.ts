import type { StoreCall } from './keep-going.js';

type Part = StoreCall | 'handler';

/**
 * When several parts failed, the first of these is thrown: it matters most that something was done and the store
 * does not know it.
 */
const MOST_TELLING_FIRST: readonly Part[] = ['ack', 'handler', 'extend', 'reserve', 'release'];
/** After a failure of one of these, no more jobs are taken. */
const ENDING: readonly Part[] = ['ack', 'handler', 'extend'];

/** Failures that do not pass by themselves. */
export class Failures {
  private readonly errors: Partial<Record<Part, Error>> = {};

  /**
   * For calls of the store the last failure is kept, because it includes those before; for the handler the first.
   */
  add(part: Part, thrown: unknown): void {
    if (part === 'handler' && this.errors.handler !== undefined) return;
    this.errors[part] = toError(thrown);
  }

  get endTheWork(): boolean {
    return ENDING.some((part) => this.errors[part] !== undefined);
  }

  /** @throws the most important failure, if there is one */
  throwFirst(): void {
    for (const part of MOST_TELLING_FIRST) if (this.errors[part] !== undefined) throw this.errors[part];
  }
}

/** Anything can be thrown, also undefined, but here an absent error means that nothing has failed. */
function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

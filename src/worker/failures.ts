import type { StoreCall } from './keep-going.js';

type Part = StoreCall | 'handler';

/** Of several failures the first of these is thrown: what was done and is not known to the store matters most. */
const MOST_TELLING_FIRST: readonly Part[] = ['ack', 'handler', 'extend', 'reserve', 'release'];
/** After one of these nothing more is taken. */
const ENDING: readonly Part[] = ['ack', 'handler', 'extend'];

/** What has failed and does not pass by itself. */
export class Failures {
  private readonly errors: Partial<Record<Part, Error>> = {};

  /** The last failure of a call of the store counts, which knows of those before; of the handler the first. */
  add(part: Part, thrown: unknown): void {
    if (part === 'handler' && this.errors.handler !== undefined) return;
    this.errors[part] = toError(thrown);
  }

  get endTheWork(): boolean {
    return ENDING.some((part) => this.errors[part] !== undefined);
  }

  /** @throws the most telling one, where there is one */
  throwFirst(): void {
    for (const part of MOST_TELLING_FIRST) if (this.errors[part] !== undefined) throw this.errors[part];
  }
}

/** Anything can be thrown, and the absence of an error means that nothing has failed. */
function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

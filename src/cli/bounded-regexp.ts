import { createContext, Script } from 'node:vm';

/** Is the code of the error of a search that took too long. */
export const SEARCH_TIMED_OUT = 'ERR_SCRIPT_EXECUTION_TIMEOUT';

/** Steps that take some milliseconds. A bounded search takes half a millisecond more, so only long ones are. */
const FEW_STEPS = 1e6;

/**
 * A regular expression whose search ends after so long (ms), because nothing else interrupts one: with a group that is
 * repeated the steps may double with each character, and each repetition without an end multiplies them by the length.
 */
export function boundedRegExp(maxMs: number): RegExpConstructor {
  const call = { search: (): void => undefined };
  const context = createContext(call);
  const script = new Script('search()');
  return class extends RegExp {
    private readonly repeatsGroup = /\)(?:[*+]|\{)|\\[1-9]|\\k</.test(this.source);
    private readonly endless = this.source.match(/[*+]|,\}/g)?.length ?? 0;

    override exec(text: string): RegExpExecArray | null {
      const steps = this.repeatsGroup ? 2 ** text.length : text.length ** (this.endless + 1);
      if (steps <= FEW_STEPS) return super.exec(text);
      let found: RegExpExecArray | null = null;
      call.search = () => {
        found = super.exec(text);
      };
      script.runInContext(context, { timeout: maxMs });
      return found;
    }
  } as unknown as RegExpConstructor;
}

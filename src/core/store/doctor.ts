import type { Description, DiagnosisPart, Fault } from '../faults.js';

/** Finding what is wrong with a store, and mending it. */
export interface Doctor {
  /**
   * Looks at everything, part by part, each a short step, while others work. It changes nothing. What is only on its way
   * from one place to another is told as no fault.
   */
  diagnose(params: DiagnoseParams): AsyncIterable<DiagnosisPart>;

  /**
   * Mends faults of kinds whose remedy is `mend`. Each is looked at again in the step that mends it. A job that can be
   * saved is never removed. Answers, in order, whether it was mended; not where it is so no more, or cannot be now.
   */
  mend(params: { readonly faults: readonly Fault[] }): Promise<boolean[]>;

  /** Versions, settings and sizes, as somebody needs them who is not there: no bodies, ids or passwords. */
  describe(): Promise<Description>;
}

export interface DiagnoseParams {
  /** What is of other topics is left out, as far as that saves a look; of all topics when absent. */
  readonly topics?: readonly Buffer[] | undefined;
}

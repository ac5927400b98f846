import type { Description, DiagnosisPart, Fault } from '../faults.js';

/** Finding what is wrong with a store, and mending it. */
export interface Doctor {
  /**
   * Looks at everything, part by part, each a short step, while others work. It changes nothing. A job that is only
   * on its way from one place to another is no fault.
   */
  diagnose(params: DiagnoseParams): AsyncIterable<DiagnosisPart>;

  /**
   * Mends faults whose remedy is `mend`. The step that mends a fault first looks again whether it is still there. A
   * job that can be saved is never removed. Answers, in order, whether each was mended; false also when the fault is
   * gone, or cannot be mended now.
   */
  mend(params: { readonly faults: readonly Fault[] }): Promise<boolean[]>;

  /** Versions, settings and sizes, for a diagnosis elsewhere: no bodies, ids or passwords. */
  describe(): Promise<Description>;
}

export interface DiagnoseParams {
  /** Faults of other topics are left out, where that saves work; all topics when absent. */
  readonly topics?: readonly Buffer[] | undefined;
}

import type { Bytes } from './job.js';

/** What can be wrong with a store. */

/** `error`: jobs are lost, stuck or early, or will be. `warning`: it takes room, or is a risk. */
export type Severity = 'error' | 'warning';

/**
 * What mends a fault: `mend` of the store; removing the expired job; or maintenance. Absent where a person has to
 * decide.
 */
export type Remedy = 'mend' | 'remove' | 'maintain';

export interface FaultRule {
  readonly severity: Severity;
  readonly remedy?: Remedy;
  /** Below this number it is normal, and from this number on a fault. */
  readonly from?: number;
}

/** Every kind of fault: first those of both stores, then those of Redis, then those of SQLite. */
const FAULT_RULES = {
  due_out_of_range: { severity: 'error' },
  expires_before_due: { severity: 'error', remedy: 'mend' },
  name_empty: { severity: 'error' },
  leases_ended: { severity: 'warning', remedy: 'maintain' },
  waiting_overdue: { severity: 'warning', remedy: 'maintain' },
  lease_too_long: { severity: 'error', remedy: 'mend' },
  dead_past: { severity: 'warning', remedy: 'maintain' },
  record_gone: { severity: 'warning', remedy: 'mend' },
  record_unreadable: { severity: 'error' },
  record_too_new: { severity: 'error' },
  clock_jumped: { severity: 'warning' },

  body_gone: { severity: 'error', remedy: 'remove' },
  body_incomplete: { severity: 'error', remedy: 'remove' },
  body_wrong_type: { severity: 'error' },
  body_without_entry: { severity: 'warning' },
  due_in_the_past: { severity: 'warning', remedy: 'maintain' },
  jobs_overdue: { severity: 'warning', remedy: 'maintain' },
  doubled_entry: { severity: 'warning', remedy: 'mend' },
  entry_of_delayed: { severity: 'error', remedy: 'mend' },
  entry_of_other_topic: { severity: 'error', remedy: 'mend' },
  entries_expired: { severity: 'warning', remedy: 'mend', from: 100 },
  pool_expired: { severity: 'warning', remedy: 'maintain', from: 100 },
  entries_empty: { severity: 'warning', remedy: 'mend', from: 1000 },
  record_unlisted: { severity: 'error', remedy: 'mend' },
  record_wrong_type: { severity: 'error' },
  dead_end_wrong: { severity: 'warning', remedy: 'mend' },
  key_wrong_type: { severity: 'error' },
  key_foreign: { severity: 'warning' },
  value_strange: { severity: 'warning', remedy: 'mend' },
  notes_left: { severity: 'warning', remedy: 'mend', from: 1000 },
  lock_endless: { severity: 'error', remedy: 'mend' },
  import_endless: { severity: 'warning', remedy: 'mend' },
  no_daemon: { severity: 'warning' },
  other_daemon: { severity: 'warning' },
  original_daemon: { severity: 'warning' },
  no_persistence: { severity: 'warning' },
  persistence_fails: { severity: 'error' },
  would_evict: { severity: 'warning' },
  evicts: { severity: 'error' },
  memory_near: { severity: 'warning' },
  memory_full: { severity: 'error' },
  replica: { severity: 'error' },
  clock_differs: { severity: 'warning' },
  not_permitted: { severity: 'warning' },

  file_damaged: { severity: 'error' },
  index_damaged: { severity: 'error', remedy: 'mend' },
  index_missing: { severity: 'error', remedy: 'mend' },
  table_changed: { severity: 'error' },
  schema_foreign: { severity: 'warning' },
  number_strange: { severity: 'warning', remedy: 'mend' },
  state_unknown: { severity: 'error' },
  job_unheld: { severity: 'error', remedy: 'mend' },
  held_twice: { severity: 'error', remedy: 'mend' },
  lease_unreadable: { severity: 'error', remedy: 'mend' },
  lease_of_nothing: { severity: 'warning', remedy: 'mend' },
  row_left: { severity: 'warning', remedy: 'mend' },
  extras_unused: { severity: 'warning', remedy: 'mend', from: 1000 },
  dead_unexplained: { severity: 'warning', remedy: 'mend' },
  settings_broken: { severity: 'error', remedy: 'mend' },
  jobs_expired: { severity: 'warning', remedy: 'remove', from: 100 },
  log_long: { severity: 'warning', remedy: 'mend' },
  disk_near: { severity: 'warning' },
  disk_full: { severity: 'error' },
  open_to_all: { severity: 'warning' },
} as const satisfies Record<string, FaultRule>;

export type FaultKind = keyof typeof FAULT_RULES;

export const ruleOf = (kind: FaultKind): FaultRule => FAULT_RULES[kind];

/** A fault and its place. Fields that do not apply are absent. */
export interface Fault {
  readonly kind: FaultKind;
  readonly id?: Bytes | undefined;
  readonly topic?: Bytes | undefined;
  readonly dueAt?: Date | undefined;
  /** Redis: a key. */
  readonly key?: Bytes | undefined;
  /** Redis: the address of a client. */
  readonly client?: string | undefined;
  /** SQLite: the row of a table, as the store names it. */
  readonly row?: { readonly table: string; readonly key: string } | undefined;
  /** What was found: a type, a number, a setting, a path. */
  readonly found?: string | undefined;
  /** What should be there. */
  readonly wanted?: string | undefined;
  /** How many jobs, entries or values it stands for; 1 when absent. */
  readonly count?: number | undefined;
}

/** A part of a diagnosis. */
export interface DiagnosisPart {
  readonly faults: readonly Fault[];
  /** How many keys or rows were looked at, for showing progress. */
  readonly lookedAt: number;
  readonly total: number;
  /** There may be more of this kind than were looked for; absent when all were. */
  readonly cutOff?: FaultKind | undefined;
}

/** Faults of one kind. */
export interface Finding {
  readonly kind: FaultKind;
  readonly severity: Severity;
  readonly count: number;
  /** True when there may be more: the search stopped at this number. */
  readonly mayBeMore?: boolean | undefined;
  /** Some examples. */
  readonly examples: readonly Fault[];
}

/** A store as a diagnosis needs it: values that can be written as JSON, without bodies and passwords. */
export type Description = Readonly<Record<string, unknown>>;

/** Examples in a finding. */
const EXAMPLES = 5;

/** Counts faults by kind. */
export class FaultCounter {
  private readonly counts = new Map<FaultKind, { count: number; examples: Fault[] }>();
  private readonly cutOff = new Set<FaultKind>();

  addPart({ faults, cutOff }: Pick<DiagnosisPart, 'faults' | 'cutOff'>): void {
    for (const fault of faults) this.add(fault);
    if (cutOff !== undefined) this.cutOff.add(cutOff);
  }

  add(fault: Fault): void {
    let found = this.counts.get(fault.kind);
    if (!found) this.counts.set(fault.kind, (found = { count: 0, examples: [] }));
    found.count += fault.count ?? 1;
    if (found.examples.length < EXAMPLES) found.examples.push(fault);
  }

  /** The findings, errors first; kinds whose number is normal are left out. */
  findings(): Finding[] {
    const kinds = (Object.keys(FAULT_RULES) as FaultKind[]).filter((kind) => {
      const { count = 0 } = this.counts.get(kind) ?? {};
      return count >= (ruleOf(kind).from ?? 1);
    });
    const findings = kinds.map((kind): Finding => {
      const { count = 0, examples = [] } = this.counts.get(kind) ?? {};
      const more = this.cutOff.has(kind) ? { mayBeMore: true } : {};
      return { kind, severity: ruleOf(kind).severity, count, ...more, examples };
    });
    const bySeverity = (severity: Severity) => findings.filter((one) => one.severity === severity);
    return [...bySeverity('error'), ...bySeverity('warning')];
  }
}

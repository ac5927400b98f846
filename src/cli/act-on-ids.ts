import type { Bytes, JobState } from '../core/job.js';
import { escapeForTerminal } from '../output/escape.js';
import { writeIds } from '../output/jobs.js';
import { bytesToJson, toJsonLine } from '../output/json.js';
import { writeStdout } from '../output/stdout.js';
import { printInfo, printNote, tellsOfSuccess } from './stderr.js';

/** What became of a job that a command was to act on. */
export interface Acted {
  readonly id: Bytes;
  readonly isDone: boolean;
  /** What it was; absent when there is none of that id. */
  readonly state?: JobState | undefined;
  /** Why it was left alone, where the state alone does not explain it. */
  readonly why?: string | undefined;
  /** More for JSON, of a job that was acted on. */
  readonly more?: Record<string, unknown>;
}

/** The words of a command that acts on jobs. */
export interface Verb {
  /** `removed`: in sentences, and the name of a list in JSON beside `notRemoved`. */
  readonly done: string;
  /** Is it a success when all named jobs were acted on, or when at least one was? */
  readonly success: 'all' | 'any';
  /** Why a job of that state was left alone, where the command knows better than {@link WHY_NOT}. */
  readonly whyNot?: Partial<Record<JobState, string>>;
}

const WHY_NOT: Record<JobState, string> = {
  delayed: 'is not due yet',
  due: 'is due already',
  ready: 'is ready already',
  leased: 'is leased to a consumer',
  expired: 'has expired',
  dead: 'is a dead letter',
};

const whyNotOf = (state: JobState | undefined) => (state ? WHY_NOT[state] : 'is not in the queue');

const CARRIAGE_RETURN = 0x0d;

const leftAlone = (id: Bytes, why: string, done: string) => {
  const isOfCrlf = id.at(-1) === CARRIAGE_RETURN;
  const seen = isOfCrlf ? ' (the id ends with a carriage return, as the lines of a file with CRLF do)' : '';
  return `the job "${escapeForTerminal(id)}" ${why}${seen}; it was not ${done}`;
};

/** For how many jobs the reason is printed why they were left alone, where it is printed at the end. */
const MAX_HELD_NOTES = 100;

/**
 * Names the given jobs that are not among those that a command reads; of many, only the first and a count.
 */
export class NotesOfMissing {
  private count = 0;

  constructor(private readonly done: string) {}

  add(id: Bytes, state: JobState | undefined): void {
    this.count += 1;
    if (this.count <= MAX_HELD_NOTES) printNote(leftAlone(id, whyNotOf(state), this.done));
  }

  end(): void {
    if (this.count > MAX_HELD_NOTES) printNote(`${this.count - MAX_HELD_NOTES} more were not ${this.done}`);
  }
}

/**
 * Acts on jobs that were named, chunk by chunk, and reports each: ids, or one document of JSON, on stdout; on stderr
 * a line for each job that was left alone.
 * @param act answers for the ids of a chunk, in order
 * @returns the exit code
 */
export async function actOnIds<T extends Bytes>(
  { verb, json }: { readonly verb: Verb; readonly json: boolean },
  chunks: AsyncIterable<readonly T[]> | Iterable<readonly T[]>,
  act: (ids: readonly T[]) => Promise<readonly Omit<Acted, 'id'>[]>,
): Promise<number> {
  const report = new ActReport(verb, json);
  for await (const ids of chunks) {
    const results = await act(ids);
    await report.add(ids.map((id, i) => ({ ...(results[i] ?? { isDone: false }), id })));
  }
  await report.end();
  return report.exitCode;
}

/** Tells what became of jobs. */
class ActReport {
  private readonly done: Record<string, unknown>[] = [];
  private readonly notDone: Record<string, unknown>[] = [];
  private readonly counts = { done: 0, notDone: 0 };
  private readonly heldNotes: string[] = [];

  constructor(
    private readonly verb: Verb,
    private readonly json: boolean,
  ) {}

  get exitCode(): number {
    const { done, notDone } = this.counts;
    return (this.verb.success === 'all' ? notDone === 0 : done > 0) ? 0 : 1;
  }

  async add(results: readonly Acted[]): Promise<void> {
    const ids: Bytes[] = [];
    for (const acted of results) {
      const { id, isDone, state, more } = acted;
      this.counts[isDone ? 'done' : 'notDone'] += 1;
      if (this.json && isDone) this.done.push({ ...bytesToJson('id', id), ...more });
      else if (this.json) this.notDone.push({ ...bytesToJson('id', id), state: state ?? null });
      else if (isDone) ids.push(id);
      else this.note(acted);
    }
    if (ids.length > 0) await writeIds(ids);
  }

  async end(): Promise<void> {
    const { done: verb, success } = this.verb;
    const { done, notDone } = this.counts;
    if (this.json) {
      const not = `not${verb.slice(0, 1).toUpperCase()}${verb.slice(1)}`;
      const lists = { [verb]: this.done, [not]: this.notDone };
      await writeStdout(`${toJsonLine({ ...lists, counts: { [verb]: done, [not]: notDone } })}\n`);
      return;
    }
    if (success === 'all' && done + notDone > 1)
      printInfo(notDone === 0 ? `${done} ${verb}` : `${done} ${verb}, ${notDone} not`);
    if (success === 'all' || done > 0 || tellsOfSuccess()) return;
    for (const note of this.heldNotes) printNote(note);
    const more = notDone - this.heldNotes.length;
    if (more > 0) printNote(`${more} more were not ${verb}`);
  }

  /**
   * Where one job of several makes a success, and success prints nothing, only the end shows whether the reasons for
   * the others are to be printed. So they wait for it.
   */
  private note({ id, state, why: given }: Acted): void {
    const { done, success, whyNot } = this.verb;
    const note = leftAlone(id, given ?? (state && whyNot?.[state]) ?? whyNotOf(state), done);
    if (success === 'all') printNote(note);
    else if (tellsOfSuccess()) printInfo(note);
    else if (this.heldNotes.length < MAX_HELD_NOTES) this.heldNotes.push(note);
  }
}

import { parseDuration } from '../../../core/duration.js';
import type { LeasedJob } from '../../../core/job.js';
import type { Outcome } from '../../handler.js';

/** Lines of outcomes are short; without a newline after so many bytes the output is taken as invalid. */
const MAX_LINE_BYTES = 64 * 1024;
const SHOWN_CHARS = 100;
const FIELDS = ['lease', 'outcome', 'delay', 'reason'];

/**
 * Reads the outcomes that a batch handler prints, a line of JSON for each job: `{"lease", "outcome": "done" |
 * "retry" | "dead", "delay", "reason"}`. Each lease is ended when its line is read.
 */
export class OutcomeReader {
  /** What was wrong with the first invalid line; nothing is read after it. */
  error: string | undefined;
  private hasEnded = false;
  private rest = '';
  private readonly decoder = new TextDecoder();
  private readonly places = new Map<string, number>();

  constructor(
    jobs: readonly LeasedJob[],
    private readonly settle: (place: number, outcome: Outcome) => boolean,
    private readonly onError: () => void,
  ) {
    for (const [place, { lease }] of jobs.entries()) this.places.set(lease, place);
  }

  write(chunk: Buffer): void {
    if (this.hasEnded || this.error !== undefined) return;
    const lines = (this.rest + this.decoder.decode(chunk, { stream: true })).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.read(line);
    if (this.rest.length > MAX_LINE_BYTES) this.fail('the line is too long', this.rest);
  }

  /**
   * The handler has ended. A last line without a newline counts as well; what processes that it left running print
   * does not, because its jobs have their outcomes.
   */
  end(): void {
    this.hasEnded = true;
    const { rest } = this;
    this.rest = '';
    this.read(rest);
  }

  private read(line: string): void {
    if (this.error !== undefined || line.trim() === '') return;
    let given: unknown;
    try {
      given = JSON.parse(line);
    } catch {
      this.fail('it is not valid JSON', line);
      return;
    }
    if (typeof given !== 'object' || given === null) {
      this.fail('it is not an object', line);
      return;
    }
    const unknown = Object.keys(given).find((name) => !FIELDS.includes(name));
    if (unknown === undefined) this.settleBy(given, line);
    else this.fail(`unknown field ${JSON.stringify(unknown)}`, line);
  }

  private settleBy(given: object, line: string): void {
    const { lease } = given as { lease?: unknown };
    const place = typeof lease === 'string' ? this.places.get(lease) : undefined;
    const outcome = toOutcome(given);
    if (typeof outcome === 'string' && outcome !== 'done') this.fail(outcome, line);
    else if (place === undefined) this.fail('its lease is not of this batch', line);
    else if (!this.settle(place, outcome)) this.fail('its lease has an outcome already', line);
  }

  private fail(why: string, line: string): void {
    if (this.error !== undefined) return;
    this.error = `a line on stdout is not an outcome (${why}): ${line.slice(0, SHOWN_CHARS)}`;
    this.onError();
  }
}

/** @returns the outcome, or what is wrong */
function toOutcome(given: object): Exclude<Outcome, 'release'> | `unknown ${string}` | `invalid ${string}` {
  const { outcome, delay, reason } = given as Record<string, unknown>;
  if (reason !== undefined && typeof reason !== 'string') return 'invalid reason';
  if (delay !== undefined && outcome !== 'retry') return 'invalid delay: only a retry has one';
  switch (outcome) {
    case 'done':
      return 'done';
    case 'dead':
      return { dead: true, reason };
    case 'retry':
      return delay === undefined ? { reason } : toRetry(delay, reason);
    default:
      return 'unknown outcome';
  }
}

/** Seconds, or a duration: `10m`. */
function toRetry(delay: unknown, reason: string | undefined): Exclude<Outcome, string> | `invalid ${string}` {
  try {
    const text = typeof delay === 'string' ? delay : JSON.stringify(delay);
    return { retryInMs: parseDuration(text, 'the delay'), reason };
  } catch {
    return 'invalid delay';
  }
}

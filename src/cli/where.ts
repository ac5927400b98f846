import { isUtf8 } from 'node:buffer';
import { DelayerError } from '../core/errors.js';
import { jobCount, type JobRecord } from '../core/job.js';
import { boundedRegExp, SEARCH_TIMED_OUT } from './bounded-regexp.js';
import { printNote } from './stderr.js';

/** A compiled `--where`. */
export interface Where {
  /** A job on which the expression fails does not match. */
  matches(job: JobRecord): Promise<boolean>;
  /** For how many jobs it failed, and the first error. */
  readonly failed: { readonly count: number; readonly reason: string };
  /** Called before the jobs are gone through again: earlier failures do not count. */
  restart(): void;
}

/** Reports the jobs on which a condition failed, because the user did not ask to leave these out. */
export function tellOfFailed(where: Where | undefined): void {
  if (!where || where.failed.count === 0) return;
  const { count, reason } = where.failed;
  printNote(`--where failed for ${jobCount(count)}, which counted as not matching: ${reason}`);
}

/** How long (ms) an expression may take for one job: meanwhile no signal is handled. */
const MAX_MS = 3000;
/** The code of JSONata's error when it takes longer. */
const TIMED_OUT = 'D1012';

/** An error of JSONata. */
interface JsonataError {
  readonly code?: string;
  readonly message?: string;
  readonly position?: number;
}

/**
 * Compiles an expression of JSONata, which sees `{ id, topic, state, dueAt, attempts, body }`, with the body as JSON
 * if it is JSON, else as text. The library is loaded here, when it is needed.
 * @throws DelayerError `usage` for a text that is no expression, with the place of the error
 */
export async function readWhere(expression: string): Promise<Where> {
  const { default: jsonata } = await import('jsonata');
  let condition: ReturnType<typeof jsonata>;
  try {
    condition = jsonata(expression, { timeout: MAX_MS, RegexEngine: boundedRegExp(MAX_MS) });
  } catch (error) {
    const { message, position } = error as JsonataError;
    const place = position === undefined ? '' : ` at character ${position}`;
    throw new DelayerError('usage', `invalid expression for --where${place}: ${message ?? 'unknown error'}`, {
      hint: `Write a JSONata expression, such as: --where 'body.amount > 100 and attempts = 0'.`,
    });
  }
  const failed = { count: 0, reason: '' };
  const matches = async (job: JobRecord): Promise<boolean> => {
    try {
      return isTrue(await condition.evaluate(toInput(job)));
    } catch (error) {
      const { code } = error as JsonataError;
      if (code === TIMED_OUT || code === SEARCH_TIMED_OUT)
        throw new DelayerError('usage', `--where takes more than ${MAX_MS / 1000} s for one job`, {
          hint:
            code === TIMED_OUT
              ? 'Does the expression call itself without an end?'
              : 'Write the regular expression without repeated groups.',
        });
      failed.count += 1;
      if (failed.count === 1) failed.reason = (error as JsonataError).message ?? String(error);
      return false;
    }
  };
  const restart = () => {
    failed.count = 0;
  };
  return { matches, failed, restart };
}

/** Truth as JSONata's own `$boolean` defines it. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isTrue);
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function toInput({ id, topic, state, dueAt, attempts, body }: JobRecord) {
  const text = body?.toString();
  return {
    id: id.toString(),
    topic: topic?.toString(),
    state,
    dueAt: dueAt?.toISOString(),
    attempts,
    body: text === undefined || body === undefined || !isUtf8(body) ? text : parsed(text),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

import { readFileSync } from 'node:fs';
import { DelayerError } from '../../core/errors.js';
import { MAX_BODY_BYTES } from '../../core/job.js';
import { keepHangupIgnored } from '../signals.js';
import { isStdin, openStdin } from './lines.js';

/** How a user gives a body. */
export interface GivenBody {
  /** An argument; `-` is for the bytes of stdin. */
  readonly arg: string | undefined;
  /** Does the argument stand behind `--`, where a dash is a dash? */
  readonly isLiteral: boolean;
  /** The values of --body and --file. */
  readonly text: string | undefined;
  readonly file: string | undefined;
}

/**
 * The body that was given as an argument, by --body or by --file.
 * @returns nothing when none was
 * @throws DelayerError `usage`; also when it was given twice
 */
export async function readGivenBody({ arg, isLiteral, text, file }: GivenBody): Promise<Buffer | undefined> {
  if (arg !== undefined && (text ?? file) !== undefined)
    throw new DelayerError(
      'usage',
      `BODY and --${text === undefined ? 'file' : 'body'} cannot be used together`,
      { hint: 'Leave one of them out.' },
    );
  if (text !== undefined) return textBody(text);
  if (file !== undefined) return readBodyFile(file);
  if (arg === undefined) return undefined;
  return isStdin(arg) && !isLiteral ? readBody() : textBody(arg);
}

/** @throws DelayerError `usage` for a body that is not JSON */
export function assertJson(body: Buffer): void {
  try {
    // A byte order mark is not JSON, and PHP refuses it, too.
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch (error) {
    throw new DelayerError('usage', `the body is not JSON: ${(error as Error).message}`, {
      hint: 'Put it in single quotes for the shell, or leave --check-json out.',
      cause: error,
    });
  }
}

/** The body of a push that is given as text. */
function textBody(text: string): Buffer {
  // Node puts this character in the place of bytes that are not valid UTF-8.
  if (!text.includes('\ufffd')) return Buffer.from(text);
  throw new DelayerError('usage', 'BODY is not valid UTF-8', {
    hint: 'Give such a body on stdin, with -.',
  });
}

/**
 * A body that a file holds.
 * @throws DelayerError `usage` when it cannot be read
 */
function readBodyFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new DelayerError('usage', `cannot read the file: ${(error as Error).message}`, {
      hint: 'Name a file that holds the body.',
      cause: error,
    });
  }
}

/**
 * The body of a push: the bytes of stdin.
 * @throws DelayerError `usage` when it is larger than a body may be; stdin is read no further then
 */
async function readBody(): Promise<Buffer> {
  keepHangupIgnored();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of openStdin()) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new DelayerError('usage', 'The body on stdin is larger than 512 MiB', {
        hint: 'Store it elsewhere and push its address.',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

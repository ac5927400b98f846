import { readFileSync } from 'node:fs';
import { DelayerError } from '../../core/errors.js';
import { MAX_BODY_BYTES } from '../../core/job.js';
import { keepHangupIgnored } from '../signals.js';
import { openStdin } from './lines.js';

/** The body of a push that is given as text. */
export function textBody(text: string): Buffer {
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
export function readBodyFile(path: string): Buffer {
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
export async function readBody(): Promise<Buffer> {
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

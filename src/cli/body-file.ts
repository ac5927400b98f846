import {
  accessSync,
  constants,
  existsSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DelayerError } from '../core/errors.js';
import { assertRegularFile } from './regular-file.js';

/** The file of `--body-file`: it always holds either the whole body of a job or its former content. */
export class BodyFile {
  /** Where it is, symbolic links followed. */
  private readonly path: string;

  /** @throws DelayerError before a job is taken, where no file can be written there */
  constructor(readonly name: string) {
    if (name === '') throw new DelayerError('usage', '--body-file is empty', { hint: 'Name a file.' });
    try {
      assertRegularFile(name, '--body-file');
      this.path = existsSync(name) ? realpathSync(name) : name;
      accessSync(dirname(this.path), constants.W_OK);
    } catch (error) {
      throw this.failure(error);
    }
  }

  /**
   * Puts a body in its place, readable for this user alone.
   * @throws DelayerError `output_failed`
   */
  write(body: Uint8Array): void {
    const part = `${this.path}.${process.pid}.part`;
    try {
      writeFileSync(part, body, { mode: 0o600, flag: 'wx' });
      renameSync(part, this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') remove(part);
      throw this.failure(error);
    }
  }

  /** Removes the file again: its job was given back. */
  discard(): void {
    remove(this.path);
  }

  private failure(error: unknown): DelayerError {
    if (error instanceof DelayerError) return error;
    return new DelayerError('output_failed', `cannot write the body file: ${(error as Error).message}`, {
      hint: 'Name a file in a folder that can be written to, with room for it.',
      cause: error,
    });
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The file is gone, or was never made.
  }
}

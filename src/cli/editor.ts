import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DelayerError } from '../core/errors.js';
import { isTerminal } from '../output/terminal.js';
import { stderrIsTerminal } from './stderr.js';

const STDIN = 0;
const NEWLINE = 0x0a;
/** Keys that interrupt the foreground program are meant for the editor while it runs. */
const KEY_SIGNALS = ['SIGINT', 'SIGQUIT'] as const;

/** @throws DelayerError `usage` where there is no terminal for an editor */
export function assertCanEdit(): void {
  if (isTerminal(STDIN) && stderrIsTerminal()) return;
  throw new DelayerError(
    'usage',
    'neither a body nor --ttl is given, and there is no terminal for an editor',
    {
      hint: 'Give --body TEXT, --file PATH, - for stdin, or --ttl.',
    },
  );
}

/** A body in a file for an editor, in a folder of its own that only this user can enter. */
export class EditedFile {
  private readonly folder = mkdtempSync(join(tmpdir(), 'delayer-edit-'));
  readonly path = join(this.folder, 'body');

  constructor(private readonly body: Buffer) {
    writeFileSync(this.path, body, { mode: 0o600 });
  }

  /**
   * Lets the user edit it with $VISUAL, else $EDITOR, else vi. Editors end a text with a newline: one that was put
   * behind a body that had none is left out.
   * @returns the body as it is then; nothing when it is the same
   * @throws DelayerError `usage` when the editor cannot be started, or failed
   */
  async edit(): Promise<Buffer | undefined> {
    // It may be a command with arguments, as for git and crontab.
    const editor = [process.env.VISUAL, process.env.EDITOR].find((name) => name) ?? 'vi';
    const code = await runOnTerminal('sh', ['-c', `${editor} "$@"`, editor, this.path]);
    if (code !== 0)
      throw new DelayerError('usage', `the editor ended with ${code}: nothing was changed`, {
        hint: `Set VISUAL or EDITOR to an editor that works; this was ${editor}.`,
      });
    const edited = this.read();
    const hasNewline = (bytes: Buffer) => bytes.at(-1) === NEWLINE;
    const body = hasNewline(edited) && !hasNewline(this.body) ? edited.subarray(0, -1) : edited;
    return body.equals(this.body) ? undefined : body;
  }

  private read(): Buffer {
    try {
      return readFileSync(this.path);
    } catch (error) {
      throw new DelayerError('usage', 'the editor left no file that can be read: nothing was changed', {
        hint: 'Save the body under the name with which the editor was started.',
        cause: error,
      });
    }
  }

  discard(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function runOnTerminal(program: string, args: readonly string[]): Promise<number | NodeJS.Signals> {
  const ignore = () => undefined;
  for (const signal of KEY_SIGNALS) process.on(signal, ignore);
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: 'inherit' });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        resolve(code ?? signal ?? 1);
      });
    });
  } finally {
    for (const signal of KEY_SIGNALS) process.off(signal, ignore);
  }
}

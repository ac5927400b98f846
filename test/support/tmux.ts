import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.js';

const run = promisify(execFile);

/** A terminal of tmux with a shell in it. */
export interface TmuxTerminal {
  /** Types keys by their names in tmux (`Enter`, `C-c`), or text. */
  press(...keys: string[]): Promise<void>;
  /** Types a line, and Enter. */
  typeLine(line: string): Promise<void>;
  /** The lines on the screen, without trailing blanks. */
  lines(): Promise<string[]>;
  /** Waits until a pattern is on the screen. @returns its lines */
  shows(pattern: RegExp): Promise<string[]>;
  /** Waits until a pattern is not on the screen. */
  showsNo(pattern: RegExp): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** States of the terminal by their names in tmux, such as `alternate_on` and `cursor_flag`. */
  flags(...names: string[]): Promise<string>;
}

/** Gives each test a terminal, on a tmux server that the suite shares. */
export function useTmux(
  env: () => Readonly<Record<string, string>>,
  size = { columns: 80, rows: 24 },
): TmuxTerminal {
  let folder = '';
  let session = 0;
  const tmux = async (...args: string[]) => {
    const { stdout } = await run('tmux', ['-S', join(folder, 'socket'), '-f', '/dev/null', ...args]);
    return stdout;
  };
  const target = () => `t${session}`;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'delayer-tmux-'));
  });
  beforeEach('open a terminal', async () => {
    session += 1;
    const { columns, rows } = size;
    const settings: Record<string, string> = { ...env(), LC_ALL: 'C.UTF-8' };
    // By `env`, because the tmux server keeps the PATH with which it was started.
    const given = Object.entries(settings).map(([name, value]) => `${name}='${value}'`);
    const shell = `exec env ${given.join(' ')} bash --norc --noprofile`;
    const window = ['-x', String(columns), '-y', String(rows), '-c', settings.HOME ?? folder];
    await tmux('-u', 'new-session', '-d', '-s', target(), ...window, shell);
    await terminal.shows(/[$#] *$/m);
  });
  afterEach('close it', async () => {
    await tmux('kill-session', '-t', target()).catch(() => undefined);
  });
  after(async () => {
    await tmux('kill-server').catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  });

  const terminal: TmuxTerminal = {
    press: async (...keys) => {
      await tmux('send-keys', '-t', target(), ...keys);
    },
    typeLine: async (line) => {
      await tmux('send-keys', '-t', target(), '-l', line);
      await tmux('send-keys', '-t', target(), 'Enter');
    },
    lines: async () => (await tmux('capture-pane', '-p', '-t', target())).split('\n').slice(0, -1),
    shows: (pattern) =>
      eventually(
        async () => {
          const lines = await terminal.lines();
          if (!pattern.test(lines.join('\n')))
            throw new Error(`${String(pattern)} is not on the screen:\n${lines.join('\n')}`);
          return lines;
        },
        { everyMs: 30 },
      ),
    showsNo: async (pattern) => {
      await eventually(async () => !pattern.test((await terminal.lines()).join('\n')), { everyMs: 30 });
    },
    resize: async (columns, rows) => {
      await tmux('resize-window', '-t', target(), '-x', String(columns), '-y', String(rows));
    },
    flags: async (...names) =>
      (
        await tmux('display-message', '-p', '-t', target(), names.map((name) => `#{${name}}`).join(' '))
      ).trim(),
  };
  return terminal;
}

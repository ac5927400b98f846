import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Env, Outcome } from './cli.js';

const SCRIPT = fileURLToPath(new URL('reused.cjs', import.meta.url));
/** Behind the output of each run: this, the exit code and a newline. */
const MARK = `\0${randomBytes(16).toString('hex')} `;
const END = new RegExp(`${MARK}(\\d+)\n$`);
/** More bytes than an end has. */
const TAIL = 64;

/** What a run has printed on one stream. */
class Printed {
  private readonly chunks: Buffer[] = [];
  private tail = '';

  add(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.tail = (this.tail + chunk.subarray(-TAIL).toString('latin1')).slice(-TAIL);
  }

  /** The exit code, when all was read. */
  get code(): number | undefined {
    const [, code] = END.exec(this.tail) ?? [];
    return code === undefined ? undefined : Number(code);
  }

  get bytes(): Buffer {
    const all = Buffer.concat(this.chunks);
    const [end = ''] = END.exec(this.tail) ?? [];
    return all.subarray(0, all.length - end.length);
  }
}

/** A process that runs the program once after the other (reused.cjs). It is started by the first run. */
export class ReusedProcess {
  private child: ChildProcess | undefined;
  /** The run under way; `look` ends it when all was read. */
  private current:
    { readonly stdout: Printed; readonly stderr: Printed; readonly look: () => void } | undefined;

  constructor(private readonly program: string) {}

  get isIdle(): boolean {
    return this.current === undefined;
  }

  /** Only for one that is idle. */
  async run(args: readonly string[], options: { readonly cwd: string; readonly env: Env }): Promise<Outcome> {
    const child = (this.child ??= this.start());
    const [stdout, stderr] = [new Printed(), new Printed()];
    const end = (code: number | null, signal: NodeJS.Signals | null): Outcome => ({
      ...{ code, signal, stdout: stdout.bytes, stderr: stderr.bytes.toString() },
    });
    return new Promise((resolve) => {
      const onClose = (code: number | null, signal: NodeJS.Signals | null) => {
        this.child = this.current = undefined;
        resolve(end(code, signal));
      };
      const look = () => {
        const { code } = stdout;
        if (code === undefined || stderr.code === undefined) return;
        child.off('close', onClose);
        this.current = undefined;
        resolve(end(code, null));
      };
      this.current = { stdout, stderr, look };
      child.once('close', onClose);
      child.send({ args, ...options });
    });
  }

  /** Kills it while it runs a command, which a test has left behind. */
  endRun(): void {
    if (this.current !== undefined) this.child?.kill('SIGKILL');
  }

  close(): void {
    this.child?.kill('SIGKILL');
  }

  private start(): ChildProcess {
    const env = { PATH: process.env.PATH };
    const child = spawn(process.execPath, [SCRIPT, this.program, MARK.slice(1)], {
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      this.current?.stdout.add(chunk);
      this.current?.look();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.current?.stderr.add(chunk);
      this.current?.look();
    });
    return child;
  }
}

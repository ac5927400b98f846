import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobRecord } from '../../src/core/job.js';
import type { CliGround } from '../support/cli.js';
import { eventually } from '../support/eventually.js';

export const TOPIC = 'topic';

/** What tests of `drain --exec` share: jobs, and files that handlers write. */
export class Ground {
  constructor(private readonly cli: CliGround) {}

  async push(...ids: string[]): Promise<void> {
    const queue = await this.cli.queue();
    await queue.pushMany(ids.map((id) => ({ id, topic: TOPIC, body: `body of ${id}` })));
  }

  async find(id: string): Promise<JobRecord | undefined> {
    return (await (await this.cli.queue()).find(id))[0];
  }

  async states(...ids: string[]): Promise<(string | undefined)[]> {
    return Promise.all(ids.map(async (id) => (await this.find(id))?.state));
  }

  path(name: string): string {
    return join(this.cli.home, name);
  }

  /** The content of a file that a handler has written in the home folder. */
  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  /** Waits until a file ends with a complete line; returns its content without the newline, such as a process id. */
  async line(name: string): Promise<string> {
    await eventually(() => existsSync(this.path(name)) && this.read(name).endsWith('\n'), {
      withinMs: 15_000,
    });
    return this.read(name).trimEnd();
  }
}

/** Whether a process with this id runs and is not a zombie. */
export function isAlive(pid: string | number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

export const isGone = async (pid: string | number): Promise<void> => {
  await eventually(() => !isAlive(pid), { withinMs: 15_000 });
};

/** The signals that a process has not handled yet, as a sum of bit masks; 0 if there are none. */
export function pendingSignals(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return [...status.matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm)].reduce(
    (sum, [, bits = '0']) => sum + parseInt(bits, 16),
    0,
  );
}

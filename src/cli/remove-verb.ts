import { type Archive, removing } from '../bulk/acts.js';
import type { Queue } from '../core/queue.js';
import { RemovedFile } from '../output/removed-file.js';
import type { Acting } from './act-on-selection.js';
import { removedFolder } from './config/settings.js';
import { printInfo, printNote } from './stderr.js';

export interface ArchiveFlags {
  readonly 'no-archive': boolean;
}

/** The file in which a command keeps what it removes, unless that was declined. */
export class RemovedJobs {
  private file: RemovedFile | undefined;

  constructor(
    private readonly command: 'remove' | 'purge' | 'doctor',
    private readonly flags: ArchiveFlags,
  ) {}

  /** @throws OutputError where nothing can be written */
  open(queue: Queue): Archive | undefined {
    if (this.flags['no-archive']) return undefined;
    this.file ??= RemovedFile.create(removedFolder(), { store: queue.label, command: this.command });
    return this.file;
  }

  /** The file; absent while nothing was removed. */
  get path(): string | undefined {
    return this.file?.path;
  }

  /** Prints where the removed jobs are; after a failure even on a pipe. */
  end(isComplete: boolean): void {
    const removed = this.file?.end();
    if (this.file === undefined || removed === 'none') return;
    const { path } = this.file;
    const message =
      removed === 'some'
        ? `the removed jobs are in ${path}; \`delayer import\` restores them`
        : `it is unknown whether the jobs in ${path} were removed; \`delayer import\` says how to restore those that are gone`;
    if (isComplete) printInfo(message);
    else printNote(message);
  }
}

/** Removes the jobs of a selection. */
export function removeVerb(command: 'remove' | 'purge', flags: ArchiveFlags): Acting {
  const kept = new RemovedJobs(command, flags);
  return {
    verb: command,
    past: 'removed',
    start: (queue) => removing(queue, kept.open(queue)),
    // While the store removes some jobs, the next ones are written as text.
    underWay: 2,
    end: (isComplete) => {
      kept.end(isComplete);
    },
  };
}

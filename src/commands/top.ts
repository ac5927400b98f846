import { promoting, removing } from '../bulk/acts.js';
import type { Act } from '../bulk/sweep.js';
import { BaseCommand } from '../cli/base-command.js';
import { positiveDuration } from '../cli/flags.js';
import { RemovedJobs } from '../cli/remove-verb.js';
import { Interruption } from '../cli/signals.js';
import { loadTable } from '../cli/tables.js';
import { openTty } from '../cli/tty.js';
import { DelayerError } from '../core/errors.js';
import type { JobRecord } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { MAX_TIMER_MS } from '../core/timer.js';
import type { JobActs } from '../top/top.js';

const INTERVAL_MS = 2000;
/** More frequent counts would show nothing more, and cost the store more. */
const SHORTEST_MS = 100;

const INSTEAD = 'Use `delayer inspect`: with --watch it refreshes, with --json it is for programs.';

export default class TopCommand extends BaseCommand {
  static override summary = 'Watch topics and jobs in full screen, and act on them.';
  static override description = `It shows how many jobs enter and leave per second, how many there are in each state, and how long the oldest ready job has waited. Enter opens a topic, and in a topic a job, with everything that is known of it; ? shows the keys. p promotes a job, r removes it, P pauses or resumes a topic; each asks for confirmation. A removed job is first kept in a file in $XDG_STATE_HOME/delayer/removed, from which import restores it.
If there are many jobs, counts of topics are estimates, as with inspect.`;
  static override usage = 'top [flags]';
  static override examples = [
    '<%= config.bin %> top',
    '<%= config.bin %> top --store redis://db.internal --interval 10s',
  ];
  static override flags = {
    interval: positiveDuration('interval')({ description: 'time between refreshes [default: 2s]' }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(TopCommand);
    const { interval: intervalMs = INTERVAL_MS } = flags;
    if (intervalMs < SHORTEST_MS || intervalMs > MAX_TIMER_MS)
      throw new DelayerError('usage', `--interval is too ${intervalMs < SHORTEST_MS ? 'short' : 'long'}`, {
        hint: 'From 100ms to 24d.',
      });
    if (flags.json) throw new DelayerError('usage', 'top prints no JSON', { hint: INSTEAD });
    const tty = openTty(INSTEAD);
    const { runTop } = await loadTable(() => import('../top/top.js'));
    const interruption = new Interruption({ withQuit: true });
    this.interruption = interruption;
    const kept = new RemovedJobs('remove', { 'no-archive': false });
    await this.withQueue(flags, async (queue) => {
      try {
        await runTop(queue, { intervalMs, tty, acts: actsOn(queue, kept), signal: interruption.signal });
      } finally {
        // Calls that are still under way are not waited for.
        interruption.abort();
        kept.end(true);
      }
    });
  }
}

function actsOn(queue: Queue, kept: RemovedJobs): JobActs {
  const isDone = async (act: Act, job: JobRecord) => (await act([job]))[0] === 'done';
  return {
    promote: (job) => isDone(promoting(queue), job),
    remove: (job) => isDone(removing(queue, kept.open(queue)), job),
    keptIn: () => kept.path,
  };
}

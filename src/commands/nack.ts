import * as Flags from '../cli/oclif/flags.js';
import { duration, durationOrZero } from '../cli/flags.js';
import { LeaseCommand, NOT_HELD_TEXT } from '../cli/lease-command.js';
import { NOT_HELD, type Settled } from '../cli/settle.js';
import type { NackResult } from '../core/results.js';
import { iso } from '../output/json.js';

export default class Nack extends LeaseCommand {
  static override summary =
    'Report jobs as failed: each is retried after a pause, or becomes a dead letter if no retry is left.';
  static override description = `Retries and pauses are those of the job (push --retries --backoff), else those of its consumer (pop --lease --retries --backoff), else 3 retries after 1s..10m.
${NOT_HELD_TEXT}`;
  static override usage = ['nack LEASE... [--delay DURATION] [flags]', 'nack LEASE... --dead [flags]'];
  static override examples = [
    '<%= config.bin %> nack "$lease" --reason "$(tail -n 5 errors)"',
    '<%= config.bin %> nack "$lease" --delay 30s',
    '<%= config.bin %> nack "$lease" --dead --reason "no such order"',
  ];
  static override flags = {
    delay: duration('delay')({
      description: 'retry DURATION from now, instead of after the backoff of the job',
      exclusive: ['dead'],
    }),
    dead: Flags.boolean({ description: 'make the job a dead letter, even if retries are left' }),
    'dead-ttl': durationOrZero('dead-ttl')({
      description: 'keep dead letters for DURATION; 0 means for ever',
      dependsOn: ['dead'],
    }),
    reason: Flags.string({
      helpValue: 'TEXT',
      description: 'why the job failed, any text; of more than 4 KiB only the end is kept',
    }),
  };

  override async run(): Promise<void> {
    const given = await this.parse(Nack);
    const { delay, dead, reason } = given.flags;
    const failure = {
      ...{ delayMs: delay, dead, deadTtlMs: given.flags['dead-ttl'] },
      reason: reason === '' ? undefined : reason,
    };
    await this.settleLeases(
      given,
      async (queue, leases) => (await queue.nack(leases, failure)).map(toSettled),
      // With --dead the user knows that the job is dead.
      (lease, { outcome }) =>
        outcome === 'dead' && !dead
          ? `no retry was left, and the job is a dead letter now: ${lease}`
          : undefined,
    );
  }
}

function toSettled({ outcome, dueAt }: NackResult): Settled {
  if (outcome === 'not_held') return NOT_HELD;
  return outcome === 'dead' ? { outcome } : { outcome, dueAt: iso(dueAt) };
}

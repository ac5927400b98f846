import type { JobState } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { type Acting, type ActingFlags, actOnSelection, assertAllowed } from './act-on-selection.js';
import { BaseCommand } from './base-command.js';
import { isSelecting, type Selected, type SelectionFlags, toSelected } from './selection-flags.js';
import { Interruption } from './signals.js';

/** The values of the flags of such a command. */
export interface SelectingFlags extends SelectionFlags, ActingFlags {
  readonly store?: string | undefined;
  readonly prefix?: string | undefined;
  readonly base64: boolean;
  readonly limit?: number | undefined;
}

/** What a command does with a selection, and how it goes through it. */
export interface SelectedActing extends Acting {
  /** Changes how the selection is gone through. */
  readonly adjust?: ((through: Selected, queue: Queue) => Selected | Promise<Selected>) | undefined;
}

/** A command that acts on the jobs of a selection. */
export abstract class SelectingCommand extends BaseCommand {
  /**
   * @param states used where `--state` is not given
   * @throws DelayerError `usage` where nothing is selected
   */
  protected async selectedBy(
    flags: SelectingFlags,
    states: readonly JobState[],
  ): Promise<(queue: Queue) => Promise<Selected>> {
    if (!isSelecting(flags)) throw this.missing('ID or a selection such as --topic');
    return toSelected(flags, { states, toBytes: (text) => this.toBytes(text, flags.base64) });
  }

  /** Asks and acts as the flags say; a signal ends it after the jobs in hand. */
  protected async actOnSelected(
    flags: Omit<SelectingFlags, keyof SelectionFlags>,
    select: (queue: Queue) => Selected | Promise<Selected>,
    { adjust = (through) => through, ...acting }: SelectedActing,
  ): Promise<void> {
    assertAllowed(flags);
    this.interruption = new Interruption();
    const { signal } = this.interruption;
    await this.withQueue(flags, async (queue) => {
      const through = await adjust(await select(queue), queue);
      this.endWith(await actOnSelection(queue, through, acting, flags, signal));
    });
  }
}

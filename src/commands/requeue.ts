import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { type RequeueHow, type Requeued, requeueIds, requeueTopics } from '../bulk/requeue.js';
import { countBehindDashes } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { assertCanAsk, confirm } from '../cli/confirm.js';
import { type DeadTopics, findDeadTopics, isGlob, type TopicPattern } from '../cli/dead-topics.js';
import { count, duration } from '../cli/flags.js';
import { readsStdin } from '../cli/input/arguments.js';
import { showDryRun } from '../cli/requeue-dry-run.js';
import { RequeueReport } from '../cli/requeue-report.js';
import { printNote } from '../cli/stderr.js';
import { DelayerError } from '../core/errors.js';
import type { Queue } from '../core/queue.js';

/** Flags of a selection: ids that are named are acted on as they are. */
const ofSelection = { dependsOn: ['topic'] };

export default class Requeue extends BaseCommand {
  static override summary = 'Make dead letters jobs again; prints the ids it requeued.';
  static override description = `A job is requeued with its body and its whole ready lifetime, and has all its retries again. Of several dead letters of an id it is the latest. A job whose id is in the queue anew is left alone.
Exit code 1 when one of the ids was not requeued, or none of a selection.`;
  static override usage = ['requeue ID... [flags]', 'requeue --topic TOPIC [flags]'];
  static override examples = [
    '<%= config.bin %> requeue 32',
    '<%= config.bin %> requeue --topic close_order --dry-run',
    `<%= config.bin %> requeue --topic 'close_*' --spread 10m --yes`,
    '<%= config.bin %> requeue - < ids.txt',
  ];
  static override args = {
    id: Args.string({ multiple: true, description: 'ids, or - for one a line on stdin' }),
  };
  static override flags = {
    topic: Flags.string({
      multiple: true,
      helpValue: 'TOPIC',
      description: 'the dead letters of this topic; * ? [a-z] and \\ make it a glob',
    }),
    delay: duration('delay')({ description: 'due so long from now [default: 0]' }),
    spread: duration('spread')({ description: 'the due times evenly over so long after that' }),
    'keep-attempts': Flags.boolean({ description: 'count on from the attempts they had' }),
    limit: count('limit')({ description: 'requeue no more than so many', ...ofSelection }),
    'dry-run': Flags.boolean({ description: 'count them and show some, and do nothing', ...ofSelection }),
    yes: Flags.boolean({ description: 'do not ask', ...ofSelection }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Requeue);
    const { base64, json, limit = Infinity } = flags;
    const ids = args.id ?? [];
    if (ids.length > 0 && flags.topic !== undefined)
      throw new DelayerError('usage', 'ID and --topic cannot be used together', {
        hint: `Leave one of them out. Usage: ${this.usage}`,
      });
    if (ids.length === 0 && flags.topic === undefined) throw this.missing('ID or --topic');
    const how = {
      ...{ delayMs: flags.delay ?? 0, spreadMs: flags.spread ?? 0 },
      keepAttempts: flags['keep-attempts'],
    };
    if (flags.topic === undefined)
      return this.report(json, true, flags, (queue) => this.named(queue, ids, base64, how));

    const patterns = flags.topic.map((text) => this.toPattern(text, base64));
    if (!flags.yes && !flags['dry-run']) assertCanAsk();
    await this.report(json, false, flags, async (queue) => {
      const isCounted = !flags.yes || flags['dry-run'] || how.spreadMs > 0;
      const found = await findDeadTopics(queue, patterns, isCounted);
      if (flags['dry-run']) {
        this.endWith(await showDryRun(queue, found, limit, json));
        return undefined;
      }
      if (!flags.yes && !(await this.isWanted(found, limit))) return undefined;
      const total = found.count && Math.min(found.count, limit);
      return requeueTopics(queue, found.topics, limit, { ...how, total });
    });
  }

  /** Requeues, and tells of it; nothing is requeued where there is nothing to go through. */
  private async report(
    json: boolean,
    named: boolean,
    flags: { store?: string | undefined; prefix?: string | undefined },
    start: (queue: Queue) => AsyncIterable<Requeued[]> | Promise<AsyncIterable<Requeued[]> | undefined>,
  ): Promise<void> {
    await this.withQueue(flags, async (queue) => {
      const requeueing = await start(queue);
      if (requeueing === undefined) return;
      const report = new RequeueReport(json, named);
      let isComplete = false;
      try {
        for await (const results of requeueing) await report.add(results);
        isComplete = true;
      } finally {
        await report.end(isComplete);
      }
      this.endWith(report.exitCode);
    });
  }

  private named(queue: Queue, ids: string[], base64: boolean, how: RequeueHow): AsyncIterable<Requeued[]> {
    const given = { args: ids, literalCount: countBehindDashes(this.argv) };
    const isKnown = !ids.some((_, i) => readsStdin(given, i));
    return requeueIds(queue, this.idsOf(ids, base64), { ...how, total: isKnown ? ids.length : undefined });
  }

  private toPattern(text: string, base64: boolean): TopicPattern {
    if (text === '')
      throw new DelayerError('usage', '--topic is empty', { hint: 'Give it at least one byte.' });
    return base64 || !isGlob(text) ? { topic: this.toBytes(text, base64) } : { glob: text };
  }

  private async isWanted({ topics, count = 0 }: DeadTopics, limit: number): Promise<boolean> {
    if (count > 0) {
      const jobs = Math.min(count, limit);
      const letters = `${jobs} dead ${jobs === 1 ? 'letter' : 'letters'}`;
      if (
        await confirm(`requeue ${letters} of ${topics.length} ${topics.length === 1 ? 'topic' : 'topics'}?`)
      )
        return true;
      printNote('nothing was requeued');
    } else printNote('there is no such dead letter');
    this.endWith(1);
    return false;
  }
}

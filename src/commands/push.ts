import * as Args from '../cli/oclif/args.js';
import * as Flags from '../cli/oclif/flags.js';
import { countBehindDashes } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { backoff, duration, positiveDuration, retries, timestamp } from '../cli/flags.js';
import { readBody, textBody } from '../cli/input/body.js';
import { isStdin } from '../cli/input/lines.js';
import { describeDueTime } from '../cli/input/time.js';
import { reportPush } from '../cli/push-report.js';
import { runBatch } from '../cli/push-batch.js';
import { printInfo } from '../cli/stderr.js';
import { DelayerError } from '../core/errors.js';
import { writeId } from '../output/jobs.js';
import { bytesToJson, iso } from '../output/json.js';

export default class Push extends BaseCommand {
  static override summary = 'Add a job, or many with --batch; prints the id of each.';
  static override description = `BODY is the text itself, or - for the bytes of stdin. --body TEXT takes any text, a dash too, and never reads stdin; so does a BODY behind --.
With --batch, FILE (or stdin) holds a job a line, as JSON: {"id","topic","body","delay","ttl","retries","backoff"}; all but topic and body may be left out. Jobs as delayer prints them are accepted as well, but for leased ones.
A push of an id that exists is accepted when topic and body are the same, and changes nothing then; other content is a conflict (exit code 65).`;
  static override usage = ['push TOPIC BODY [flags]', 'push --batch [FILE] [flags]'];
  static override examples = [
    `<%= config.bin %> push close_order '{"orderID":32}' --id 32 --delay 30m --ttl 30s`,
    `<%= config.bin %> push report - --at 2026-03-01T06:00:00Z < report.json`,
    `<%= config.bin %> push --batch jobs.ndjson`,
    `<%= config.bin %> push close_order '{"orderID":32}' --retries 10 --backoff 1s..10m`,
    `while IFS= read -r line; do <%= config.bin %> push lines --body "$line"; done < file`,
  ];
  static override args = {
    topic: Args.string({ description: 'the topic; with --batch, FILE' }),
    body: Args.string({ description: 'the body, or - for stdin' }),
  };
  static override flags = {
    body: Flags.string({ helpValue: 'TEXT', description: 'the body, any text; - is a dash' }),
    id: Flags.string({ description: 'the id; a new UUID when absent' }),
    delay: duration('delay')({
      description: 'due so long from now: 10, 30m, 1h30m [default: 0]',
      exclusive: ['at'],
    }),
    at: timestamp('at')({
      description:
        'due at this time: ISO 8601, @unixseconds, +1h, or words: tomorrow 9:00; in the past means now',
    }),
    ttl: positiveDuration('ttl')({
      description: 'ready so long after its due time, then expired [default: 7d]',
    }),
    retries: retries({
      description: "try it again so many times, before what its consumer says [default: its consumer's]",
    }),
    backoff: backoff({
      description:
        "the pause before its first retry, doubled each time up to the last [default: its consumer's]",
    }),
    replace: Flags.boolean({ description: 'overwrite a job of that id', exclusive: ['if-absent'] }),
    'if-absent': Flags.boolean({ description: 'leave a job of that id as it is, and succeed' }),
    batch: Flags.boolean({
      description: 'read jobs from FILE or stdin',
      exclusive: ['body', 'id', 'delay', 'at', 'ttl', 'retries', 'backoff', 'base64'],
    }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Push);
    const onExisting = flags.replace ? 'replace' : flags['if-absent'] ? 'keep' : 'refuse';
    if (flags.batch) {
      if (args.body !== undefined)
        throw new DelayerError('usage', '--batch takes one FILE and no BODY', {
          hint: `Usage: ${this.usage}`,
        });
      const { topic: file } = args;
      const exitCode = await this.withQueue(flags, (queue) => runBatch(queue, file, onExisting, flags.json));
      this.endWith(exitCode);
      return;
    }
    if (args.topic === undefined) throw this.missing('TOPIC');
    const topic = this.toBytes(args.topic, flags.base64);
    const id = flags.id === undefined ? undefined : this.toBytes(flags.id, flags.base64);
    const body = await this.body(args.body, flags.body);
    const request = {
      ...{ topic, body, id, delayMs: flags.delay, at: flags.at, ttlMs: flags.ttl },
      ...{ retries: flags.retries, backoff: flags.backoff },
    };
    const receipt = await this.withQueue(flags, (queue) => queue.push(request, { onExisting }));
    reportPush(receipt);
    if (flags.at !== undefined) printInfo(`due ${describeDueTime(flags.at, new Date())}`);
    const { outcome, dueAt } = receipt;
    if (flags.json) await this.printJson({ ...bytesToJson('id', receipt.id), outcome, dueAt: iso(dueAt) });
    else await writeId(receipt.id);
  }

  private async body(arg: string | undefined, flag: string | undefined): Promise<Buffer> {
    if (arg !== undefined && flag !== undefined)
      throw new DelayerError('usage', 'BODY and --body cannot be used together', {
        hint: 'Leave one of them out.',
      });
    if (flag !== undefined) return textBody(flag);
    if (arg === undefined) throw this.missing('BODY');
    // An argument behind -- is data: a dash there is a dash.
    return isStdin(arg) && countBehindDashes(this.argv) === 0 ? readBody() : textBody(arg);
  }
}

import * as Args from '../cli/oclif/args.js';
import * as Flags from '../cli/oclif/flags.js';
import { countBehindDashes } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { backoff, duration, positiveDuration, retries, timestamp } from '../cli/flags.js';
import { assertJson, readGivenBody } from '../cli/input/body.js';
import { describeDueTime } from '../cli/input/time.js';
import { reportPush } from '../cli/push-report.js';
import { runBatch } from '../cli/push-batch.js';
import { printInfo } from '../cli/stderr.js';
import { DelayerError } from '../core/errors.js';
import { writeId } from '../output/jobs.js';
import { bytesToJson, iso } from '../output/json.js';

export default class Push extends BaseCommand {
  static override summary = 'Add a job, or many with --batch; prints the id of each.';
  static override description = `BODY is the text itself, or - for the bytes of stdin. --body TEXT takes any text, a dash too, and never reads stdin; so does a BODY after --. --file PATH reads it from a file.
With --batch, FILE (or stdin) holds one job per line, as JSON: {"id","topic","body","delay","ttl","retries","backoff"}; only topic and body are required. Jobs as delayer prints them are accepted too, except leased ones.
A push of an id that exists with the same topic and body succeeds and changes nothing; with other content it is a conflict (exit code 65).`;
  static override usage = ['push TOPIC BODY [flags]', 'push --batch [FILE] [flags]'];
  static override examples = [
    `<%= config.bin %> push close_order '{"orderID":32}' --id 32 --delay 30m --ttl 30s`,
    `<%= config.bin %> push report - --at 2026-03-01T06:00:00Z < report.json`,
    `<%= config.bin %> push --batch jobs.ndjson`,
    `<%= config.bin %> push close_order '{"orderID":32}' --retries 10 --backoff 1s..10m`,
    `while IFS= read -r line; do <%= config.bin %> push lines --body "$line"; done < file`,
  ];
  static override args = {
    topic: Args.string({ description: 'the topic; with --batch: FILE' }),
    body: Args.string({ description: 'the body, or - for stdin' }),
  };
  static override flags = {
    body: Flags.string({
      helpValue: 'TEXT',
      description: 'the body, any text; - is taken literally',
      exclusive: ['file'],
    }),
    file: Flags.string({ helpValue: 'PATH', description: 'read the body from the file PATH' }),
    'check-json': Flags.boolean({ description: 'refuse a body that is not JSON' }),
    id: Flags.string({ description: 'the id; a new UUID when absent' }),
    delay: duration('delay')({
      description: 'due DURATION from now: 10, 30m, 1h30m [default: 0]',
      exclusive: ['at'],
    }),
    at: timestamp('at')({
      description:
        'due at TIME: ISO 8601, @unixseconds, +1h, or words: tomorrow 9:00; a time in the past means now',
    }),
    ttl: positiveDuration('ttl')({
      description: 'the job expires if it is not taken within DURATION after its due time [default: 7d]',
    }),
    retries: retries({
      description: "retry the job at most N times when it fails; overrides the consumer's --retries",
    }),
    backoff: backoff({
      description:
        "pause before the first retry, doubled for each further retry up to LAST; overrides the consumer's --backoff",
    }),
    replace: Flags.boolean({ description: 'overwrite a job of the same id', exclusive: ['if-absent'] }),
    'if-absent': Flags.boolean({
      description: 'leave a job of the same id unchanged, a leased one too, and exit with 0',
    }),
    batch: Flags.boolean({
      description: 'read jobs from FILE or stdin, one per line as JSON',
      exclusive: ['body', 'file', 'check-json', 'id', 'delay', 'at', 'ttl', 'retries', 'backoff', 'base64'],
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
    const isLiteral = countBehindDashes(this.argv) > 0;
    const given = { arg: args.body, isLiteral, text: flags.body, file: flags.file };
    const body = await readGivenBody(given);
    if (body === undefined) throw this.missing('BODY');
    if (flags['check-json']) assertJson(body);
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
}

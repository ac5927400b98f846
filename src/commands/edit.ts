import * as Args from '../cli/oclif/args.js';
import * as Flags from '../cli/oclif/flags.js';
import { actOnIds, type Acted, type Verb } from '../cli/act-on-ids.js';
import { countBehindDashes } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { assertCanEdit, EditedFile } from '../cli/editor.js';
import { positiveDuration } from '../cli/flags.js';
import { readGivenBody } from '../cli/input/body.js';
import { printNote } from '../cli/stderr.js';
import type { JobRecord } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { EditResult } from '../core/results.js';

const VERB: Verb = {
  done: 'edited',
  success: 'all',
  whyNot: {
    delayed: 'waits until another job of its id is gone, or was changed meanwhile',
    due: 'was changed meanwhile',
    ready: 'was changed meanwhile',
  },
};
const EDITABLE: readonly string[] = ['delayed', 'due', 'ready'];

type Outcome = Omit<Acted, 'id'>;

export default class Edit extends BaseCommand {
  static override summary =
    'Change the body or the ready lifetime of a job that no consumer has taken yet, in its place.';
  static override description = `BODY is the text itself, or - for the bytes of stdin; --body TEXT takes any text. With neither body nor --ttl an editor opens on a terminal ($VISUAL, $EDITOR, else vi); a newline that it adds to the end of the body is removed.
Due time, place in the queue and attempts do not change. --ttl counts from the due time, as with push.
Exit code 1 if the job was not edited: it is leased, a dead letter, not in the queue, would have expired by the new --ttl, was changed while the editor was open, or was left unchanged in the editor.`;
  static override usage = ['edit ID BODY [flags]', 'edit ID [flags]'];
  static override examples = [
    '<%= config.bin %> edit 32',
    `<%= config.bin %> edit 32 '{"orderID":33}'`,
    '<%= config.bin %> edit 32 --file order.json --ttl 7d',
    'jq .orderID=33 order.json | <%= config.bin %> edit 32 -',
  ];
  static override args = {
    id: Args.string({ required: true, description: 'the id' }),
    body: Args.string({ description: 'the new body, or - for stdin' }),
  };
  static override flags = {
    body: Flags.string({
      helpValue: 'TEXT',
      description: 'the new body, any text; - is taken literally',
      exclusive: ['file'],
    }),
    file: Flags.string({ helpValue: 'PATH', description: 'read the new body from the file PATH' }),
    ttl: positiveDuration('ttl')({
      description: 'the job expires if it is not taken within DURATION after its due time',
    }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Edit);
    const { ttl: ttlMs, json } = flags;
    const id = this.toBytes(args.id, flags.base64);
    const isLiteral = countBehindDashes(this.argv) > 0;
    const given = { arg: args.body, isLiteral, text: flags.body, file: flags.file };
    const body = await readGivenBody(given);
    const inEditor = body === undefined && ttlMs === undefined;
    if (inEditor) assertCanEdit();
    const exitCode = await this.withQueue(flags, (queue) =>
      actOnIds({ verb: VERB, json }, [[id]], async () => [
        inEditor ? await editByHand(queue, id) : toOutcome(await queue.edit({ id, body, ttlMs })),
      ]),
    );
    this.endWith(exitCode);
  }
}

function toOutcome({ edited, state, isOver }: EditResult): Outcome {
  const why = isOver === true ? 'would have expired already with that --ttl' : undefined;
  return { isDone: edited, state, why, more: { state } };
}

/**
 * If the job has changed while the editor was open, it is left alone, and the new text is kept in a file.
 */
async function editByHand(queue: Queue, id: Buffer): Promise<Outcome> {
  const jobs = await queue.find(id);
  const job = jobs.find(isEditable);
  if (!job) return { isDone: false, state: jobs[0]?.state };
  const file = new EditedFile(job.body);
  let isKept = false;
  try {
    const body = await file.edit();
    if (body === undefined)
      return { isDone: false, state: job.state, why: 'was left unchanged in the editor' };
    isKept = true;
    const { dueAt, body: ifBody } = job;
    const result = await queue.edit({ id, dueAt, ifBody, body });
    isKept = !result.edited;
    return toOutcome(result);
  } finally {
    if (isKept) printNote(`the edited text is in ${file.path}`);
    else file.discard();
  }
}

function isEditable(job: JobRecord): job is JobRecord & { readonly body: Buffer } {
  return EDITABLE.includes(job.state) && job.isWaiting !== true && job.body !== undefined;
}

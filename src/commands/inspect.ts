import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.js';
import { count, optionalArg } from '../cli/flags.js';
import { showFlawed, showJobs, showOverview, showReasons, showTopic } from '../cli/inspect-views.js';
import { DelayerError } from '../core/errors.js';
import { JOB_STATES } from '../core/job.js';

export default class Inspect extends BaseCommand {
  static override summary = 'Show what is in the queue: all topics, the jobs of one, or one job.';
  static override examples = [
    '<%= config.bin %> inspect',
    '<%= config.bin %> inspect --exact',
    '<%= config.bin %> inspect close_order --state ready --limit 20',
    '<%= config.bin %> inspect close_order --state dead',
    '<%= config.bin %> inspect close_order --group-by reason',
    '<%= config.bin %> inspect --id 32',
    '<%= config.bin %> inspect --problems',
  ];
  static override args = { topic: optionalArg('show the jobs of this topic') };
  static override flags = {
    id: Flags.string({ description: 'show the job of this id', exclusive: ['state', 'limit', 'cursor'] }),
    exact: Flags.boolean({
      description: 'count all jobs, where they are so many that the overview estimates topics',
      exclusive: ['id', 'problems', 'state', 'limit', 'cursor', 'group-by'],
    }),
    problems: Flags.boolean({
      description: 'show the jobs that something is wrong with',
      exclusive: ['id', 'state', 'cursor'],
    }),
    state: Flags.option({ options: JOB_STATES, multiple: true, delimiter: ',' as const })({
      description: 'only jobs in these states',
    }),
    'group-by': Flags.option({ options: ['reason'] as const })({
      description: 'count the dead letters of TOPIC by why they failed',
      exclusive: ['id', 'problems', 'limit', 'cursor'],
    }),
    limit: count('limit')({ description: 'jobs on a page [default: 50]' }),
    cursor: Flags.string({ description: 'where the page before has ended' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Inspect);
    const { state, limit, cursor, base64, json, problems } = flags;
    const isGrouped = flags['group-by'] !== undefined;
    const topic = args.topic === undefined ? undefined : this.toBytes(args.topic, base64);
    const id = flags.id === undefined ? undefined : this.toBytes(flags.id, base64);
    if (id !== undefined && topic !== undefined)
      throw new DelayerError('usage', 'TOPIC and --id cannot be used together', {
        hint: 'Leave one of them out.',
      });
    if (problems && topic !== undefined)
      throw new DelayerError('usage', 'TOPIC and --problems cannot be used together', {
        hint: 'Leave one of them out: problems are those of all topics.',
      });
    if (!problems && id === undefined && topic === undefined && (state ?? limit ?? cursor) !== undefined)
      throw new DelayerError('usage', '--state, --limit and --cursor need a TOPIC', {
        hint: `Usage: ${this.usage}`,
      });
    if (isGrouped && topic === undefined)
      throw new DelayerError('usage', '--group-by needs a TOPIC', { hint: `Usage: ${this.usage}` });
    if (isGrouped && state?.some((one) => one !== 'dead'))
      throw new DelayerError('usage', 'dead letters alone have a reason to group by', {
        hint: 'Leave --state out, or write --state dead.',
      });
    if (flags.exact && topic !== undefined)
      throw new DelayerError('usage', 'TOPIC and --exact cannot be used together', {
        hint: 'Leave one of them out: --exact is for the counts of all topics.',
      });
    await this.withQueue(flags, async (queue) => {
      let jobs: number | undefined;
      if (problems) jobs = await showFlawed(queue, limit, json);
      else if (id !== undefined) jobs = await showJobs(queue, id, json);
      else if (topic !== undefined && isGrouped) jobs = await showReasons(queue, topic, json);
      else if (topic !== undefined)
        jobs = await showTopic(queue, topic, { states: state, limit, cursor }, json);
      else await showOverview(queue, { json, exact: flags.exact });
      if (jobs === 0) this.endWith(1);
    });
  }
}

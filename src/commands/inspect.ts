import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.js';
import { terminalWidth, wantsColour } from '../cli/config/settings.js';
import { count, optionalArg } from '../cli/flags.js';
import { say } from '../cli/stderr.js';
import { DelayerError } from '../core/errors.js';
import { JOB_STATES, type JobState } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { tellStory } from '../output/explain.js';
import { jobCardJson, jobPageJson, surveyJson } from '../output/inspect-json.js';
import { stdoutIsTerminal, writeStdout } from '../output/stdout.js';

export default class Inspect extends BaseCommand {
  static override summary = 'Show what is in the queue: all topics, the jobs of one, or one job.';
  static override examples = [
    '<%= config.bin %> inspect',
    '<%= config.bin %> inspect close_order --state ready --limit 20',
    '<%= config.bin %> inspect --id 32',
  ];
  static override args = { topic: optionalArg('show the jobs of this topic') };
  static override flags = {
    id: Flags.string({ description: 'show the job of this id', exclusive: ['state', 'limit', 'cursor'] }),
    state: Flags.option({
      options: JOB_STATES,
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',' as const,
    })({
      description: 'only jobs in these states',
    }),
    limit: count('limit')({ description: 'jobs on a page [default: 50]' }),
    cursor: Flags.string({ description: 'where the page before has ended' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Inspect);
    if (flags.id !== undefined && args.topic !== undefined) {
      throw new DelayerError('usage', 'Name a TOPIC or an --id, not both');
    }
    const { id, state, limit, cursor, base64, json } = flags;
    await this.withQueue(flags, async (queue) => {
      if (id !== undefined) return this.showJob(queue, this.toBytes(id, base64), json);
      if (args.topic === undefined) {
        if (state ?? limit ?? cursor)
          throw new DelayerError('usage', '--state, --limit and --cursor need a TOPIC');
        return this.showOverview(queue, json);
      }
      const query = { states: state as JobState[] | undefined, limit: limit ?? 50, cursor };
      return this.showTopic(queue, this.toBytes(args.topic, base64), query, json);
    });
  }

  private async showOverview(queue: Queue, json: boolean): Promise<void> {
    const survey = await queue.survey();
    if (json) return this.printJson(surveyJson(queue.store.label, survey));
    const tables = await loadTables();
    await writeStdout(tables.overviewTable(survey, await queue.store.now()));
  }

  private async showTopic(
    queue: Queue,
    topic: Buffer,
    query: Parameters<Queue['list']>[1],
    json: boolean,
  ): Promise<void> {
    const page = await queue.list(topic, query);
    if (page.jobs.length === 0) this.endWith(1);
    if (json) return this.printJson(jobPageJson(topic, page));
    if (page.jobs.length === 0) {
      say('no such jobs');
      return;
    }
    const tables = await loadTables();
    const columns = stdoutIsTerminal() ? terminalWidth() : undefined;
    await writeStdout(tables.jobsTable(page.jobs, await queue.store.now(), columns));
    if (page.cursor !== undefined) say(`there are more: add --cursor ${page.cursor}`);
  }

  private async showJob(queue: Queue, id: Buffer, json: boolean): Promise<void> {
    const [jobs, now] = await Promise.all([queue.find(id), queue.store.now()]);
    if (jobs.length === 0) this.endWith(1);
    const told = jobs.map((job) => ({ job, story: tellStory(job, now) }));
    if (json) return this.printJson(jobCardJson(told));
    if (jobs.length === 0)
      say('there is no job of that id: it was taken, removed or cleared away, or never pushed');
    const tables = await loadTables();
    for (const { job, story } of told) await writeStdout(tables.jobCard(job, story, now));
  }
}

/** Tables and colours are loaded by those who look at them alone. */
async function loadTables(): Promise<typeof import('../output/table.js')> {
  const tables = await import('../output/table.js');
  tables.useColour(stdoutIsTerminal() && wantsColour());
  return tables;
}

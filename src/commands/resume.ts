import * as Args from '../cli/oclif/args.js';
import { BaseCommand } from '../cli/base-command.js';
import { bytesToJson } from '../output/json.js';

export default class Resume extends BaseCommand {
  static override summary = 'Resume paused topics; consumers that wait for them wake up.';
  static override description = 'A topic that is not paused is left unchanged.';
  static override usage = 'resume TOPIC... [flags]';
  static override examples = ['<%= config.bin %> resume close_order'];
  static override args = {
    topic: Args.string({ required: true, multiple: true, description: 'the topics' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Resume);
    const topics = this.toTopics(args.topic, flags.base64);
    await this.withQueue(flags, (queue) => queue.resume(topics));
    if (flags.json) await this.printJson({ resumed: topics.map((topic) => bytesToJson('topic', topic)) });
  }
}

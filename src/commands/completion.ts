import { BaseCommand } from '../cli/base-command.js';
import { completionScript, SHELLS } from '../cli/completion/script.js';
import { nearest } from '../cli/nearest.js';
import * as Args from '../cli/oclif/args.js';
import { DelayerError } from '../core/errors.js';
import { writeStdout } from '../output/stdout.js';

export default class Completion extends BaseCommand {
  static override summary = 'Print the script by which a shell completes commands, flags and values.';
  static override description = `Load it in bash and zsh at the start of the shell, or put it into a file where zsh and fish look for it.
It completes commands, flags, the values of flags that have a fixed set, files, and names of contexts. It does not ask the store: topics and ids are not completed.
After an upgrade, make a file again that was written before.`;
  static override usage = `completion ${SHELLS.join('|')}`;
  static override examples = [
    'source <(<%= config.bin %> completion bash)    # in ~/.bashrc',
    'source <(<%= config.bin %> completion zsh)     # in ~/.zshrc, after compinit',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/delayer.fish',
  ];
  static override args = {
    shell: Args.string({ required: true, options: [...SHELLS], description: 'the shell' }),
  };

  override async run(): Promise<void> {
    const { args } = await this.parse(Completion);
    const shell = SHELLS.find((one) => one === args.shell);
    if (shell === undefined) {
      const meant = nearest(args.shell, SHELLS);
      throw new DelayerError('usage', `unknown shell ${JSON.stringify(args.shell)}`, {
        hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}The shells are ${SHELLS.join(', ')}.`,
      });
    }
    await writeStdout(completionScript(shell, this.root, Object.keys(BaseCommand.baseFlags)));
  }
}

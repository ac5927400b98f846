import type { Command as OclifCommand } from '@oclif/core/command';
import type { ArgInput, FlagInput } from '@oclif/core/interfaces';

/** What a command knows of how it was called. */
export interface Call {
  /** Its name. */
  readonly id: string;
  /** The folder of package.json. */
  readonly root: string;
}

/**
 * A command as oclif knows it: a class with a static `run`; oclif makes help and manifest of its other static
 * members. oclif's own base class would load its configuration, parser and errors, which are not used
 * (docs/design.md). oclif itself is loaded when somebody asks for help.
 */
export abstract class Command {
  static summary: string | undefined;
  static description: string | undefined;
  static usage: string | string[] | undefined;
  static examples: OclifCommand.Example[] | undefined;
  static args: ArgInput = {};
  static flags: FlagInput = {};
  /** Shared by all commands of this base. */
  static baseFlags: FlagInput = {};
  static strict = true;

  protected readonly id: string;
  protected readonly root: string;

  constructor(
    protected readonly argv: string[],
    { id, root }: Call,
  ) {
    this.id = id;
    this.root = root;
  }

  static async run(
    this: new (argv: string[], call: Call) => Command,
    argv: string[],
    call: Call,
  ): Promise<void> {
    const command = new this(argv, call);
    let failure: Error | undefined;
    try {
      await command.run();
    } catch (error) {
      failure = error as Error;
      await command.catch(failure);
    } finally {
      command.finally(failure);
    }
  }

  protected get ctor(): typeof Command {
    return this.constructor as typeof Command;
  }

  abstract run(): Promise<void>;

  /** Reports the error that ended it. */
  protected abstract catch(error: Error): Promise<void>;

  /** Runs last, whatever happened. */
  protected abstract finally(error: Error | undefined): void;
}

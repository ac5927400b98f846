import { expect } from 'chai';
import { forEachStore } from '../support/cli.js';
import { HOUR_MS, idsOf } from '../support/jobs.js';
import { useTmux } from '../support/tmux.js';

describe('the confirmation of a command on a terminal', () => {
  forEachStore((cli) => {
    const terminal = useTmux(() => ({
      ...cli.env,
      HOME: cli.home,
      PATH: `${cli.home}/bin:${process.env.PATH ?? ''}`,
    }));
    const ask = async (verb: string) => {
      const queue = await cli.queue();
      await queue.push({ id: 'a', topic: 'topic', body: 'b', delayMs: HOUR_MS });
      await terminal.typeLine(`delayer ${verb} --topic topic; echo "code $?"`);
      await terminal.shows(/delayer: \w+ 1 job \(1 delayed\)\? \[y\/N\] *$/m);
      return async () => idsOf((await queue.list('topic', { states: ['delayed'] })).jobs);
    };

    for (const verb of ['remove', 'promote']) {
      it(`${verb} ends at once at Ctrl-C, and leaves the job alone`, async () => {
        const left = await ask(verb);
        await terminal.press('C-c');
        await terminal.shows(/nothing was (removed|promoted)/);
        // bash ends a line whose command died of Ctrl-C.
        await terminal.typeLine('echo "code $?"');
        await terminal.shows(/^code 130$/m);
        expect(await left()).to.deep.equal(['a']);
      });

      it(`${verb} acts after a y, and not after anything else`, async () => {
        const left = await ask(verb);
        await terminal.typeLine('n');
        await terminal.shows(/^code 1$/m);
        expect(await left()).to.deep.equal(['a']);
        await terminal.typeLine(`clear; delayer ${verb} --topic topic; echo "code $?"`);
        await terminal.shows(/\[y\/N\] *$/m);
        await terminal.typeLine('y');
        await terminal.shows(/^code 0$/m);
        expect(await left()).to.deep.equal([]);
      });
    }
  });
});

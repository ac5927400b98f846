import { expect } from 'chai';
import { forEachStore, idsIn, linesOf } from '../support/cli.js';
import { Ground, TOPIC } from './handlers.js';

/** Control characters: in JSON each takes six, so this body is longer than a string of V8 can be. */
const TOO_LARGE = Buffer.alloc(90_000_000, 1);
const SAYS_SO = /the job \\?"big\\?" is too large for a line of JSON; print its body alone/;

describe('a job that is longer as JSON than a string can be', function () {
  this.timeout(240_000);
  forEachStore((cli, itOnce) => {
    const ground = new Ground(cli);
    const expectDead = async (reason: RegExp) => {
      const job = await ground.find('big');
      expect(job).to.include({ state: 'dead' });
      expect(job?.reason).to.match(reason);
    };

    // One test, because such a job takes long to push.
    itOnce('views say so, an export leaves it out, and drain sets it aside and goes on', async () => {
      const queue = await cli.queue();
      await queue.push({ id: 'big', topic: TOPIC, body: TOO_LARGE });
      await queue.push({ id: 'small', topic: TOPIC, body: 'small' });
      for (const args of [
        ['--id', 'big'],
        [TOPIC, '--limit', '1'],
      ]) {
        const view = await cli.run(['inspect', ...args, '--json']);
        expect(view.code, view.stderr).to.equal(74);
        expect(view.stderr).to.match(SAYS_SO);
      }

      const exported = await cli.run(['export']);
      expect(exported.code, exported.stderr).to.equal(74);
      expect(exported.stderr).to.match(SAYS_SO);
      expect(idsIn(linesOf(exported))).to.deep.equal(['small']);

      const printed = await cli.run(['drain', TOPIC]);
      expect(printed.code, printed.stderr).to.equal(4);
      expect(printed.stderr.trimEnd().split('\n')).to.have.length(1);
      expect(idsIn(linesOf(printed))).to.deep.equal(['small']);
      await expectDead(SAYS_SO);

      await queue.requeue(['big']);
      await queue.push({ id: 'small', topic: TOPIC, body: 'small' });
      const handled = await cli.run(['drain', TOPIC, '--batch-size', '9', '--exec', 'wc -l']);
      expect(handled.code, handled.stderr).to.equal(4);
      expect(linesOf(handled).map(Number)).to.deep.equal([1]);
      await expectDead(/^too large for a line of JSON; a handler without --batch-size gets its body$/);
    });
  });
});

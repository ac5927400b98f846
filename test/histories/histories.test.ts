import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MAX_SEED, runHistories } from './run.js';
import type { StoreName } from './operations.js';

/** The long form is `npm run test:histories`, with another seed each time. */
const OPERATIONS = 1500;
/** The same each time: what is tested before a change lands is what was tested while it was made. */
const SEED = 20_261_126;

describe('random histories', () => {
  for (const store of ['redis', 'sqlite'] satisfies StoreName[]) {
    it(`${store}: whatever is done, each answer and each view is that of the model`, async function () {
      this.slow(20_000);
      const { failure } = await runHistories({ store, seed: SEED, operations: OPERATIONS, shrink: true });
      const again = `npm run test:histories -- --store ${store} --seed ${failure?.seed} --path ${failure?.path}`;
      expect(failure, `${failure?.account}\n${again}`).to.be.undefined;
    });
  }

  it('a seed that is none is a usage error of one line', () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    try {
      execFileSync(process.execPath, ['--import=tsx', main, '--seed', 'x'], {
        stdio: 'pipe',
        encoding: 'utf8',
      });
      expect.fail('it ran');
    } catch (error) {
      const { status, stderr } = error as { status: number; stderr: string };
      expect({ status, stderr }).to.deep.equal({
        status: 2,
        stderr: `--seed is not a whole number from 0 to ${MAX_SEED}: x\n`,
      });
    }
  });
});

import { expect } from 'chai';
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MAX_SEED, runHistories } from './run.js';
import type { StoreName } from './operations.js';

/** The short form; the long one is `npm run test:histories`, with another seed each time. */
const OPERATIONS = 1000;
/** The same in each run, so that a failure can be repeated. */
const SEED = 20_261_126;

describe('random histories', () => {
  for (const store of ['redis', 'sqlite'] satisfies StoreName[]) {
    it(`${store}: each answer and each view agrees with the model, whatever is done`, async function () {
      this.slow(20_000);
      const { failure } = await runHistories({ store, seed: SEED, operations: OPERATIONS, shrink: true });
      const again = `npm run test:histories -- --store ${store} --seed ${failure?.seed} --path ${failure?.path}`;
      expect(failure, `${failure?.account}\n${again}`).to.be.undefined;
    });
  }

  it('redis: the same with small limits, which lists and leases of histories exceed', function () {
    this.slow(40_000);
    const args = ['--small-limits', '--store', 'redis', '--seed', `${SEED}`, '--operations', '500'];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['scripts/run-bundled.mjs', 'test/histories/main.ts', ...args],
      { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8' },
    );
    expect(status, `${stdout}${stderr}`).to.equal(0);
    expect(stdout).to.match(/^redis: \d+ operations in \d+ histories, no difference/);
  });

  it('an invalid seed is a usage error of one line', () => {
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

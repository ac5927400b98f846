import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './package-root.js';

/** Of all variables: npm and the settings of whoever runs the tests are none of the demo's business. */
const ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME };

describe('the demo', () => {
  it('shows commands as a person types them, and in a pipe nothing but text', async () => {
    const { stdout, stderr } = await promisify(execFile)('bash', [join(ROOT, 'scripts/demo.sh')], {
      env: ENVIRONMENT,
    });
    expect(stdout).to.include(`$ delayer push close_order '{"orderID":31}' --id 31 --delay 2s\n31\n`);
    expect(stdout).not.to.include('\u001b');
    // One that fails twice, and one that ends with the dead letters and is requeued.
    expect(stdout).to.match(/closed \{"orderID":33\} at attempt 3\n/);
    expect(stdout).to.match(/--state dead\n[^]*no such order[^]*\$ delayer requeue 34\n/);
    expect(stdout).to.match(/closed \{"orderID":34\} at attempt 1\n/);
    expect(stdout).to.match(/3 orders were closed, one was paid in time\.\n$/);
    // That there is no job any more to be removed.
    expect(stderr.trim().split('\n')).to.have.length(1);
  });
});

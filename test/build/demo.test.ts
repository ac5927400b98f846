import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './package-root.js';

/** Only these variables, without those of npm and the settings of the user who runs the tests. */
const ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME };

describe('the demo', () => {
  it('prints commands and their output, and no escape sequences in a pipe', async () => {
    const { stdout, stderr } = await promisify(execFile)('bash', [join(ROOT, 'scripts/demo.sh')], {
      env: ENVIRONMENT,
    });
    expect(stdout).to.include(`$ delayer push close_order '{"orderID":31}' --id 31 --delay 2s\n31\n`);
    expect(stdout).not.to.include('\u001b');
    // Job 33 fails twice; job 34 becomes a dead letter and is requeued.
    expect(stdout).to.match(/closed \{"orderID":33\} at attempt 3\n/);
    expect(stdout).to.match(/--state dead\n[^]*no such order[^]*\$ delayer requeue 34\n/);
    expect(stdout).to.match(/closed \{"orderID":34\} at attempt 1\n/);
    expect(stdout).to.match(/3 orders were closed, one was paid in time\.\n$/);
    // The one line says that there was no job to remove.
    expect(stderr.trim().split('\n')).to.have.length(1);
  });
});

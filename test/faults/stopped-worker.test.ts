import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { bundled } from '../support/bundle.js';
import { eventually } from '../support/eventually.js';
import { drain, idsOf, jobsOf } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';

/** A worker prints 50 jobs at a time, and has more leased ahead. */
const IN_HAND = 50;

describe('a worker that was stopped beyond its leases', () => {
  const ground = useRedis();

  it('delivers no job that it does not hold any more when it goes on', async () => {
    const queue = ground.queue();
    const pushed = idsOf(await queue.pushMany(jobsOf('topic', 300)));
    const program = bundled(new URL('stoppable-worker.ts', import.meta.url));
    const worker = spawn(process.execPath, [program, ground.server.url, ground.prefix], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let printed = '';
    worker.stdout.on('data', (text) => (printed += String(text)));
    const lines = () => printed.split('\n').slice(0, -1);
    try {
      await eventually(() => lines().length === IN_HAND);
      worker.kill('SIGSTOP');
      // The leases end, and another consumer gets all of the jobs.
      const others: string[] = [];
      await eventually(async () => {
        others.push(...idsOf(await drain(queue, 'topic')));
        expect(others).to.have.length(pushed.length);
      });
      worker.stdin.end();
      worker.kill('SIGCONT');
      await eventually(() => worker.exitCode !== null);
      expect(others).to.have.members(pushed);
      expect(lines()).to.deep.equal(pushed.slice(0, IN_HAND));
    } finally {
      worker.kill('SIGKILL');
    }
  });
});

import { expect } from 'chai';
import { useCli } from '../support/cli.js';
import { HOUR_MS } from '../support/jobs.js';

describe('SIGUSR1', () => {
  const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));

  for (const args of [
    ['drain', 'topic', '--follow', '--exec', 'echo taken from topic'],
    ['bpop', 'topic'],
    ['inspect', '--watch'],
  ])
    it(`opens no debugger in ${args.slice(0, 3).join(' ')}, which goes on`, async () => {
      const queue = await cli.queue();
      await queue.push({ topic: 'later', body: 'b', delayMs: HOUR_MS });
      const running = cli.start(args);
      await running.hearsSignals();
      process.kill(running.pid, 'SIGUSR1');
      await queue.push({ topic: 'topic', body: 'b' });
      await running.printsText(/topic/);
      const { stderr } = await running.end();
      expect(stderr).to.not.match(/debugger/i);
    });
});

import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { forEachStore } from '../support/cli.js';
import { HOUR_MS, idsOf, maintainAll, reserve } from '../support/jobs.js';

/** The section of the page, and its examples: commands and their output. */
const PAGE = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
const [, SECTION = ''] = /^## Moving jobs\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(PAGE) ?? [];
const EXAMPLES = [...SECTION.matchAll(/^```sh\n([\s\S]*?)^```\n```\n([\s\S]*?)^```$/gm)].map(
  ([, commands = '', output = '']) => ({ commands, output }),
);

describe('docs/operating.md, moving jobs', () => {
  it('has four examples with their output', () => {
    expect(EXAMPLES).to.have.lengthOf(4);
  });

  forEachStore((cli) => {
    it('the commands print what the page shows, and move the jobs', async () => {
      const queue = await cli.queue();
      const topic = 'close_order';
      await queue.push({ id: 'failed', topic: 'letters', body: '{}' });
      await queue.nack(await reserve(queue, 'letters'), { dead: true, reason: 'no such order' });
      await queue.push({ id: 'now', topic, body: '{}' });
      await queue.push({ id: 'later', topic, body: '{}', delayMs: HOUR_MS });
      await maintainAll(queue);
      for (const { commands, output } of EXAMPLES) {
        const outcome = await cli.sh(`set -e -o pipefail\n${commands}`);
        expect(outcome).to.include({ code: 0, stderr: output });
      }
      expect(idsOf((await queue.list(topic)).jobs)).to.have.members(['now', 'later']);
      expect(await queue.find('failed')).to.deep.equal([]);
      const trial = await cli.run(['inspect', 'trial', '--json', '--store', 'sqlite:test.db']);
      expect(trial.stdout.toString()).to.include('"later"');
    });
  });
});

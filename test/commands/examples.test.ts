import { expect } from 'chai';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../src/commands/index.js';
import type { Queue } from '../../src/core/queue.js';
import { useCli } from '../support/cli.js';
import { must } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Examples that do not end by themselves; the tests of their commands run them. */
const IS_ENDLESS = /\bdelayer (top|serve(?! --once))\b|--(watch|follow|loop)\b/;
/** Examples for other shells; the tests of completion run them there. */
const IS_FOR_ANOTHER_SHELL = /\bdelayer completion (zsh|fish)\b/;
/** Examples whose exit code is an answer and may be other than 0. */
const ANSWERS_BY_CODE = [/^delayer check\b/, /^delayer inspect --problems$/];
/** Examples that need a terminal. */
const IS_FOR_A_TERMINAL = /^delayer edit 32$/;

/** Commands whose examples need an id that is not in the queue, or only among the dead letters. */
const IDS_TO_BE_FREE = ['push', 'requeue'];

describe('the examples of --help', function () {
  this.timeout(60_000);
  const redis = useRedis();
  const cli = useCli((home) => ({
    DELAYER_STORE: `sqlite:${join(home, 'queue.db')}`,
    DELAYER_PREFIX: redis.prefix,
    EDITOR: "sed -i 's/1/2/'",
  }));

  /** Writes the files and the program that examples use. */
  const writeFiles = async (verb: string, examples: readonly string[]) => {
    const write = (name: string, text: string, mode = 0o644) => {
      writeFileSync(join(cli.home, name), text, { mode });
    };
    write('bin/close-orders', '#!/bin/sh\ncat >/dev/null\n', 0o755);
    write('order.json', '{"orderID":33}');
    write('ids.txt', '32\n33\n');
    write('errors', 'no such order\n');
    write('file', 'one\ntwo\n');
    if (verb === 'push') write('report.json', '{}');
    if (verb !== 'export' && examples.some((one) => one.includes('jobs.ndjson'))) {
      const { stdout } = await cli.run(['export', '--topic', 'orders']);
      write(
        'jobs.ndjson',
        stdout
          .toString()
          .split('\n')
          .slice(1, 2)
          .join('')
          .replace(/"id":"[^"]*"/, '"id":"50"'),
      );
      await cli.sh('gzip -k jobs.ndjson');
    }
  };

  const run = async (example: string) => {
    const [leased] = (await (await cli.queue()).reserve({ topics: 'leased', limit: 1, leaseMs: MINUTE_MS }))
      .jobs;
    const script = example.replace(/redis:\/\/[\w.]+/g, redis.server.url);
    const command = IS_FOR_A_TERMINAL.test(script) ? `script -qec '${script}' /dev/null` : script;
    return cli.sh(command, { env: { lease: must(leased).lease } });
  };

  for (const [verb, load] of Object.entries(COMMANDS)) {
    it(`of ${verb} run as printed`, async () => {
      const { default: command } = await load();
      const examples = command.examples as readonly string[];
      expect(examples).to.not.be.empty;
      await fill(await cli.queue(), verb);
      await writeFiles(verb, examples);
      for (const given of examples) {
        const example = given.replaceAll('<%= config.bin %>', 'delayer');
        if (IS_ENDLESS.test(example) || IS_FOR_ANOTHER_SHELL.test(example)) continue;
        await fill(await cli.queue(), verb);
        const { code, stderr } = await run(example);
        const codes = ANSWERS_BY_CODE.some((one) => one.test(example)) ? [0, 1, 2] : [0];
        expect(code, `${example}\n${stderr}`).to.be.oneOf(codes);
        rmSync(join(cli.home, 'orders.ndjson'), { force: true });
      }
    });
  }
});

/** Something for each example to act on, also where the one before has acted on it. */
async function fill(queue: Queue, verb: string): Promise<void> {
  const weekAgo = new Date((await queue.now()).getTime() - 8 * DAY_MS);
  const far = new Date(weekAgo.getTime() + 1000 * DAY_MS);
  const body = '{"customer":17}';
  const topics = ['close_order', 'urgent', 'orders', 'leased'];
  await queue.pushMany(topics.map((topic) => ({ topic, body })));
  await queue.pushMany(['close_order', 'mail_out'].map((topic) => ({ topic, body, delayMs: 5 * MINUTE_MS })));
  await queue.removeMany(['32', '33'], { states: ['delayed', 'ready'] });
  await queue.import([
    { id: `old-${verb}`, topic: 'mail_out', body, dueAt: weekAgo, expiresAt: far },
    ...['32', '33'].map((id) => ({
      ...{ id, topic: 'close_order', body: 'timeout', state: 'dead' as const },
      ...{ dueAt: weekAgo, failedAt: weekAgo, deadUntil: far, reason: 'timeout' },
    })),
  ]);
  if (IDS_TO_BE_FREE.includes(verb))
    await queue.removeMany(['32', '33', '34'], { states: ['delayed', 'ready'] });
  else
    await queue.pushMany(
      ['32', '33', '34'].map((id) => ({ id, topic: 'close_order', body, delayMs: 5 * MINUTE_MS })),
      { onExisting: 'replace' },
    );
}

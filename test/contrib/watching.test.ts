import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addLateness } from '../../src/core/lateness.js';
import { Progress } from '../../src/daemon/progress.js';
import { metricsText } from '../../src/http/metrics.js';
import type { TopicStats } from '../../src/core/views.js';

const pathOf = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const RULES = pathOf('contrib/prometheus/delayer.rules.yml');
const DASHBOARD = pathOf('contrib/grafana/delayer.json');
const PAGE = pathOf('docs/daemon.md');

/** The metrics of `serve`, with a value for each. */
async function metrics(): Promise<string> {
  const row: TopicStats = {
    ...{ topic: Buffer.from('orders'), delayed: 1, due: 1, ready: 1, leased: 1, dead: 1 },
    ...{ oldestReadyAt: new Date(0), pausedUntilMs: Infinity },
  };
  const stats = {
    totals: { ready: 1 },
    topics: [row],
    overdueSince: new Date(0),
    endedLeases: 1,
    daemons: [],
  };
  const progress = new Progress();
  progress.lateness = addLateness(undefined, { counts: [1], sumMs: 1, latestMs: 1 });
  return metricsText(progress, { stats, now: new Date(1000) }, 0);
}

/** The names of metrics in a text; the series of a histogram count as one, without their suffixes. */
const namesIn = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/\b(?:delayer|process)_[a-z_]+/g)].map(([name]) =>
      name.replace(/_(bucket|sum|count)$/, ''),
    ),
  ),
];

describe('rules for Prometheus and dashboard for Grafana', () => {
  const declared = async () =>
    [...(await metrics()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
  const promtool = (args: string[], input?: string) =>
    spawnSync('promtool', args, { input, encoding: 'utf8' });

  for (const file of [RULES, DASHBOARD])
    it(`${file.slice(file.indexOf('contrib'))} uses only metrics that serve exports`, async () => {
      const asked = namesIn(readFileSync(file, 'utf8'));
      expect(asked.length).to.be.above(5);
      expect(await declared()).to.include.members(asked);
    });

  it('docs/daemon.md explains every metric that serve exports, and no other', async () => {
    const rows = readFileSync(PAGE, 'utf8')
      .split('\n')
      .filter((line) => /^\| `(delayer|process)_/.test(line));
    expect(rows.flatMap((row) => namesIn(row.split('|')[1] ?? '')).sort()).to.deep.equal(
      (await declared()).sort(),
    );
  });

  it('promtool accepts the rules and the metrics', async () => {
    const rules = promtool(['check', 'rules', RULES]);
    expect(rules.status, rules.stderr).to.equal(0);
    const lint = promtool(['check', 'metrics'], await metrics());
    expect(lint.stdout + lint.stderr).to.equal('');
    expect(lint.status).to.equal(0);
  });
});

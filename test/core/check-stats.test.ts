import { expect } from 'chai';
import {
  checkStats,
  DEFAULT_CRIT,
  DEFAULT_WARN,
  levelOf,
  type Thresholds,
} from '../../src/core/check-stats.js';
import type { Stats, TopicStats } from '../../src/core/views.js';
import { checkErrorText, checkText } from '../../src/output/check.js';

const NOW = new Date('2026-03-01T12:00:00Z');
const ago = (ms: number) => new Date(NOW.getTime() - ms);
const MINUTE_MS = 60_000;

const row = (topic: string, counts: Partial<TopicStats>): TopicStats => ({
  ...{ topic: Buffer.from(topic), delayed: 0, due: 0, ready: 0, leased: 0, dead: 0 },
  ...counts,
});
const NONE = { delayed: 0, due: 0, ready: 0, leased: 0, expired: 0, dead: 0 };
const HEALTHY: Stats = {
  totals: NONE,
  topics: [],
  daemons: [{ name: 'host:1', seenAt: new Date(0) }],
  endedLeases: 0,
  consumers: [],
};

function check(
  stats: Partial<Stats>,
  given: { topics?: string[]; warn?: Thresholds; crit?: Thresholds } = {},
) {
  return checkStats({ ...HEALTHY, ...stats }, NOW, {
    topics: (given.topics ?? []).map((topic) => Buffer.from(topic)),
    warn: { ...DEFAULT_WARN, ...given.warn },
    crit: { ...DEFAULT_CRIT, ...given.crit },
  });
}
const alerts = (...given: Parameters<typeof check>) =>
  check(...given).flatMap(({ name, level }) => (level === 0 ? [] : [[name, level]]));

describe('checks of stats', () => {
  it('an empty queue with a daemon is OK', () => {
    expect(levelOf(check({}))).to.equal(0);
    expect(checkText(check({}), 'nagios')).to.match(/^DELAYER OK - daemons 1 \| oldest=0s;600;3600;0 .*\n$/);
  });

  it('each figure alerts above its threshold, and not at it', () => {
    const at = (ms: number) => ({ topics: [row('a', { ready: 1, oldestReadyAt: ago(ms) })] });
    expect(alerts(at(10 * MINUTE_MS))).to.deep.equal([]);
    expect(alerts(at(10 * MINUTE_MS + 1))).to.deep.equal([['oldest', 1]]);
    expect(alerts(at(61 * MINUTE_MS))).to.deep.equal([['oldest', 2]]);
    expect(alerts({ overdueSince: ago(31_000) })).to.deep.equal([['late', 1]]);
    expect(alerts({ overdueSince: ago(6 * MINUTE_MS) })).to.deep.equal([['late', 2]]);
    expect(alerts({ totals: { ...NONE, dead: 1 } })).to.deep.equal([['dead', 1]]);
    expect(alerts({ endedLeases: 101 })).to.deep.equal([['ended', 1]]);
    expect(alerts({ daemons: [] })).to.deep.equal([['daemons', 1]]);
    for (const name of ['ready', 'due', 'delayed', 'leased'] as const) {
      const stats = { totals: { ...NONE, [name]: 11 } };
      expect(alerts(stats)).to.deep.equal([]);
      expect(alerts(stats, { warn: { [name]: 5 }, crit: { [name]: 10 } })).to.deep.equal([[name, 2]]);
    }
  });

  it('a store that needs no daemon has no figure for daemons, and a threshold that is off never alerts', () => {
    expect(check({ daemons: undefined }).map(({ name }) => name)).to.not.include('daemons');
    const off = { dead: Infinity, daemons: -Infinity };
    expect(alerts({ daemons: [], totals: { ...NONE, dead: 9 } }, { warn: off })).to.deep.equal([]);
  });

  it('named topics are checked alone, with the errors of their estimates', () => {
    const topics = [
      row('a', {
        ready: 5,
        dead: 2,
        delayed: 30,
        errors: { delayed: 3 },
        oldestReadyAt: ago(20 * MINUTE_MS),
      }),
      row('b', { ready: 7, delayed: 40, errors: { delayed: 4 }, oldestReadyAt: ago(1000) }),
    ];
    const stats = { topics, totals: { ...NONE, ready: 12, dead: 2 } };
    expect(alerts(stats, { topics: ['b'] })).to.deep.equal([]);
    expect(alerts(stats, { topics: ['a'] })).to.deep.equal([
      ['oldest', 1],
      ['dead', 1],
    ]);
    const delayed = check(stats, { topics: ['a', 'b'] }).find(({ name }) => name === 'delayed');
    expect(delayed).to.include({ value: 70, error: 5 });
    expect(
      check(stats)
        .find(({ name }) => name === 'oldest')
        ?.topic?.toString(),
    ).to.equal('a');
  });

  it('memory is in percent, and is absent if no limit is known', () => {
    expect(check({}).map(({ name }) => name)).to.not.include('memory');
    expect(alerts({ usedPercent: 80 })).to.deep.equal([]);
    expect(alerts({ usedPercent: 81 })).to.deep.equal([['memory', 1]]);
    expect(alerts({ usedPercent: 96 })).to.deep.equal([['memory', 2]]);
    const figures = check({ usedPercent: 96 });
    expect(checkText(figures, 'nagios'))
      .to.include('memory 96 % (more than 95 %)')
      .and.include(' memory=96%;80;95;0');
    expect(checkText(figures, 'prometheus')).to.include('\ndelayer_memory_percent 96\n');
  });

  it('the line for Nagios names the worst figure first, and has one bar, before the performance data', () => {
    const topics = [row('a|b\n', { ready: 1, oldestReadyAt: ago(120 * MINUTE_MS), isOldestAtLeast: true })];
    const text = checkText(check({ topics, totals: { ...NONE, ready: 1, dead: 3 } }), 'nagios');
    expect(text).to.match(
      /^DELAYER CRITICAL - oldest at least 2 ?h.* of a\/b\\n \(more than 1 ?h\), dead 3 \(more than 0\) \| /,
    );
    expect(text.split('|')).to.have.length(2);
    expect(text.split('\n')).to.have.length(2);
    const error = { message: 'no | good\n.', hint: 'Say a|b.' };
    expect(checkErrorText(3, error, 'nagios')).to.equal('DELAYER UNKNOWN - no / good. Say a/b.\n');
  });

  it('the metrics for Prometheus and the JSON agree with the line for Nagios', () => {
    const figures = check({ totals: { ...NONE, dead: 3 }, overdueSince: ago(1500) });
    const metrics = checkText(figures, 'prometheus');
    expect(metrics).to.include('\ndelayer_late_seconds 1.5\n').and.include('\ndelayer_dead 3\n');
    expect(metrics).to.match(/\ndelayer_check_status 1\n$/);
    const json = JSON.parse(checkText(figures, 'json')) as { status: string; figures: object[] };
    expect(json).to.include({ status: 'WARNING', code: 1 });
    expect(json.figures).to.deep.include({ name: 'dead', value: 3, warn: 0, level: 1 });
    const away = { message: 'away', hint: 'Wait.' };
    expect(JSON.parse(checkErrorText(2, away, 'json'))).to.include({ code: 2, error: 'away', hint: 'Wait.' });
    const withoutStore = checkErrorText(2, away, 'prometheus');
    expect(withoutStore).to.match(/^# HELP .*\n# TYPE delayer_check_status gauge\ndelayer_check_status 2\n$/);
    expect(metrics).to.include(withoutStore.replace(/ 2\n$/, ' 1\n'));
  });
});

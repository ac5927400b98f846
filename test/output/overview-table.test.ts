import { expect } from 'chai';
import { columnName } from '../../src/output/columns.js';
import { JOB_COLUMNS, defaultJobColumns, jobsTable } from '../../src/output/job-table.js';
import { cellWidth } from '../../src/output/cell-width.js';
import { overviewTable, TOPIC_COLUMNS } from '../../src/output/overview-table.js';
import { useColour } from '../../src/output/paint.js';

const NOW = new Date('2026-03-01T12:00:00Z');
const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const none = { delayed: 0, due: 0, ready: 0, leased: 0, expired: 0, dead: 0 };
const STATS = {
  totals: { ...none, delayed: 12, due: 3, ready: 1234, dead: 7 },
  overdueSince: at(-5),
  consumers: ['web-1:42', 'web-2:7'],
  topics: [
    { topic: Buffer.from('mail'), ...none, delayed: 12, nextDueAt: at(3600), pausedUntilMs: Infinity },
    { topic: Buffer.from('支払い'), ...none, ready: 1234, oldestReadyAt: at(-90), isOldestAtLeast: true },
    { topic: Buffer.from('😀 sms'), ...none, due: 3, dead: 7, nextDueAt: at(-5) },
  ],
};
const JOBS = [
  { id: '1', topic: 'mail', body: '{"orderID":32}' },
  { id: '支払い-2', topic: '支払い', body: '😀'.repeat(40) },
].map(({ id, topic, body }) => ({
  ...{ id: Buffer.from(id), topic: Buffer.from(topic), body: Buffer.from(body) },
  ...{ state: 'delayed' as const, dueAt: at(1800), expiresAt: at(3600), attempts: 2 },
}));

const overview = (width: number | undefined) => overviewTable(STATS, [], { now: NOW, width }).split('\n');
const jobs = (width: number) => jobsTable(JOBS, defaultJobColumns(undefined, true), { now: NOW, width });

describe('tables for operators', () => {
  before(() => {
    useColour(false);
  });

  it('the overview at 40 columns shows topic, delayed, ready, dead and oldest, and the consumers below', () => {
    expect(overview(40)).to.deep.equal([
      'topic   delayed  ready  dead  oldest',
      'mail         12      0     0       –',
      '支払い        0   1234     0  ≥1m30s',
      '😀 sms        0      0     7       –',
      'total        12   1234     7  ≥1m30s',
      'Jobs are leased to web-1:42, web-2:7.',
      '',
    ]);
  });

  it('the overview at 60 columns also shows due, leased and paused', () => {
    expect(overview(60).slice(0, 5)).to.deep.equal([
      'topic   delayed  due  ready  leased  dead  oldest  paused',
      'mail         12    0      0       0     0       –  yes',
      '支払い        0    0   1234       0     0  ≥1m30s  –',
      '😀 sms        0    3      0       0     7       –  –',
      'total        12    3   1234       0     7  ≥1m30s  –',
    ]);
  });

  it('the overview at 80 columns also shows late and next due', () => {
    expect(overview(80).slice(0, 5)).to.deep.equal([
      'topic   delayed  due  ready  leased  dead  oldest  late  next due  paused',
      'mail         12    0      0       0     0       –     –  in 1h     yes',
      '支払い        0    0   1234       0     0  ≥1m30s     –  –         –',
      '😀 sms        0    3      0       0     7       –   5 s  5 s ago   –',
      'total        12    3   1234       0     7  ≥1m30s   5 s  5 s ago   –',
    ]);
  });

  it('the overview at 200 columns has borders and full times', () => {
    const lines = overview(200);
    expect(new Set(lines.slice(0, 8).map(cellWidth)).size).to.equal(1);
    expect(lines[3]).to.equal(
      '│ mail   │      12 │   0 │     0 │      0 │       0 │    0 │      – │    – │ 2026-03-01 13:00:00Z (in 1h)   │ yes    │',
    );
  });

  it('a narrow overview drops columns in the documented order, and none that were named', () => {
    const headsAt = (width: number) => (overview(width)[0] ?? '').split(/ {2,}/);
    const order: string[] = [];
    let before = TOPIC_COLUMNS.map(({ head }) => head);
    for (let width = 100; width >= 30; width -= 1) {
      const heads = headsAt(width);
      if (heads[0]?.startsWith('┌') === true) continue;
      order.push(...before.filter((head) => !heads.includes(head)));
      before = heads;
    }
    expect(order).to.deep.equal(['expired', 'next due', 'late', 'due', 'paused', 'leased', 'oldest']);
    const columns = TOPIC_COLUMNS.map((column) => ({ ...column, drop: undefined }));
    const named = overviewTable(STATS, [], { now: NOW, width: 66 }, { columns }).split('\n')[0] ?? '';
    expect(cellWidth(named)).to.be.at.most(66);
    expect(named.split(/ {2,}/)).to.have.length(TOPIC_COLUMNS.length);
  });

  it('the overview in a pipe has every column, and times and counts without spaces', () => {
    const before = { ...STATS, topics: [], totals: {} };
    const view = { now: NOW, width: undefined };
    const lines = overviewTable(STATS, [], view, { before }).split('\n');
    expect(lines[0]?.split(/ +/)).to.have.length(TOPIC_COLUMNS.map(columnName).length + 1);
    expect(lines[2]).to.match(/^支払い +0 +0 +1234\(\+1234\) +0 +0 +0 +>=1m30s +- +- +-$/);
  });

  it('a table of jobs shows more columns and text at 40, 60, 80 and 200 columns, and never exceeds them', () => {
    expect(jobs(40).split('\n')).to.deep.equal([
      'id        topic   state    due',
      '1         mail    delayed  in 30m',
      '支払い-2  支払い  delayed  in 30m',
      '',
    ]);
    expect(jobs(60).split('\n').slice(0, 3)).to.deep.equal([
      'id        topic   state    due     attempts  body',
      '1         mail    delayed  in 30m         2  {"orderID":32}',
      '支払い-2  支払い  delayed  in 30m         2  😀😀😀😀😀😀😀…',
    ]);
    expect(jobs(80).split('\n').slice(1, 6)).to.deep.equal([
      '│ id       │ topic  │ state   │ due    │ expires │ attempts │ body             │',
      '├──────────┼────────┼─────────┼────────┼─────────┼──────────┼──────────────────┤',
      '│ 1        │ mail   │ delayed │ in 30m │ in 1h   │        2 │ {"orderID":32}   │',
      '│ 支払い-2 │ 支払い │ delayed │ in 30m │ in 1h   │        2 │ 😀😀😀😀😀😀😀…  │',
      '└──────────┴────────┴─────────┴────────┴─────────┴──────────┴──────────────────┘',
    ]);
    expect(jobs(200)).to.include('│ 2026-03-01 12:30:00Z (in 30m) │').and.to.include('😀'.repeat(40));
    for (const width of [40, 60, 80, 200])
      expect(Math.max(...jobs(width).split('\n').map(cellWidth))).to.be.at.most(width);
  });

  it('every column of jobs has a unique name and appears in a table of all columns', () => {
    expect(new Set(JOB_COLUMNS.map(columnName)).size).to.equal(JOB_COLUMNS.length);
    const drawn = jobsTable(JOBS, JOB_COLUMNS, { now: NOW, width: undefined });
    for (const { head } of JOB_COLUMNS) expect(drawn.split('\n')[0]).to.include(head);
  });
});

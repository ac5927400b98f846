import { expect } from 'chai';
import type { Attempt } from '../../src/core/job.js';
import { cellsOf, clip, plain, wrap } from '../../src/top/lines.js';
import { withFound, withPage, withSize } from '../../src/top/receive.js';
import type { State } from '../../src/top/state.js';
import { frame } from '../../src/top/views/frame.js';
import { must } from '../support/jobs.js';
import { job, NOW, openedWith, row, stateOf, type } from './states.js';

const ago = (ms: number) => new Date(NOW.getTime() - ms);
const TOPICS = [
  row('close_order', { delayed: 1_234_567, ready: 3, errors: { delayed: 3000 }, oldestReadyAt: ago(75_000) }),
  row('send_mail', { due: 2, dead: 1, nextDueAt: ago(5000) }),
  row('日本語のキュー😀', { leased: 12, pausedUntilMs: Infinity }),
];
const SIZES = [40, 60, 80, 200].map((columns) => ({ columns, rows: 24 }));
const JOBS = [
  job('32', { body: Buffer.from('x'.repeat(500)) }),
  job('注文-33', { state: 'ready', dueAt: ago(1000), body: Buffer.from('こんにちは'.repeat(50)) }),
  job('bad\x1b[2J\n', { state: 'dead', reason: 'it failed\nagain', failedAt: ago(60_000) }),
];
const HISTORY: Attempt[] = [{ attempt: 1, endedAt: ago(9000), outcome: 'retried', reason: 'no' }];

/** Every view, at this size. */
function viewsAt(columns: number, rows: number): Record<string, State> {
  const topics = stateOf(TOPICS, { columns, rows });
  const jobs = openedWith(topics, JOBS, 'more');
  const opened = type(jobs, 'enter').state;
  const records = [job('32', { attempts: 1, history: HISTORY }), ...JOBS];
  const found = withFound(opened, must(opened.job), { jobs: records, now: NOW });
  const dead = type(jobs, 'left').state;
  return {
    topics,
    jobs,
    'dead letters': withPage(dead, must(dead.jobs), { jobs: JOBS.slice(2) }),
    'no answer yet': opened,
    job: found,
    help: type(topics, '?').state,
    'a question': type(jobs, 'r').state,
    'a search': type(topics, '/', 'm').state,
    trouble: { ...topics, trouble: { message: 'the store does not answer', since: NOW } },
    'an empty queue': stateOf([], { columns, rows }),
  };
}
const shown = (state: State): string[] => frame(state).map(plain);

describe('the views of top', () => {
  it('each view has as many lines as the screen and none wider than it, at any size', () => {
    const sizes = [...SIZES, { columns: 80, rows: 6 }, { columns: 25, rows: 3 }, { columns: 1, rows: 1 }];
    for (const { columns, rows } of sizes) {
      for (const [name, state] of Object.entries(viewsAt(columns, rows))) {
        const lines = frame(state);
        expect(lines, `${name} at ${columns} × ${rows}`).to.have.length(rows);
        expect(Math.max(...lines.map(cellsOf)), `${name} at ${columns} × ${rows}`).to.be.at.most(columns);
      }
    }
  });

  it('control characters of a job are escaped', () => {
    for (const [name, state] of Object.entries(viewsAt(80, 24)))
      expect(shown(state).join(''), name).to.not.match(/[\x00-\x1f\x7f-\x9f]/);
    expect(shown(must(viewsAt(80, 24).jobs)).join('\n')).to.include('bad\\x1b[2J\\n');
  });

  it('80 columns show all topics with rates, counts, ages and lateness', () => {
    const lines = shown(stateOf(TOPICS, { columns: 80, rows: 24 }));
    expect(lines[3]).to.match(/topic▾ +in\/s +out\/s +delayed +due +ready +leased +dead +oldest +late/);
    expect(lines[4]).to.match(/^> close_order .*~1\.23M +0 +3 +0 +0 +1m15s +–$/);
    expect(lines[5]).to.match(/^ {2}send_mail .* 0 +2 +0 +0 +1 +– +5 s$/);
    expect(lines[6]).to.match(/^ {2}\|\| 日本語/);
  });

  it('a narrow screen drops columns in a fixed order, and never the name', () => {
    const heads = (columns: number) => {
      const head = must(shown(stateOf(TOPICS, { columns, rows: 24 }))[3]);
      return head.trim().split(/ +/).join(' ');
    };
    expect(heads(200)).to.equal('topic▾ in/s out/s delayed due ready leased expired dead oldest late');
    expect(heads(80)).to.equal('topic▾ in/s out/s delayed due ready leased dead oldest late');
    expect(heads(60)).to.equal('topic▾ in/s out/s delayed ready oldest');
    expect(heads(40)).to.equal('topic▾ delayed ready oldest');
  });

  it('columns stay aligned with wide characters', () => {
    for (const size of SIZES) {
      const lines = frame(stateOf(TOPICS, size)).slice(4, 7);
      // Numbers are right-aligned, so all rows end in the same cell.
      expect(new Set(lines.map(cellsOf)).size, `${size.columns}`).to.equal(1);
    }
  });

  it('a list that is longer than the screen shows the part with the selected row', () => {
    const topics = Array.from({ length: 100 }, (_, i) => row(`topic-${String(i).padStart(3, '0')}`));
    const state = stateOf(topics, { columns: 80, rows: 24 });
    expect(shown(type(state, 'end').state)[21]).to.match(/^> topic-099/);
    expect(shown(type(state, 'pagedown').state).join('\n')).to.include('> topic-017');
    expect(shown(withSize(type(state, 'end').state, { columns: 80, rows: 10 })).join('\n')).to.include(
      '> topic-099',
    );
  });

  it('a question names the action and ends in [y/N] however long the names are', () => {
    const long = [job('i'.repeat(200), { topic: Buffer.from('t'.repeat(200)) })];
    for (const { columns, rows } of SIZES) {
      const asked = type(openedWith(stateOf(TOPICS, { columns, rows }), long), 'r').state;
      expect(shown(asked)[rows - 2], `${columns}`).to.match(
        columns >= 60
          ? /^remove the delayed job "i+…" of t+…\? \[y\/N\]$/
          : /^remove "i+…" of t+…\? \[y\/N\]$/,
      );
    }
  });

  it('the view of a job has the explanation of inspect --id, wrapped to the screen', () => {
    const { job: state } = viewsAt(40, 24);
    const all = shown(withSize(must(state), { columns: 40, rows: 200 })).join('\n');
    expect(all.replaceAll('\n', ' ')).to.include('It is not due yet: it will be ready in 5m.');
    expect(all).to.include('{"of":"32"}');
  });

  it('a line is cut and wrapped by cells, and keeps its colours', () => {
    expect(clip('\x1b[31m日本語\x1b[39m', 5)).to.equal('\x1b[31m日本…\x1b[0m');
    expect(clip('abc', 3)).to.equal('abc');
    expect(wrap('one two three', 7)).to.deep.equal(['one two', 'three']);
    expect(wrap('日本語日本語', 5)).to.deep.equal(['日本', '語日', '本語']);
    expect(wrap('x'.repeat(9), 4)).to.deep.equal(['xxxx', 'xxxx', 'x']);
  });
});

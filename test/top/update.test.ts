import { expect } from 'chai';
import { withFound, withPage } from '../../src/top/receive.js';
import { selectedJob, selectedTopic, type State } from '../../src/top/state.js';
import { press } from '../../src/top/update.js';
import { frame } from '../../src/top/views/frame.js';
import { plain } from '../../src/top/lines.js';
import { must } from '../support/jobs.js';
import { job, lookAgain, NOW, openedWith, row, stateOf, type } from './states.js';

const SIZE = { columns: 80, rows: 24 };
const TOPICS = [row('apples', { ready: 1 }), row('orders', { delayed: 3 }), row('pears', { ready: 7 })];
const topics = stateOf(TOPICS, SIZE);
const jobs = openedWith(topics, [job('1'), job('2'), job('3', { state: 'ready' })], 'more');
const nameOf = (state: State) => selectedTopic(state)?.name;
const idOf = (state: State) => selectedJob(state)?.id.toString();
const shown = (state: State) => frame(state).map(plain).join('\n');

describe('the keys of top', () => {
  it('arrow keys and letters move the selection in a list, and stop at its ends', () => {
    expect(nameOf(type(topics, 'down', 'j').state)).to.equal('pears');
    expect(nameOf(type(topics, 'j', 'j', 'j', 'up').state)).to.equal('orders');
    expect(nameOf(type(topics, 'G', 'k', 'k', 'k').state)).to.equal('apples');
  });

  it('the selection stays on its row when rows are added, removed or sorted', () => {
    const onOrders = type(topics, 'j').state;
    expect(nameOf(lookAgain(onOrders, [row('aaa'), ...TOPICS]))).to.equal('orders');
    expect(nameOf(lookAgain(onOrders, [row('apples'), row('pears')]))).to.equal('pears');
    expect(nameOf(type(onOrders, 's').state)).to.equal('orders');
    expect(nameOf(lookAgain(onOrders, []))).to.equal(undefined);
  });

  it('s sorts topics by the next column, largest first', () => {
    expect(nameOf(type(topics, 's', 'g').state)).to.equal('pears');
    expect(shown(type(topics, 's').state)).to.include('ready▾');
  });

  it('Enter opens a topic and then a job, Esc goes back, q quits', () => {
    expect(jobs.place).to.equal('jobs');
    const opened = type(jobs, 'j', 'enter');
    expect(opened.state.place).to.equal('job');
    expect(opened.effect).to.deep.equal({ type: 'fetch' });
    expect(idOf(opened.state)).to.equal('2');
    const back = type(opened.state, 'escape').state;
    expect([back.place, idOf(back)]).to.deep.equal(['jobs', '2']);
    expect(type(back, 'escape').state.place).to.equal('topics');
    for (const state of [topics, jobs, opened.state, type(topics, '?').state])
      expect(type(state, 'q').effect).to.deep.equal({ type: 'end' });
  });

  it('a search narrows the list while it is typed, and Esc clears it', () => {
    const searching = type(topics, '/', 'E', 'a', 'x', 'backspace').state;
    expect(shown(searching)).to.include('pears').and.to.not.include('apples ');
    const found = type(searching, 'enter', 'q');
    expect(found.effect).to.deep.equal({ type: 'end' });
    expect(nameOf(type(searching, 'enter').state)).to.equal('pears');
    expect(shown(type(searching, 'enter', 'escape').state)).to.include('apples');
    expect(shown(type(searching, 'escape').state)).to.include('apples');
    expect(shown(type(topics, '/', 'z', 'z').state)).to.include('no topic includes "zz"');
    expect(idOf(type(jobs, '/', '"', 'o', 'f', '"', ':', '"', '2', 'enter').state)).to.equal('2');
  });

  it('promote and remove ask first, and act only on y', () => {
    for (const [keys, act, asked] of [
      [['p'], 'promote', 'promote the job "1" of orders to ready now? [y/N]'],
      [['r'], 'remove', 'remove the delayed job "1" of orders? [y/N]'],
      [['x'], 'remove', 'remove the delayed job "1" of orders? [y/N]'],
    ] as const) {
      const { state, effect } = type(jobs, ...keys);
      expect(effect).to.equal(undefined);
      expect(shown(state)).to.include(asked);
      for (const key of ['j', 'q', 'r', 'p', ' '])
        expect(type(state, key)).to.deep.equal({ state, effect: undefined });
      for (const key of ['n', 'escape', 'enter']) {
        const answered = type(state, key);
        expect(answered.effect).to.equal(undefined);
        expect(shown(answered.state)).to.include('nothing was done');
      }
      const yes = type(state, 'y').effect;
      expect(yes?.type === 'act' && yes.act.type).to.equal(act);
    }
  });

  it('a paste neither starts an action nor answers a question', () => {
    const paste = (state: State) => press(state, { type: 'paste', text: 'ry' });
    expect(paste(jobs)).to.deep.equal({ state: jobs });
    const asked = type(jobs, 'r').state;
    expect(paste(asked)).to.deep.equal({ state: asked });
    expect(shown(paste(type(topics, '/').state).state)).to.include('/ry');
  });

  it('? shows all keys, on a low screen by scrolling', () => {
    const low = stateOf(TOPICS, { columns: 40, rows: 12 });
    const opened = type(low, '?').state;
    expect(shown(opened)).to.include('more').and.not.include('quit\n');
    const atEnd = type(low, '?', 'end').state;
    expect(shown(atEnd)).to.include('paused');
    expect(type(atEnd, 'down').state).to.deep.equal(atEnd);
    const seen = Array.from({ length: 40 }, (_, i) =>
      shown(type(low, '?', ...Array<string>(i).fill('down')).state),
    );
    for (const key of ['promote', 'remove', 'pause', 'redraw', 'quit'])
      expect(seen.join('\n')).to.include(key);
    expect(type(atEnd, 'escape').state.help).to.equal(undefined);
  });

  it('only a delayed job can be promoted', () => {
    const { state, effect } = type(jobs, 'G', 'p');
    expect(effect).to.equal(undefined);
    expect(state.prompt).to.equal(undefined);
    expect(shown(state)).to.include('it is ready: only delayed jobs can be promoted');
  });

  it('P asks to pause a topic, and to resume a paused one', () => {
    expect(shown(type(topics, 'P').state)).to.include('pause apples until it is resumed? [y/N]');
    const paused = stateOf([row('apples', { pausedUntilMs: Infinity })], SIZE);
    expect(shown(type(paused, 'P').state)).to.include('resume apples? [y/N]');
    expect(shown(type(jobs, 'P').state)).to.include('pause apples');
  });

  it('left and right switch between the states of jobs, n and b between pages', () => {
    const delayed = type(jobs, 'right');
    expect([delayed.state.jobs?.only, delayed.effect?.type]).to.deep.equal(['delayed', 'fetch']);
    expect(type(jobs, 'left').state.jobs?.only).to.equal('dead');
    const next = type(jobs, 'n').state;
    expect(next.jobs?.cursors).to.deep.equal(['more']);
    expect(type(next, 'b').state.jobs?.cursors).to.deep.equal([]);
    expect(type(next, 'n').effect).to.equal(undefined);
  });

  it('an answer for a view that was left is ignored', () => {
    const other = type(jobs, 'right').state;
    const late = withPage(other, must(jobs.jobs), { jobs: [job('late')] });
    expect(late.jobs?.page).to.equal(undefined);
    expect(withPage(topics, must(jobs.jobs), { jobs: [job('late')] })).to.equal(topics);
  });

  it('a job that is gone cannot be removed, and one that has become ready can', () => {
    const opened = type(jobs, 'enter').state;
    const gone = withFound(opened, must(opened.job), { jobs: [], now: NOW });
    expect(shown(gone)).to.include('There is no job of that id any more');
    expect(type(gone, 'r').state.prompt).to.equal(undefined);
    const now = [job('1', { state: 'leased' }), job('1', { state: 'ready' })];
    const ready = withFound(opened, must(opened.job), { jobs: now, now: NOW });
    expect(shown(type(ready, 'r').state)).to.include('remove the ready job "1"');
  });

  it('keys without a meaning in the view change nothing', () => {
    for (const state of [topics, jobs, type(jobs, 'enter').state]) {
      for (const key of ['z', 'y', 'backspace', '0', 'é'])
        expect(type(state, key)).to.deep.equal({ state, effect: undefined });
    }
    for (const key of ['p', 'r', 'x', 'n', 'b', 'left'])
      expect(type(topics, key)).to.deep.equal({ state: topics, effect: undefined });
  });

  it('Ctrl-C, Ctrl-\\ and Ctrl-Z send SIGINT, SIGQUIT and SIGTSTP, also in a question or a search', () => {
    for (const state of [topics, type(jobs, 'r').state, type(topics, '/').state]) {
      expect(type(state, 'ctrl-c').effect).to.deep.equal({ type: 'signal', signal: 'SIGINT' });
      expect(type(state, 'ctrl-backslash').effect).to.deep.equal({ type: 'signal', signal: 'SIGQUIT' });
      expect(type(state, 'ctrl-z').effect).to.deep.equal({ type: 'signal', signal: 'SIGTSTP' });
    }
  });
});

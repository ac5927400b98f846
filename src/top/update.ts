import type { Bytes } from '../core/job.js';
import type { Key } from './keys.js';
import { LIST_START, type ListPlace, moveBy } from './list.js';
import { settled } from './receive.js';
import { SORT_KEYS } from './snapshot.js';
import {
  type Act,
  type JobsView,
  keysOf,
  selectedJob,
  selectedTopic,
  type State,
  statesOf,
} from './state.js';
import { lastHelpOffset } from './views/help.js';
import { roomOf } from './views/room.js';

/** What a key does besides changing the state. */
export type Effect =
  | { readonly type: 'end' | 'redraw' | 'fetch' }
  /** The signal that the terminal would send to all foreground processes. */
  | { readonly type: 'signal'; readonly signal: 'SIGINT' | 'SIGQUIT' | 'SIGTSTP' }
  | { readonly type: 'act'; readonly act: Act };

export interface Update {
  readonly state: State;
  readonly effect?: Effect | undefined;
}

/** What a key does. A key that has no meaning in a view changes nothing. */
export function press(state: State, key: Key): Update {
  const name = nameOf(key);
  const common = byTerminal(name);
  if (common) return { state, effect: common };
  if (state.prompt?.type === 'confirm') return answer(state, state.prompt.act, name);
  if (state.prompt?.type === 'search') return search(state, state.prompt.text, key);
  // Text pasted here was meant for another program.
  if (key.type === 'paste') return { state };
  if (state.help) return inHelp(state, state.help.offset, name);
  const update = command(state, name);
  return update ? { ...update, state: settled(update.state) } : { state };
}

const nameOf = (key: Key): string => (key.type === 'named' ? key.name : key.type === 'char' ? key.char : '');

function byTerminal(name: string): Effect | undefined {
  switch (name) {
    case 'ctrl-c':
      return { type: 'signal', signal: 'SIGINT' };
    case 'ctrl-backslash':
      return { type: 'signal', signal: 'SIGQUIT' };
    case 'ctrl-z':
      return { type: 'signal', signal: 'SIGTSTP' };
    case 'ctrl-l':
      return { type: 'redraw' };
    default:
      return undefined;
  }
}

function inHelp(state: State, offset: number, name: string): Update {
  if (name === 'q') return { state, effect: { type: 'end' } };
  if (['escape', '?', 'enter'].includes(name)) return { state: { ...state, help: undefined } };
  const rows = rowsOf(state, name) ?? 0;
  return {
    state: { ...state, help: { offset: Math.max(0, Math.min(offset + rows, lastHelpOffset(state.size))) } },
  };
}

function answer(state: State, act: Act, name: string): Update {
  const closed = { ...state, prompt: undefined };
  if (name === 'y' || name === 'Y') return { state: closed, effect: { type: 'act', act } };
  if (!['n', 'N', 'escape', 'enter'].includes(name)) return { state };
  return { state: { ...closed, status: { text: 'nothing was done' } } };
}

function search(state: State, text: string, key: Key): Update {
  const name = nameOf(key);
  const typed = key.type === 'paste' ? key.text.replace(/[\x00-\x1f\x7f]+/g, ' ') : name;
  if (name === 'enter') return { state: { ...state, prompt: undefined } };
  if (name === 'escape') return { state: withFilter({ ...state, prompt: undefined }, '') };
  if (name === 'ctrl-u') return { state: searching(state, '') };
  if (name === 'backspace') return { state: searching(state, text.replace(/.$/su, '')) };
  return key.type === 'named' ? { state } : { state: searching(state, text + typed) };
}

const searching = (state: State, text: string): State =>
  withFilter({ ...state, prompt: { type: 'search', text } }, text);

function withFilter(state: State, filter: string): State {
  const { jobs, topics } = state;
  if (state.place === 'topics') return settled({ ...state, topics: { ...topics, filter } });
  return settled({ ...state, jobs: jobs && { ...jobs, filter } });
}

/** Undefined when the key has no meaning. */
function command(before: State, name: string): Update | undefined {
  const state = { ...before, status: undefined };
  const rows = rowsOf(state, name);
  if (rows !== undefined) return { state: moved(state, rows) };
  switch (name) {
    case 'q':
      return { state, effect: { type: 'end' } };
    case '?':
      return { state: { ...state, help: { offset: 0 } } };
    case 'enter':
      return open(state);
    case 'escape':
      return back(state);
    case '/':
      return state.place === 'job' ? undefined : { state: searching(state, '') };
    case 's':
      return state.place === 'topics' ? { state: withNextSort(state) } : undefined;
    case 'left':
    case 'h':
      return withOtherState(state, -1);
    case 'right':
    case 'l':
    case 'tab':
      return withOtherState(state, 1);
    case 'n':
      return nextPage(state);
    case 'b':
      return pageBefore(state);
    default:
      return asking(state, name);
  }
}

/** How many rows a key moves the selection. */
function rowsOf({ size }: State, name: string): number | undefined {
  const page = Math.max(1, roomOf(size).rows - 1);
  const rows: Readonly<Record<string, number>> = {
    ...{ down: 1, j: 1, up: -1, k: -1, pagedown: page, ' ': page, pageup: -page },
    ...{ home: -Infinity, g: -Infinity, end: Infinity, G: Infinity },
  };
  return Object.hasOwn(rows, name) ? rows[name] : undefined;
}

function moved(state: State, rows: number): State {
  const { job, size } = state;
  if (state.place === 'job') return { ...state, job: job && { ...job, offset: job.offset + rows } };
  return withList(state, moveBy(listOf(state), rows, keysOf(state), roomOf(size).rows));
}

const listOf = ({ place, topics, jobs }: State): ListPlace =>
  (place === 'topics' ? topics.list : jobs?.list) ?? LIST_START;

function withList(state: State, list: ListPlace): State {
  const { place, topics, jobs } = state;
  if (place === 'topics') return { ...state, topics: { ...topics, list } };
  return { ...state, jobs: jobs && { ...jobs, list } };
}

function open(state: State): Update | undefined {
  const [topic, record] = [selectedTopic(state), selectedJob(state)];
  if (state.place === 'topics' && topic) {
    const jobs: JobsView = { topic: topic.stats.topic, cursors: [], list: LIST_START, filter: '' };
    return { state: { ...state, place: 'jobs', jobs }, effect: { type: 'fetch' } };
  }
  if (state.place !== 'jobs' || !record) return undefined;
  return { state: { ...state, place: 'job', job: { record, offset: 0 } }, effect: { type: 'fetch' } };
}

function back(state: State): Update | undefined {
  const { place, jobs, topics } = state;
  const filter = place === 'topics' ? topics.filter : place === 'jobs' ? jobs?.filter : '';
  if (filter !== '' && filter !== undefined) return { state: withFilter(state, '') };
  if (place === 'job')
    return { state: { ...state, place: 'jobs', job: undefined }, effect: { type: 'fetch' } };
  return place === 'jobs' ? { state: { ...state, place: 'topics', jobs: undefined } } : undefined;
}

function withNextSort(state: State): State {
  const { topics } = state;
  const sort = SORT_KEYS[(SORT_KEYS.indexOf(topics.sort) + 1) % SORT_KEYS.length] ?? 'topic';
  return { ...state, topics: { ...topics, sort } };
}

function withOtherState(state: State, step: number): Update | undefined {
  if (state.place !== 'jobs') return undefined;
  const choices = [undefined, ...statesOf(state)];
  const at = choices.indexOf(state.jobs?.only) + step + choices.length;
  return toPage(state, { only: choices[at % choices.length], cursors: [] });
}

function nextPage(state: State): Update | undefined {
  const { cursors = [], page } = state.jobs ?? {};
  if (state.place !== 'jobs' || page?.cursor === undefined) return undefined;
  return toPage(state, { cursors: [...cursors, page.cursor] });
}

function pageBefore(state: State): Update | undefined {
  const { cursors = [] } = state.jobs ?? {};
  if (state.place !== 'jobs' || cursors.length === 0) return undefined;
  return toPage(state, { cursors: cursors.slice(0, -1) });
}

function toPage(state: State, other: Pick<JobsView, 'cursors'> & Partial<JobsView>): Update {
  const { jobs } = state;
  const next = jobs && { ...jobs, ...other, list: LIST_START, page: undefined };
  return { state: { ...state, jobs: next }, effect: { type: 'fetch' } };
}

/** Asks before it acts. */
function asking(state: State, name: string): Update | undefined {
  const [job, topic] = [selectedJob(state), selectedTopic(state)];
  const act: Act | undefined =
    name === 'p'
      ? job && { type: 'promote', job }
      : name === 'r' || name === 'x'
        ? job && { type: 'remove', job }
        : name === 'P'
          ? toggling(state, topic?.stats.topic)
          : undefined;
  if (!act) return undefined;
  if (state.acting !== undefined)
    return { state: { ...state, status: { text: `not yet: ${state.acting}` } } };
  if (act.type === 'promote' && act.job.state !== 'delayed') {
    const text = `it is ${act.job.state}: only delayed jobs can be promoted`;
    return { state: { ...state, status: { text } } };
  }
  return { state: { ...state, prompt: { type: 'confirm', act } } };
}

function toggling(state: State, selected: Bytes | undefined): Act | undefined {
  // The topic that is open may have no job left, and so no row.
  const topic = state.jobs?.topic ?? selected;
  const isPaused = selectedTopic(state)?.stats.pausedUntilMs !== undefined;
  return topic && { type: isPaused ? 'resume' : 'pause', topic };
}

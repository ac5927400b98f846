import type { JobRecord } from '../../src/core/job.js';
import type { Stats, TopicStats } from '../../src/core/views.js';
import { RateMeter } from '../../src/top/rates.js';
import { withPage, withSnapshot } from '../../src/top/receive.js';
import { toSnapshot } from '../../src/top/snapshot.js';
import { initialState, type Size, type State } from '../../src/top/state.js';
import { type Effect, press } from '../../src/top/update.js';
import type { KeyName } from '../../src/top/keys.js';

export const NOW = new Date('2026-03-01T12:00:00Z');
const NONE = { delayed: 0, due: 0, ready: 0, leased: 0, expired: 0, dead: 0 };

/** A row of a topic; counts that are not given are 0. */
export const row = (topic: string, counts: Partial<TopicStats> = {}): TopicStats => ({
  topic: Buffer.from(topic),
  ...NONE,
  ...counts,
});

export function statsOf(topics: readonly TopicStats[], more: Partial<Stats> = {}): Stats {
  return { totals: NONE, topics, consumers: [], daemons: [], ...more };
}

/** The initial state of the view, after one look at the topics. */
export function stateOf(topics: readonly TopicStats[], size: Size, more: Partial<Stats> = {}): State {
  const about = { store: 'redis://localhost:6379', intervalMs: 2000, hasDue: true, size };
  return initialState(about, toSnapshot(statsOf(topics, more), NOW, new RateMeter(2000, NOW, 0)));
}

/** The state after another look at the topics. */
export const lookAgain = (state: State, topics: readonly TopicStats[]): State =>
  withSnapshot(state, toSnapshot(statsOf(topics), NOW, new RateMeter(2000, NOW, 0)));

export const job = (id: string, more: Partial<JobRecord> = {}): JobRecord => ({
  ...{ id: Buffer.from(id), topic: Buffer.from('orders'), body: Buffer.from(`{"of":"${id}"}`) },
  ...{ state: 'delayed', dueAt: new Date(NOW.getTime() + 300_000), attempts: 0 },
  ...more,
});

/** The state after the first topic was opened and these jobs were received. */
export function openedWith(state: State, jobs: readonly JobRecord[], cursor?: string): State {
  const opened = type(state, 'enter').state;
  return opened.jobs ? withPage(opened, opened.jobs, { jobs, cursor }) : opened;
}

const NAMED: ReadonlySet<string> = new Set<KeyName>([
  ...(['up', 'down', 'left', 'right', 'pageup', 'pagedown', 'home', 'end', 'enter', 'escape'] as const),
  ...(['backspace', 'tab', 'ctrl-c', 'ctrl-l', 'ctrl-u', 'ctrl-z', 'ctrl-backslash'] as const),
]);

/** Presses keys (names or characters) in turn; returns the state and the effect of the last one. */
export function type(state: State, ...keys: string[]): { state: State; effect: Effect | undefined } {
  let [now, effect]: [State, Effect | undefined] = [state, undefined];
  for (const key of keys) {
    const pressed = NAMED.has(key)
      ? ({ type: 'named', name: key as KeyName } as const)
      : ({ type: 'char', char: key } as const);
    ({ state: now, effect } = press(now, pressed));
  }
  return { state: now, effect };
}

import type { JobRecord } from '../core/job.js';
import { escapeForTerminal } from '../output/escape.js';
import { cellWidth, cutToWidth } from '../output/cell-width.js';
import type { Act } from './state.js';

const ANSWERS = ' [y/N]';
/** If a name would have fewer cells, the question is made shorter. */
const LEAST_NAME = 6;

/**
 * The question before an act, which names what will be done; names are cut so that the end of the question is
 * visible. In a narrow terminal it has fewer words, and in a very narrow one only the end of its answers is cut.
 */
export function question(act: Act, width: number): string {
  const names = namesIn(act);
  const none = names.map(() => '');
  const room = (form: Question) => width - cellWidth(form(act, none) + ANSWERS);
  const isNarrow = room(ask) < LEAST_NAME * names.length;
  const form = isNarrow ? askBriefly : ask;
  return form(act, share(names, Math.max(names.length, room(form)))) + ANSWERS;
}

type Question = (act: Act, names: readonly string[]) => string;

function namesIn(act: Act): string[] {
  if ('topic' in act) return [escapeForTerminal(act.topic)];
  return [escapeForTerminal(act.job.id), topicOf(act.job)];
}

function ask(act: Act, [name = '', topic = '']: readonly string[]): string {
  switch (act.type) {
    case 'promote':
      return `promote the job ${quoted(name)} of ${topic} to ready now?`;
    case 'remove':
      return act.job.state === 'leased'
        ? `remove the leased job ${quoted(name)} of ${topic} from its consumer?`
        : `remove the ${act.job.state} job ${quoted(name)} of ${topic}?`;
    case 'pause':
      return `pause ${name} until it is resumed?`;
    case 'resume':
      return `resume ${name}?`;
  }
}

function askBriefly({ type }: Act, [name = '', topic]: readonly string[]): string {
  return topic === undefined ? `${type} ${name}?` : `${type} ${quoted(name)} of ${topic}?`;
}

/** Short names are whole; long ones share what is left. */
function share(names: readonly string[], room: number): string[] {
  let left = room;
  const order = [...names.keys()].sort((a, b) => cellWidth(names[a] ?? '') - cellWidth(names[b] ?? ''));
  const cut = [...names];
  for (const [done, i] of order.entries()) {
    const name = names[i] ?? '';
    cut[i] = cutToWidth(name, Math.max(1, Math.floor(left / (names.length - done))));
    left -= cellWidth(cut[i]);
  }
  return cut;
}

export const quoted = (name: string): string => `"${name}"`;

export function topicOf({ topic }: JobRecord): string {
  return topic ? escapeForTerminal(topic) : 'an unknown topic';
}

/** Says what is under way. */
export function doing(act: Act): string {
  const name = namesIn(act)[0] ?? '';
  const verb = { promote: 'promoting', remove: 'removing', pause: 'pausing', resume: 'resuming' }[act.type];
  return `${verb} ${name} …`;
}

/**
 * Says what became of it.
 * @param keptIn the file in which a removed job is kept
 */
export function outcome(act: Act, isDone: boolean, keptIn?: string): string {
  const name = namesIn(act)[0] ?? '';
  if (!isDone) return `left alone: ${quoted(name)} has changed meanwhile`;
  switch (act.type) {
    case 'promote':
      return `promoted ${quoted(name)}: it is the next of its topic`;
    case 'remove':
      return `removed ${quoted(name)}${keptIn === undefined ? '' : `; it is kept in ${keptIn}`}`;
    case 'pause':
      return `paused ${name}`;
    case 'resume':
      return `resumed ${name}`;
  }
}

import { drawTable } from '../../output/layout.js';
import { paint } from '../../output/tones.js';
import { wrap } from '../lines.js';
import type { Size } from '../state.js';
import { heightOf } from './room.js';

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['↑ ↓ j k', 'up and down; PgUp, PgDn, Home and End go further'],
  ['Enter', 'open the topic, the job'],
  ['Esc', 'back; clears the search first'],
  ['/', 'search: show only topics, or jobs of the page, that include a text'],
  ['s', 'sort topics by the next column'],
  ['← → Tab', 'show only jobs of the next state'],
  ['n b', 'next page of jobs, previous page'],
  ['p', 'promote the delayed job: ready now, before all others'],
  ['r x', 'remove the job, in any state; it is kept in a file for import'],
  ['P', 'pause the topic, or resume it'],
  ['Ctrl-L', 'redraw the screen'],
  ['q', 'quit'],
];

const NOTES = [
  'Nothing is done before you answer y. A job that has changed meanwhile is left alone.',
  'in/s and out/s: jobs that entered and left the queue, from the counts of the last 10 s. A job that enters and leaves between two refreshes is in neither. – is unknown, ~ an estimate, ≥ at least, || paused.',
];

/** From which line on the help is shown at its end. */
export const lastHelpOffset = (size: Size): number =>
  Math.max(0, helpLines(size.columns).length - heightOf(size));

export function helpLines(width: number): string[] {
  const rows = KEYS.map(([keys, what]) => [{ text: keys, paint: paint.bold }, { text: what }]);
  const columns = [{ head: '' }, { head: '', minWidth: 10 }];
  const table = drawTable({ columns, rows, width, isBordered: false });
  return [...table.split('\n'), '', ...NOTES.flatMap((note) => wrap(note, width))];
}

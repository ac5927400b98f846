import { paint } from '../../output/tones.js';
import { clip } from '../lines.js';
import { question } from '../prompt.js';
import type { State } from '../state.js';
import { helpLines } from './help.js';
import { jobKeys, jobLines, jobTitle } from './job.js';
import { jobsHeader, jobsKeys, jobsTable } from './jobs.js';
import { heightOf, roomOf } from './room.js';
import { overviewHeader, topicsKeys, topicsTable } from './topics.js';

/** All lines of the screen, each of which fits. */
export function frame(state: State): string[] {
  const { columns, rows: lines } = state.size;
  const room = roomOf(state.size);
  const { header, essential = 0, body, keys } = contentOf(state);
  const height = heightOf(state.size);
  const top = room.header === 1 ? header.slice(essential, essential + 1) : header.slice(0, room.header);
  const shown = [...filled(top, room.header), ...filled(body, height)];
  if (room.status > 0) shown.push(statusLine(state));
  if (room.keys > 0) shown.push(paint.dim(keys));
  return filled(shown, lines).map((line) => clip(line, columns));
}

interface Content {
  /** Up to three lines. */
  readonly header: readonly string[];
  /** Which of them remains when there is room for one line. */
  readonly essential?: number;
  readonly body: readonly string[];
  readonly keys: string;
}

function contentOf(state: State): Content {
  const height = heightOf(state.size);
  if (state.help) {
    const lines = helpLines(state.size.columns);
    const isCut = lines.length > height;
    const body = lines.slice(state.help.offset, state.help.offset + height);
    return {
      header: [paint.bold('keys')],
      body,
      keys: isCut ? '↑ ↓ more  Esc back  q quit' : 'Esc back  q quit',
    };
  }
  switch (state.place) {
    case 'topics':
      return { header: overviewHeader(state), body: topicsTable(state), keys: topicsKeys(state) };
    case 'jobs':
      return { header: jobsHeader(state), essential: 1, body: jobsTable(state), keys: jobsKeys(state) };
    case 'job': {
      const offset = state.job?.offset ?? 0;
      const body = jobLines(state).slice(offset, offset + height);
      return { header: jobTitle(state), essential: 1, body, keys: jobKeys() };
    }
  }
}

/** A question, else a problem with the store, else the result of the last act. */
function statusLine({ prompt, trouble, acting, status, size }: State): string {
  if (prompt?.type === 'confirm') return paint.bold(question(prompt.act, size.columns));
  if (prompt?.type === 'search') return `/${prompt.text}_`;
  if (status?.isError === true) return paint.bad(status.text);
  if (acting !== undefined) return acting;
  if (status) return status.text;
  return trouble ? paint.bad(trouble.message) : '';
}

function filled(lines: readonly string[], height: number): string[] {
  return Array.from({ length: height }, (_, i) => lines[i] ?? '');
}

import chalk from 'chalk';
import type { Fault, Finding } from '../core/faults.js';
import { escapeForTerminal, escapeText } from './escape.js';
import { FAULT_TEXTS } from './faults/index.js';
import { bytesToJson } from './json.js';
import { wrapWords } from './wrap.js';

/** A finding, and the commands that mend it. */
export interface Diagnosis {
  readonly finding: Finding;
  readonly commands: readonly string[];
  /** Does `--fix` mend it? */
  readonly isMendable: boolean;
  /** How many were mended; absent when nothing was to be mended. */
  readonly mended?: number | undefined;
}

/** `3 jobs have lost their bodies` */
export function titleOf({ kind, count, examples }: Finding): string {
  const { one, many } = FAULT_TEXTS[kind];
  const text = count === 1 || many === undefined ? one : many;
  const found = [...new Set(examples.flatMap((one) => one.found ?? []))].join(', ');
  return text.replace('#', count.toLocaleString('en')).replace('%', () => escapeText(found));
}

/**
 * All that was found, as text that ends with a newline: for each finding what is wrong, examples, what it means and
 * what mends it.
 * @param width cells of the terminal; absent where there is none, and lines are as long as they are
 */
export function diagnosisText(diagnoses: readonly Diagnosis[], width: number | undefined): string {
  const blocks = diagnoses.map((one) => blockOf(one, width));
  return [...blocks, `${totalText(diagnoses.map(({ finding }) => finding))}\n`].join('');
}

/** Says that the search for this kind stopped at this number. */
const MORE = 'There may be more: the search stopped at this number. Fix these, and run doctor again.';

function blockOf({ finding, commands }: Diagnosis, width: number | undefined): string {
  const { severity, kind, count, examples, mayBeMore } = finding;
  const named = [...new Set(examples.flatMap(nameOf))];
  const rest = count > examples.length ? ', …' : '';
  const title = `${titleOf(finding)}${named.length > 0 ? `: ${named.join(', ')}${rest}` : ''}`;
  const paint = severity === 'error' ? chalk.red : chalk.yellow;
  const lines = [
    ...wrapWords(`${severity}: ${title}`, width).map((line, i) =>
      i === 0 ? line.replace(severity, paint(severity)) : line,
    ),
    ...wrapWords(FAULT_TEXTS[kind].means, width, true),
    ...(mayBeMore === true ? wrapWords(MORE, width, true) : []),
    // A command stays on one line, so that it can be copied.
    ...commands.map((command) => `  ${chalk.bold(command)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** The name of an example: its id when it is about a job. */
function nameOf({ id, key, client, row, found }: Fault): string[] {
  if (id && id.length > 0) return [escapeForTerminal(id)];
  if (key) return [escapeForTerminal(key)];
  if (client !== undefined) return [escapeText(client)];
  if (row && row.table !== 'index' && row.key !== found) return [`${row.table} ${escapeText(row.key)}`];
  return [];
}

function totalText(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'The store is healthy.';
  const count = (severity: string) => findings.filter((one) => one.severity === severity).length;
  const words = (number: number, word: string) =>
    number === 0 ? [] : [`${number} ${word}${number === 1 ? '' : 's'}`];
  return [...words(count('error'), 'error'), ...words(count('warning'), 'warning')].join(', ');
}

/** One document. */
export function diagnosisToJson(store: string, diagnoses: readonly Diagnosis[]): object {
  const hasError = diagnoses.some(({ finding }) => finding.severity === 'error');
  return { store, isHealthy: !hasError, findings: diagnoses.map((one) => findingToJson(one)) };
}

/** @param withNames false to leave out ids, topics and keys */
export function findingToJson(
  { finding, commands, isMendable, mended }: Diagnosis,
  withNames = true,
): object {
  const { kind, severity, count, examples, mayBeMore } = finding;
  return {
    ...{
      code: kind,
      severity,
      count,
      mayBeMore,
      message: titleOf(finding),
      meaning: FAULT_TEXTS[kind].means,
    },
    ...(withNames && { examples: examples.map(exampleToJson), commands }),
    isMendable,
    ...(mended !== undefined && { mended }),
  };
}

function exampleToJson({ id, topic, dueAt, key, client, row, found, wanted }: Fault): object {
  return {
    ...(id && bytesToJson('id', id)),
    ...(topic && bytesToJson('topic', topic)),
    ...(dueAt && { dueAt: dueAt.toISOString() }),
    ...(key && bytesToJson('key', key)),
    ...(client !== undefined && { client }),
    ...(row && { row }),
    ...(found !== undefined && found !== '' && { found }),
    ...(wanted !== undefined && { wanted }),
  };
}

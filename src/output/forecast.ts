import { exactDuration, formatDuration } from '../core/duration.js';
import type { Forecast, Simulation } from '../core/forecast.js';
import { timeCell } from './cells.js';
import { escapeForTerminal } from './escape.js';
import { bytesToJson, iso } from './json.js';
import { type Cell, type Column, drawTable } from './layout.js';

/** The widest bar, and the room for the other columns, in cells. */
const BAR_WIDTH = 30;
const MIN_BAR_WIDTH = 5;

/** A row for each step, with bars on a terminal; below it, when workers are first too late. */
export function forecastTable(
  forecast: Forecast,
  maxLateMs: number | undefined,
  width: number | undefined,
): string {
  const { now, stepMs, due, errors, spread, before, after, backlog, paused } = forecast;
  const most = Math.max(1, ...due, ...(spread ?? []));
  const barWidth = Math.max(MIN_BAR_WIDTH, Math.min(BAR_WIDTH, (width ?? 0) - 50));
  const bar = (jobs: number): Cell => ({ text: '█'.repeat(Math.round((jobs / most) * barWidth)) });
  const columns: Column[] = [{ head: 'from' }, right('due')];
  if (errors) columns.push(right('error'));
  if (spread) columns.push(right('spread'));
  if (before) columns.push(right('backlog'), right('late'));
  if (after) columns.push(right('spread backlog'), right('spread late'));
  if (width !== undefined) columns.push({ head: '', drop: 1 });
  const rows = due.map((jobs, i) => {
    const row: Cell[] = [timeCell(new Date(now.getTime() + i * stepMs), now), number(jobs)];
    if (errors) row.push({ text: `±${errors[i] ?? 0}`, plain: `${errors[i] ?? 0}` });
    if (spread) row.push(number(spread[i] ?? 0));
    for (const run of [before, after]) if (run) row.push(...stepCells(run, i));
    if (width !== undefined) row.push(bar((spread ?? due)[i] ?? 0));
    return row;
  });
  const lines = [drawTable({ columns, rows, width })];
  if (before) lines.push(`${backlog} ${backlog === 1 ? 'job waits' : 'jobs wait'} now.`);
  if (before && paused.length > 0)
    lines.push(`Counted as if not paused: ${paused.map((topic) => escapeForTerminal(topic)).join(', ')}.`);
  if (maxLateMs !== undefined && before) lines.push(breachLine('', before, forecast, maxLateMs));
  if (maxLateMs !== undefined && after) lines.push(breachLine('When spread: ', after, forecast, maxLateMs));
  return `${lines.join('\n')}\n`;
}

const right = (head: string): Column => ({ head, alignRight: true });
const number = (jobs: number): Cell => ({ text: String(Math.round(jobs)) });

function stepCells({ steps }: Simulation, i: number): Cell[] {
  const { backlog = 0, lateMs = 0 } = steps[i] ?? {};
  const late = Math.round(lateMs);
  return [number(backlog), { text: formatDuration(late), plain: exactDuration(late) }];
}

function breachLine(start: string, { breachMs }: Simulation, { now }: Forecast, maxLateMs: number): string {
  const limit = formatDuration(maxLateMs);
  if (breachMs === undefined) return `${start}No job is later than ${limit}.`;
  if (breachMs === 0) return `${start}Jobs are later than ${limit} already.`;
  const at = new Date(now.getTime() + breachMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return `${start}The first job is later than ${limit} at ${at}, in ${formatDuration(Math.round(breachMs))}.`;
}

/** `forecast --json`; what was not asked for is absent. */
export function forecastToJson(store: string, forecast: Forecast): Record<string, unknown> {
  const { now, stepMs, backlog, paused, due, errors, spread, before, after } = forecast;
  const steps = due.map((jobs, i) => ({
    from: iso(new Date(now.getTime() + i * stepMs)),
    due: jobs,
    ...(errors && { error: errors[i] }),
    ...(before && stepToJson(before, i)),
    ...(spread && { spread: { due: spread[i], ...(after && stepToJson(after, i)) } }),
  }));
  const breach = (run: Simulation) =>
    run.breachMs === undefined ? null : iso(new Date(now.getTime() + run.breachMs));
  return {
    ...{
      store,
      now: iso(now),
      stepMs,
      backlog,
      paused: paused.map((topic) => bytesToJson('topic', topic)),
      steps,
    },
    ...(before && { breachAt: breach(before) }),
    ...(after && { spreadBreachAt: breach(after) }),
  };
}

function stepToJson({ steps }: Simulation, i: number): object {
  const { done, backlog, lateMs } = steps[i] ?? { done: 0, backlog: 0, lateMs: 0 };
  return { done, backlog, lateMs: Math.round(lateMs) };
}

import { execFileSync } from 'node:child_process';
import { cpus, totalmem, type } from 'node:os';
import type { Figure, Goal, Workload } from './support.js';

export interface Result {
  readonly workload: Workload;
  readonly figures: readonly Figure[];
  readonly seconds: number;
}

const HEAD = ['workload', 'measured', 'compared with', 'ratio', 'goal', 'met'];

/** The machine on which the figures were measured. */
export function machine(): Record<string, string> {
  const processors = cpus();
  const redis = /v=(\S+)/.exec(
    execFileSync(process.env.REDIS_SERVER ?? 'redis-server', ['--version'], { encoding: 'utf8' }),
  )?.[1];
  return {
    processors: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: type(),
    node: process.version,
    redis: redis ?? 'unknown',
  };
}

function rows(results: readonly Result[]): string[][] {
  return results.flatMap(({ workload, figures }) =>
    figures.map(({ what, value, unit, beside, ratio, goal }) => [
      workload.name,
      `${what}: ${number(value)} ${unit}`.trim(),
      beside ? `${beside.what}: ${number(beside.value)} ${unit}`.trim() : '',
      ratio === undefined ? '' : `${number(ratio)} ×`,
      goal ? describe(goal, ratio === undefined ? ` ${unit}` : ' ×') : '',
      goal ? verdict(goal, ratio ?? value) : '',
    ]),
  );
}

export function asText(results: readonly Result[]): string {
  const table = [HEAD, ...rows(results)];
  const widths = HEAD.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));
  return `${lines.join('\n')}\n`;
}

export function asMarkdown(results: readonly Result[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [line(HEAD), line(HEAD.map(() => '---')), ...rows(results).map(line)];
  const about = Object.entries(machine()).map(([name, value]) => `${name}: ${value}`);
  return `${about.join(', ')}.\n\n${table.join('\n')}\n`;
}

export function asJson(results: readonly Result[]): string {
  const workloads = results.map(({ workload, figures, seconds }) => ({
    workload: workload.name,
    seconds: Math.round(seconds),
    figures: figures.map((figure) => ({
      ...figure,
      ...(figure.goal ? { met: verdict(figure.goal, figure.ratio ?? figure.value) } : {}),
    })),
  }));
  return `${JSON.stringify({ machine: machine(), workloads }, null, 2)}\n`;
}

function describe({ atLeast, atMost, now }: Goal, unit: string): string {
  const sign = atLeast === undefined ? '≤' : '≥';
  const goal = `${sign} ${number(atLeast ?? atMost ?? 0)}${unit}`;
  return now === undefined ? goal : `${goal} (now ${sign} ${number(now)})`;
}

function verdict({ atLeast, atMost, now }: Goal, value: number): 'yes' | 'now' | 'no' {
  const reaches = (limit: number) => (atLeast === undefined ? value <= limit : value >= limit);
  if (reaches(atLeast ?? atMost ?? 0)) return 'yes';
  return now !== undefined && reaches(now) ? 'now' : 'no';
}

/** A number with three significant digits; more would be noise. */
function number(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100) {
    const digits = 10 ** Math.max(0, Math.floor(Math.log10(Math.abs(value))) - 2);
    return (Math.round(value / digits) * digits).toLocaleString('en-GB');
  }
  return String(Number(value.toPrecision(3)));
}

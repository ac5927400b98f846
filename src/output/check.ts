import { type Figure, FIGURES, figureText, levelOf } from '../core/check-stats.js';
import { escapeForTerminal, escapeText } from './escape.js';
import { bytesToJson } from './json.js';

const LEVELS = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;
export type Level = 0 | 1 | 2 | 3;

export const CHECK_FORMATS = ['nagios', 'prometheus', 'json'] as const;
export type CheckFormat = (typeof CHECK_FORMATS)[number];

/** The result of a check, as text that ends with a newline. */
export function checkText(figures: readonly Figure[], format: CheckFormat): string {
  if (format === 'prometheus') return prometheus(figures);
  const level = levelOf(figures);
  if (format === 'json') {
    const values = figures.map(({ topic, ...figure }) => ({
      ...figure,
      ...(topic === undefined ? {} : bytesToJson('topic', topic)),
    }));
    return `${JSON.stringify({ status: LEVELS[level], code: level, figures: values })}\n`;
  }
  const alerts = figures.filter((figure) => figure.level > 0).sort((a, b) => b.level - a.level);
  const told = (alerts.length > 0 ? alerts : figures.filter(({ value }) => value > 0)).map(sentence);
  return line(level, `${told.join(', ') || 'no jobs'} | ${figures.map(performance).join(' ')}`);
}

/** The line for an error that kept the check from looking, with what to do about it. */
export function checkErrorText(
  level: 2 | 3,
  { message, hint }: { readonly message: string; readonly hint: string },
  format: CheckFormat,
): string {
  if (format === 'json')
    return `${JSON.stringify({ status: LEVELS[level], code: level, figures: [], error: message, hint })}\n`;
  if (format === 'prometheus') return statusMetric(level);
  // The bar separates text from performance data.
  return line(level, `${message.replace(/[.\s]+$/, '')}. ${hint}`.replaceAll('|', '/'));
}

const line = (level: Level, text: string): string => `DELAYER ${LEVELS[level]} - ${escapeText(text)}\n`;

function sentence({ name, value, warn, crit, level, topic, error, isAtLeast }: Figure): string {
  const limit = level === 2 ? crit : level === 1 ? warn : undefined;
  const least = FIGURES[name].kind === 'least';
  const bound = limit === undefined ? '' : ` (${least ? 'fewer' : 'more'} than ${figureText(name, limit)})`;
  const about = error === undefined ? '' : ` ±${error}`;
  const of = topic === undefined ? '' : ` of ${escapeForTerminal(topic).replaceAll('|', '/')}`;
  return `${name} ${isAtLeast === true ? 'at least ' : ''}${figureText(name, value)}${about}${of}${bound}`;
}

/** Nagios's performance data: a range `N:` alerts below N. */
function performance({ name, value, warn, crit }: Figure): string {
  const { kind } = FIGURES[name];
  const number = (one: number) => (kind === 'duration' ? `${one / 1000}` : `${one}`);
  const range = (one: number | undefined) =>
    one === undefined ? '' : `${number(one)}${kind === 'least' ? ':' : ''}`;
  const unit = kind === 'duration' ? 's' : kind === 'percent' ? '%' : '';
  return `${name}=${number(value)}${unit};${range(warn)};${range(crit)};0`;
}

/** The prefix of the metrics' names, and the beginning of their help. */
const UNITS = {
  duration: { suffix: '_seconds', of: 'Seconds' },
  count: { suffix: '', of: 'Number of' },
  percent: { suffix: '_percent', of: 'Percent' },
  least: { suffix: '', of: 'Number of' },
};

function prometheus(figures: readonly Figure[]): string {
  const lines = figures.flatMap(({ name, value }) => {
    const { kind, what } = FIGURES[name];
    const { suffix, of } = UNITS[kind];
    const metric = `delayer_${name}${suffix}`;
    return [
      `# HELP ${metric} ${of} ${what}.`,
      `# TYPE ${metric} gauge`,
      `${metric} ${kind === 'duration' ? value / 1000 : value}`,
    ];
  });
  return `${lines.map((one) => `${one}\n`).join('')}${statusMetric(levelOf(figures))}`;
}

const statusMetric = (level: Level): string =>
  `# HELP delayer_check_status 0 ok, 1 warning, 2 critical, 3 unknown.
# TYPE delayer_check_status gauge
delayer_check_status ${level}
`;

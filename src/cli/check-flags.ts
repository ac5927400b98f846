import * as Flags from './oclif/flags.js';
import { FIGURE_NAMES, type FigureName, FIGURES } from '../core/check-stats.js';
import { parseDuration } from '../core/duration.js';
import { DelayerError } from '../core/errors.js';
import { nearest } from './nearest.js';

/** A threshold that no value exceeds; for `least` figures one that no value is below. */
const OFF = 'off';

/** `KEY=VALUE` of --warn or --crit: a duration in ms or a number of jobs. */
export const threshold = (flag: string) =>
  Flags.custom<readonly [FigureName, number]>({
    helpValue: 'KEY=VALUE',
    parse: (text) => Promise.resolve(parseThreshold(text, flag)),
  });

function parseThreshold(text: string, flag: string): readonly [FigureName, number] {
  const at = text.indexOf('=');
  const [key, value] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
  const name = FIGURE_NAMES.find((one) => one === key);
  if (name === undefined) {
    const meant = nearest(key, FIGURE_NAMES);
    throw new DelayerError('usage', `invalid key for --${flag}: ${JSON.stringify(text)}`, {
      hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}Write KEY=VALUE; the keys are ${FIGURE_NAMES.join(', ')}.`,
    });
  }
  const { kind } = FIGURES[name];
  if (value === OFF) return [name, kind === 'least' ? -Infinity : Infinity];
  if (kind === 'duration') return [name, parseDuration(value, `--${flag} ${name}`)];
  if (kind === 'percent' && /^\d+%$/.test(value)) return [name, Number(value.slice(0, -1))];
  if (/^\d+$/.test(value) && Number.isSafeInteger(Number(value))) return [name, Number(value)];
  throw new DelayerError('usage', `invalid number for --${flag} ${name}: ${JSON.stringify(value)}`, {
    hint: 'Write a whole number, or off.',
  });
}

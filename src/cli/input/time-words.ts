/** Digits separated like a date: 03/04/2026 is one day here and another day there. */
const NUMERIC_DATE = /\d[./-]\d/;
/** ISO 8601, Unix seconds, a distance, or a mistyped one of these. */
const OTHER_FORM = /^(@|[+-]|\d{4})/;

/** With these words a day or a time of day is the one before. */
const PAST_WORDS = /\b(last|past)\b/i;

/** A time read from words. */
export interface TimeInWords {
  readonly at: Date;
  /** Does it depend on the local time zone, as `tomorrow 9:00` does and `in two hours` does not? */
  readonly isLocal: boolean;
}

/**
 * Reads words such as `tomorrow 9:00`, `next friday` or `in two hours`; every word has to be understood. A day or a
 * time of day means the next one, unless a word says that it is past. The library is loaded here, when it is needed.
 */
export async function readTimeInWords(text: string): Promise<TimeInWords | undefined> {
  if (NUMERIC_DATE.test(text) || OTHER_FORM.test(text)) return undefined;
  const { parse } = await import('chrono-node/en');
  const [first] = parse(text, new Date(), { forwardDate: !PAST_WORDS.test(text) });
  if (!first || first.end || first.text !== text.trim()) return undefined;
  return { at: first.date(), isLocal: !first.start.isCertain('timezoneOffset') };
}

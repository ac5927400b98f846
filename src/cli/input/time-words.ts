/** Digits that are parted like a date: 03/04/2026 is read as one day here and as another there. */
const NUMERIC_DATE = /\d[./-]\d/;
/** ISO 8601, Unix seconds or a distance, or what was meant to be one. */
const OTHER_FORM = /^(@|[+-]|\d{4})/;

/** A time as words say it. */
export interface TimeInWords {
  readonly at: Date;
  /** It depends on the local time zone, as `tomorrow 9:00` does and `in two hours` does not. */
  readonly isLocal: boolean;
}

/**
 * Reads words such as `tomorrow 9:00`, `next friday` or `in two hours`, all of them or none. A day or a time of day is
 * the next one. The library is loaded only here.
 */
export async function readTimeInWords(text: string): Promise<TimeInWords | undefined> {
  if (NUMERIC_DATE.test(text) || OTHER_FORM.test(text)) return undefined;
  const { parse } = await import('chrono-node/en');
  const [first] = parse(text, new Date(), { forwardDate: true });
  if (!first || first.end || first.text !== text.trim()) return undefined;
  return { at: first.date(), isLocal: !first.start.isCertain('timezoneOffset') };
}

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { formatDuration, parseDuration } from '../../core/duration.js';
import { DelayerError } from '../../core/errors.js';
import { isLocalTime, isTimestamp, parseTimestamp } from '../../core/timestamp.js';

const SYSTEM_ZONE = '/etc/localtime';
const ZONE_FILES = '/usr/share/zoneinfo';

/**
 * A time as a user writes it.
 * @throws DelayerError `usage`; also for a time without an offset where Node would misread the local zone
 */
export function readTime(text: string, what: string): Date {
  if (!text.endsWith('Z') && isLocalTime(text)) useLocalZone(what);
  return new Date(parseTimestamp(text, what));
}

/** As {@link readTime}; also from now on (`+90m`) or back (`-1h`) by this machine's clock, or in words. */
export async function readAnyTime(text: string, what: string): Promise<Date> {
  const [, sign, duration] = /^([+-])(\d.*)$/.exec(text) ?? [];
  if (duration === undefined) return (await readWords(text, what)) ?? readTime(text, what);
  const ms = parseDuration(duration, what);
  return new Date(Date.now() + (sign === '-' ? -ms : ms));
}

/** @throws DelayerError `usage` for words that need a local zone which cannot be read */
async function readWords(text: string, what: string): Promise<Date | undefined> {
  if (isTimestamp(text)) return undefined;
  const { readTimeInWords } = await import('./time-words.js');
  const words = await readTimeInWords(text);
  if (!words?.isLocal) return words?.at;
  useLocalZone(what);
  // Now in the zone that the system has.
  return (await readTimeInWords(text))?.at;
}

/** How a time was understood: in local time, and how far away it is. */
export function describeTime(at: Date, now: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString();
  const minutes = Math.abs(at.getTimezoneOffset());
  const offset = [Math.floor(minutes / 60), minutes % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  const sign = at.getTimezoneOffset() > 0 ? '-' : '+';
  const away = at.getTime() - now.getTime();
  const distance = formatDuration(Math.abs(away));
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${sign}${offset} (${away >= 0 ? `in ${distance}` : `${distance} ago`})`;
}

/** The same for a due time; one in the past means at once. */
export function describeDueTime(at: Date, now: Date): string {
  const text = describeTime(at, now);
  return at < now ? text.replace(/\)$/, ': at once)') : text;
}

let isZoneKnown = false;

/**
 * Sets TZ to the name of the zone that the system's own programs use. Node reads names correctly, but paths and
 * rules such as CET-1CEST,M3.5.0,M10.5.0/3 as UTC or hours off.
 */
function useLocalZone(what: string): void {
  if (isZoneKnown || process.platform === 'win32') return;
  const zone = localZone();
  if (zone === undefined) {
    const named = process.env.TZ === undefined ? SYSTEM_ZONE : `TZ=${process.env.TZ}`;
    throw new DelayerError('usage', `${what} has no offset, and the time zone of ${named} cannot be read`, {
      hint: 'Write the offset (2026-03-01T12:00:00Z, or +02:00), or set TZ to a name (Europe/Berlin).',
    });
  }
  process.env.TZ = zone;
  isZoneKnown = true;
}

function localZone(): string | undefined {
  const given = process.env.TZ?.replace(/^:/, '');
  if (given === undefined) return existsSync(SYSTEM_ZONE) ? zoneOfFile(SYSTEM_ZONE) : 'UTC';
  if (/^((UTC|GMT)0?)?$/.test(given)) return 'UTC';
  return given.startsWith('/') ? zoneOfFile(given) : knownZone(given);
}

/** The name of a zone file below the system's zones, or of one with the same content. */
function zoneOfFile(path: string): string | undefined {
  try {
    const [, name] = /\/zoneinfo\/(?:posix\/)?(.+)$/.exec(realpathSync(path)) ?? [];
    if (name !== undefined) return knownZone(name);
    // Where TZ is not set, Node has already compared the file with the known zones.
    const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
    return readFileSync(path).equals(readFileSync(join(ZONE_FILES, timeZone)))
      ? knownZone(timeZone)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A name that Node and the system both know; the system reads an unknown one as UTC. */
function knownZone(name: string): string | undefined {
  if (existsSync(ZONE_FILES) && !existsSync(join(ZONE_FILES, name))) return undefined;
  try {
    new Intl.DateTimeFormat(undefined, { timeZone: name });
    return name;
  } catch {
    return undefined;
  }
}

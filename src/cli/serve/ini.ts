import { DelayerError } from '../../core/errors.js';

/** A key of an INI file, and where it stands. */
export interface IniEntry {
  /** Empty before the first section. */
  readonly section: string;
  readonly key: string;
  /** Empty where nothing follows the equals sign. */
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

/**
 * Reads an INI file as the Go library of the original daemon does: `;` and `#` begin a comment anywhere outside of
 * backquotes, `=` or `:` ends a key, and a backslash at the end of a line joins the next line to it. npm's `ini` cannot
 * be used: it takes every line for a key and reports no bad line.
 * @param file its name, for errors
 * @throws DelayerError `config_invalid` with the number of the line
 */
export function parseIni(text: string, file: string): IniEntry[] {
  const entries: IniEntry[] = [];
  let section = '';
  for (const { content, line } of logicalLines(text)) {
    if (content === '' || content.startsWith(';') || content.startsWith('#')) continue;
    if (content.startsWith('[')) {
      const name = /^\[([^\]]+)\]\s*([;#].*)?$/.exec(content)?.[1];
      if (name === undefined) throw wrongLine(file, line, 'a section that does not end with ]');
      section = name.trim();
      continue;
    }
    const [, key = '', rest = ''] = /^([^=:]+)[=:](.*)$/s.exec(content) ?? [];
    if (key.trim() === '') throw wrongLine(file, line, 'neither [section] nor KEY = VALUE');
    const value = valueOf(rest.trim());
    if (value === undefined) throw wrongLine(file, line, 'unclosed quote');
    entries.push({ section, key: key.trim(), value, line });
  }
  return entries;
}

/** The error of a bad line. Its text is not repeated, because it may hold a password. */
export function wrongLine(
  file: string,
  line: number,
  what: string,
  hint = 'A line is [section], KEY = VALUE, or a comment that begins with ; or #.',
): DelayerError {
  return new DelayerError('config_invalid', `${file}:${line}: ${what}`, { hint });
}

function* logicalLines(text: string): Iterable<{ readonly content: string; readonly line: number }> {
  const lines = text.replace(/^\ufeff/, '').split('\n');
  for (let i = 0; i < lines.length; i += 1) {
    const line = i + 1;
    let content = lines[i]?.trim() ?? '';
    while (/^[^;#].*\\$/s.test(content) && i + 1 < lines.length) {
      i += 1;
      content = `${content.slice(0, -1)}${lines[i]?.trim() ?? ''}`;
    }
    yield { content, line };
  }
}

/**
 * The value without quotes and comment. Only backquotes and three double quotes keep `;` and `#`; other quotes are
 * removed where they stand around all that is left. Undefined when a quote is not closed.
 */
function valueOf(text: string): string | undefined {
  const quote = /^("""|`)/.exec(text)?.[1];
  if (quote === undefined) return text.replace(/\s*[;#].*$/s, '').replace(/^(["'])(.*)\1$/s, '$2');
  const end = text.indexOf(quote, quote.length);
  if (end === -1) return undefined;
  const behind = text.slice(end + quote.length).trim();
  return behind === '' || /^[;#]/.test(behind) ? text.slice(quote.length, end) : undefined;
}

import { isUtf8 } from 'node:buffer';
import type { Bytes } from '../core/job.js';

/** C0 and C1 controls, DEL, and marks that reorder or hide text: a job must not send these to a terminal. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text for a terminal: control characters and bytes that are not valid UTF-8 are shown as escapes. */
export function escapeForTerminal(bytes: Bytes): string {
  return escapeText(toText(bytes));
}

export function escapeText(text: string): string {
  return text.replace(UNPRINTABLE, (char) => SHORT[char] ?? escapeChar(char));
}

/** Raw output for a terminal: as {@link escapeForTerminal}, but lines and tabs stay. */
export function escapeKeepingLines(bytes: Bytes): string {
  return toText(bytes).replace(UNPRINTABLE, (char) =>
    char === '\n' || char === '\t' ? char : escapeChar(char),
  );
}

function toText(bytes: Bytes): string {
  return isUtf8(bytes) ? bytes.toString() : escapeBytes(bytes);
}

function escapeChar(char: string): string {
  const code = char.charCodeAt(0);
  const hex = code.toString(16);
  return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
}

function escapeBytes(bytes: Bytes): string {
  return Array.from(bytes, (byte) =>
    byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}

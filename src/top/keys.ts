/** A key press: a named key, a character, or pasted text. */
export type Key =
  | { readonly type: 'named'; readonly name: KeyName }
  | { readonly type: 'char'; readonly char: string }
  | { readonly type: 'paste'; readonly text: string };

export type KeyName =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'pageup'
  | 'pagedown'
  | 'home'
  | 'end'
  | 'enter'
  | 'escape'
  | 'backspace'
  | 'tab'
  | 'ctrl-c'
  | 'ctrl-l'
  | 'ctrl-u'
  | 'ctrl-z'
  | 'ctrl-backslash';

const ESC = '\x1b';
const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';

const CONTROLS: Readonly<Partial<Record<string, KeyName>>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\b': 'backspace',
  '\x7f': 'backspace',
  '\x03': 'ctrl-c',
  '\x0c': 'ctrl-l',
  '\x15': 'ctrl-u',
  '\x1a': 'ctrl-z',
  '\x1c': 'ctrl-backslash',
};

/** By what follows `ESC [` or `ESC O`; terminals differ in Home and End. */
const SEQUENCES: Readonly<Partial<Record<string, KeyName>>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  '1~': 'home',
  '7~': 'home',
  '4~': 'end',
  '8~': 'end',
  '5~': 'pageup',
  '6~': 'pagedown',
};

/** `ESC [`, parameters and a last letter, or `ESC O` and a letter. */
const SEQUENCE = /^\x1b(?:\[([\x20-\x3f]*[\x40-\x7e])|O([\x40-\x7e]))/;
/** The beginning of such a sequence. */
const UNFINISHED = /^\x1b(?:\[[\x20-\x3f]*|O)?$/;

/**
 * Turns the bytes of a terminal into keys. On a slow line a sequence may come in parts: its beginning is kept until
 * the rest comes, or `flush` says that nothing came.
 */
export class KeyParser {
  private rest = '';

  /** Is there an unfinished sequence? Esc alone is one. */
  get isWaiting(): boolean {
    return this.rest !== '' && !this.rest.startsWith(PASTE_START);
  }

  feed(text: string): Key[] {
    this.rest += text;
    const keys: Key[] = [];
    while (this.rest !== '') {
      const before = this.rest;
      const key = this.next();
      if (key) keys.push(key);
      else if (this.rest === before) break;
    }
    return keys;
  }

  /** Nothing more came: what was kept is the Esc key, or a broken sequence, which is ignored. */
  flush(): Key[] {
    if (!this.isWaiting) return [];
    const isEscape = this.rest === ESC;
    this.rest = '';
    return isEscape ? [named('escape')] : [];
  }

  /** Takes a key off the rest; undefined when the sequence means none, or is not complete. */
  private next(): Key | undefined {
    if (this.rest.startsWith(PASTE_START)) return this.pasted();
    if (UNFINISHED.test(this.rest)) return undefined;
    if (this.rest.startsWith(ESC)) return this.sequence();
    const [char = ''] = this.rest;
    this.rest = this.rest.slice(char.length);
    const name = CONTROLS[char];
    if (name) return named(name);
    return isControl(char) ? undefined : { type: 'char', char };
  }

  private sequence(): Key | undefined {
    const [whole, csi, ss3] = SEQUENCE.exec(this.rest) ?? [];
    if (whole === undefined) {
      // Esc directly followed by a key may be Alt with that key, or two keys. Both are read as Esc.
      this.rest = this.rest.slice(ESC.length);
      return named('escape');
    }
    this.rest = this.rest.slice(whole.length);
    const name = SEQUENCES[csi ?? ss3 ?? ''];
    return name && named(name);
  }

  private pasted(): Key | undefined {
    const end = this.rest.indexOf(PASTE_END);
    if (end === -1) return this.interrupted();
    const text = this.rest.slice(PASTE_START.length, end);
    this.rest = this.rest.slice(end + PASTE_END.length);
    return { type: 'paste', text };
  }

  /** Ctrl-C ends a paste whose end does not come. */
  private interrupted(): Key | undefined {
    const at = this.rest.indexOf('\x03');
    if (at === -1) return undefined;
    this.rest = this.rest.slice(at + 1);
    return named('ctrl-c');
  }
}

const named = (name: KeyName): Key => ({ type: 'named', name });

const isControl = (char: string): boolean => /[\x00-\x1f\x7f-\x9f]/.test(char);

import { expect } from 'chai';
import { escapeForTerminal, escapeKeepingLines } from '../../src/output/escape.js';
import { bytesToJson, toJsonLine } from '../../src/output/json.js';

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

describe('escaping for a terminal', () => {
  it('escaping for a terminal replaces every control character of one or two bytes', () => {
    for (let code = 0; code < 0x100; code += 1) {
      const char = String.fromCharCode(code);
      expect(escapeForTerminal(Buffer.from(char)), `U+${code}`).to.not.match(CONTROL);
      expect(escapeForTerminal(Buffer.from([code])), `byte ${code}`).to.not.match(CONTROL);
    }
  });

  it('escaping for a terminal shows bytes that are not valid UTF-8 as escapes', () => {
    expect(escapeForTerminal(Buffer.from([0x61, 0xff, 0x9b, 0x41]))).to.equal('a\\xff\\x9bA');
  });

  it('escaping for a terminal shows characters that reorder or hide text as escapes', () => {
    expect(escapeForTerminal(Buffer.from('a\u202eb\u2066c\u200bd\ufeffe'))).to.equal(
      'a\\u202eb\\u2066c\\u200bd\\ufeffe',
    );
  });

  it('escaping for a terminal keeps letters of all languages and emoji', () => {
    const text = 'żółć 日本語 עברית 😀 {"a":1} \\ "';
    expect(escapeForTerminal(Buffer.from(text))).to.equal(text);
  });

  it('escaping of raw output keeps newlines and tabs and escapes other control characters', () => {
    expect(escapeKeepingLines(Buffer.from('a\n\tb\r\u001b[2J'))).to.equal('a\n\tb\\x0d\\x1b[2J');
  });
});

describe('a line of JSON', () => {
  it('a line of JSON contains no control character, and parses to the same text', () => {
    const text = Array.from({ length: 0x100 }, (_, code) => String.fromCharCode(code)).join('');
    const line = toJsonLine({ text });
    expect(line).to.not.match(CONTROL);
    expect(JSON.parse(line)).to.deep.equal({ text });
  });

  it('a line of JSON has bytes that are not valid UTF-8 in base64, in a field whose name ends in Base64', () => {
    expect(bytesToJson('id', Buffer.from('32'))).to.deep.equal({ id: '32' });
    expect(bytesToJson('id', Buffer.from([0xff]))).to.deep.equal({ idBase64: '/w==' });
    expect(bytesToJson('id', undefined)).to.deep.equal({ id: null });
  });
});

import { expect } from 'chai';
import { type Key, KeyParser } from '../../src/top/keys.js';

const textOf = (key: Key): string =>
  key.type === 'named' ? `<${key.name}>` : key.type === 'paste' ? `{${key.text}}` : key.char;
const parse = (...chunks: string[]): string[] => {
  const parser = new KeyParser();
  return chunks.flatMap((chunk) => parser.feed(chunk)).map(textOf);
};

describe('reading keys from a terminal', () => {
  it('arrows, Home, End and page keys are recognised in the forms of several terminals', () => {
    expect(parse('\x1b[A\x1bOB\x1b[C\x1bOD')).to.deep.equal(['<up>', '<down>', '<right>', '<left>']);
    expect(parse('\x1b[H\x1b[1~\x1b[7~\x1bOF\x1b[4~')).to.deep.equal([
      '<home>',
      '<home>',
      '<home>',
      '<end>',
      '<end>',
    ]);
    expect(parse('\x1b[5~\x1b[6~\r\n\x7f\b')).to.deep.equal([
      '<pageup>',
      '<pagedown>',
      '<enter>',
      '<enter>',
      '<backspace>',
      '<backspace>',
    ]);
  });

  it('an escape sequence that arrives in parts is one key', () => {
    expect(parse('\x1b', '[', 'A', 'j')).to.deep.equal(['<up>', 'j']);
    expect(parse('\x1b[200~a', 'b\x1b[20', '1~q')).to.deep.equal(['{ab}', 'q']);
  });

  it('Esc is a key when nothing follows it, and an incomplete sequence is dropped', () => {
    const parser = new KeyParser();
    expect(parser.feed('\x1b')).to.deep.equal([]);
    expect(parser.isWaiting).to.equal(true);
    expect(parser.flush().map(textOf)).to.deep.equal(['<escape>']);
    expect(parser.feed('\x1b[')).to.deep.equal([]);
    expect(parser.flush()).to.deep.equal([]);
    expect(parser.feed('q').map(textOf)).to.deep.equal(['q']);
  });

  it('unknown sequences and control characters are skipped, and the keys after them are read', () => {
    expect(parse('\x1b[15~j\x1b[1;5Ck\x00\x02\x1b[?1;2cl')).to.deep.equal(['j', 'k', 'l']);
  });

  it('characters beyond ASCII are keys, and a paste is one event and not keys', () => {
    expect(parse('é日😀')).to.deep.equal(['é', '日', '😀']);
    expect(parse('\x1b[200~ry\x03\x1b[201~')).to.deep.equal(['{ry\x03}']);
  });

  it('Ctrl-C ends a paste whose end does not come', () => {
    expect(parse('\x1b[200~ry')).to.deep.equal([]);
    expect(parse('\x1b[200~ry\x03q')).to.deep.equal(['<ctrl-c>', 'q']);
  });
});

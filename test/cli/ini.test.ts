import { expect } from 'chai';
import { parseIni } from '../../src/cli/serve/ini.js';
import { fromOriginal } from '../../src/cli/serve/original.js';

describe('an INI file of the original daemon', () => {
  const valuesOf = (text: string) => parseIni(text, 'x.conf').map(({ value }) => value);

  it('the parser returns keys with section, value and line number, and skips comments, blank lines and a byte order mark', () => {
    const text = '\ufeff; a comment\r\nfree = 1\r\n\r\n[ delayer ] # another\r\npid = /run/x.pid\r\n';
    expect(parseIni(text, 'x.conf')).to.deep.equal([
      { section: '', key: 'free', value: '1', line: 2 },
      { section: 'delayer', key: 'pid', value: '/run/x.pid', line: 5 },
    ]);
  });

  it('a comment after a value needs no space before it, and a value in backquotes may contain ; and #', () => {
    expect(valuesOf('a = 1; x\nb=2# x\nc : 3\nd = ; x\ne = `p;#` ; x\nf = `q"`\ng = \'r\'\nh = """s;""" # x')) //
      .to.deep.equal(['1', '2', '3', '', 'p;#', 'q"', 'r', 's;']);
  });

  it('quotes are removed only where they stand around the whole value, after a comment is cut off', () => {
    expect(valuesOf('a = "x" ; y\nb = "x\nc = \'tis\nd = "a"b"\ne = "x;y"\nf = "x" y\ng = ""')) //
      .to.deep.equal(['x', '"x', "'tis", 'a"b', '"x', '"x" y', '']);
  });

  it('a backslash at the end of a line joins the next line to it, and line numbers stay right', () => {
    expect(parseIni('a = one\\\n  two\nb = 3', 'x.conf')).to.deep.equal([
      { section: '', key: 'a', value: 'onetwo', line: 1 },
      { section: '', key: 'b', value: '3', line: 3 },
    ]);
  });

  for (const [what, line] of [
    ['a section without a closing bracket', '[delayer'],
    ['a section without a name', '[]'],
    ['a line without =', 'secret'],
    ['a value without a key', '= 1'],
    ['an unclosed quote', 'password = `secret'],
    ['text after a closing quote', 'password = `secret` more'],
  ] as const) {
    it(`${what} is reported with file and line number, without the text of the line`, () => {
      expect(() => parseIni(`[redis]\n${line}`, 'x.conf'))
        .to.throw(/^x\.conf:2: /)
        .with.property('code', 'config_invalid');
      expect(() => parseIni(`[redis]\n${line}`, 'x.conf'))
        .to.throw()
        .and.not.match(/secret/);
    });
  }
});

describe('a command line of the original daemon', () => {
  it('becomes a command line of serve, with delayer.conf when no configuration file is named', () => {
    for (const [given, meant] of [
      ['-c x.conf -d', '--configuration x.conf --daemon'],
      ['-d --configuration=x.conf', '--daemon --configuration x.conf'],
      ['-daemon -configuration x.conf', '--daemon --configuration x.conf'],
      ['-c=x.conf --json', '--configuration x.conf --json'],
      ['--daemon', '--daemon --configuration delayer.conf'],
      ['-d=true -c x.conf', '--daemon --configuration x.conf'],
      ['-c x.conf --daemon=F', '--configuration x.conf'],
      ['-d=0', '--configuration delayer.conf'],
      ['-d=yes -c x.conf', '--daemon=yes --configuration x.conf'],
    ] as const)
      expect(fromOriginal(given.split(' '))).to.deep.equal(['serve', ...meant.split(' ')]);
  });

  it('becomes --version for -v; any other command line is unchanged', () => {
    expect(fromOriginal(['-v'])).to.deep.equal(['--version']);
    for (const argv of [[], ['serve', '-d'], ['--json', 'pop', '-c'], ['-h'], ['push', 'q', '-d']])
      expect(fromOriginal(argv)).to.deep.equal(argv);
  });
});

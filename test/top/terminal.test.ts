import { expect } from 'chai';
import { Screen } from '../../src/top/screen.js';
import { Terminal, type Tty } from '../../src/top/terminal.js';
import { eventually } from '../support/eventually.js';

const SIZE = { columns: 10, rows: 3 };

/** A terminal whose writes end when the test calls `take`. */
function slowTty(): Tty & { readonly written: string[]; readonly take: () => void; readonly raw: boolean[] } {
  const written: string[] = [];
  const raw: boolean[] = [];
  let take: () => void = () => undefined;
  return {
    written,
    raw,
    take: () => take(),
    size: () => SIZE,
    write: (text) => {
      written.push(text);
      return new Promise((resolve) => (take = resolve));
    },
    writeNow: (text) => written.push(text),
    setRaw: (isRaw) => raw.push(isRaw),
    onInput: () => () => undefined,
    onResize: () => () => undefined,
  };
}
const LISTENER = { onKey: () => undefined, onSize: () => undefined, onEnd: () => undefined };

describe('the screen of top', () => {
  it('only lines that have changed are drawn', () => {
    const screen = new Screen();
    expect(screen.draw(['a', 'b', ''], SIZE))
      .to.include('\x1b[1;1Ha')
      .and.to.include('\x1b[2;1Hb');
    expect(screen.draw(['a', 'c', ''], SIZE)).to.equal('\x1b[2;1Hc\x1b[K');
    expect(screen.draw(['a', 'c', ''], SIZE)).to.equal('');
    expect(screen.draw(['', 'c', ''], SIZE)).to.equal('\x1b[1;1H\x1b[K');
  });

  it('all lines are drawn again when the size has changed or the content of the screen is unknown', () => {
    const screen = new Screen();
    screen.draw(['a', 'b', ''], SIZE);
    expect(screen.draw(['a', 'b'], { columns: 10, rows: 2 }))
      .to.include('\x1b[2J')
      .and.to.include('b');
    screen.forget();
    expect(screen.draw(['a', 'b'], { columns: 10, rows: 2 })).to.include('\x1b[2J');
  });

  it('a line that ends in the last column is not followed by a clear-to-end-of-line', () => {
    const screen = new Screen();
    expect(screen.draw(['日本語日本'], { columns: 10, rows: 1 })).to.not.include('\x1b[K');
  });

  it('of the frames that arrive during a write only the last is drawn, with one write', async () => {
    const tty = slowTty();
    const terminal = new Terminal(tty, LISTENER);
    terminal.enter();
    const before = tty.written.length;
    for (const text of ['1', '2', '3']) terminal.draw([text]);
    expect(tty.written.slice(before)).to.have.length(1);
    tty.take();
    await eventually(() => tty.written.length === before + 2);
    expect(tty.written.at(-1)).to.equal('\x1b[1;1H3\x1b[K');
    tty.take();
    terminal.leave();
    expect(tty.raw).to.deep.equal([true, false]);
  });

  it('the terminal is restored once, and nothing is drawn after that', () => {
    const tty = slowTty();
    const terminal = new Terminal(tty, LISTENER);
    const signals = process.listenerCount('SIGTSTP');
    terminal.enter();
    expect(process.listenerCount('SIGTSTP')).to.equal(signals + 1);
    terminal.leave();
    const [{ length }, last] = [tty.written, tty.written.at(-1)];
    expect(last).to.include('\x1b[?1049l').and.to.include('\x1b[?25h');
    terminal.leave();
    terminal.draw(['late']);
    expect(tty.written).to.have.length(length);
    expect(process.listenerCount('SIGTSTP')).to.equal(signals);
  });
});

import { expect } from 'chai';
import { sendWhileMore } from '../../src/daemon/ahead.js';
import { eventually, failureOf } from '../support/eventually.js';

describe('requests that are sent while there is more to do', () => {
  let ending = new AbortController();
  /** What was sent and is not answered, the first in front. */
  let open: { answer: (more: boolean) => void; fail: (error: Error) => void }[] = [];
  let sent = 0;
  beforeEach(() => {
    ending = new AbortController();
    [open, sent] = [[], 0];
  });

  const send = () => {
    sent += 1;
    return new Promise<boolean>((answer, fail) => open.push({ answer, fail }));
  };
  const start = (atOnce: number) => sendWhileMore(send, { atOnce, signal: ending.signal });
  const answer = (more: boolean) => open.shift()?.answer(more);
  const sentTo = (count: number) => eventually(() => sent === count);

  it('one is sent alone, and two are under way from when there is more to do', async () => {
    const running = start(2);
    expect(sent).to.equal(1);
    answer(true);
    await sentTo(3);
    answer(true);
    await sentTo(4);
    answer(true);
    await sentTo(5);
    expect(open).to.have.length(2);
    answer(false);
    answer(false);
    await running;
    expect(sent).to.equal(5);
  });

  it('one is sent when the last is answered, where one may be under way', async () => {
    const running = start(1);
    for (const count of [2, 3, 4]) {
      answer(true);
      await sentTo(count);
      expect(open).to.have.length(1);
    }
    answer(false);
    await running;
    expect(sent).to.equal(4);
  });

  it('what was sent ahead decides whether more is sent: it was answered last', async () => {
    const running = start(2);
    answer(true);
    await sentTo(3);
    answer(false);
    answer(true);
    await sentTo(5);
    answer(false);
    answer(false);
    await running;
  });

  it('nothing is sent after an abort, and what was sent is waited for', async () => {
    const running = start(2);
    answer(true);
    await sentTo(3);
    ending.abort();
    answer(true);
    let isOver = false;
    void running.then(() => (isOver = true));
    await new Promise(setImmediate);
    expect({ sent, isOver }).to.deep.equal({ sent: 3, isOver: false });
    answer(true);
    await running;
    expect(sent).to.equal(3);
  });

  for (const other of ['answered', 'failed'] as const) {
    it(`after a failure nothing is sent, and what was sent is waited for, be it ${other} then`, async () => {
      const running = start(2);
      answer(true);
      await sentTo(3);
      const [first, second] = open;
      const failure = new Error('the first');
      first?.fail(failure);
      const failed = failureOf(running);
      await new Promise(setImmediate);
      if (other === 'answered') second?.answer(true);
      else second?.fail(new Error('the second'));
      expect(await failed).to.equal(failure);
      expect(sent).to.equal(3);
    });
  }
});

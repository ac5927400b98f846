import { expect } from 'chai';
import { sendWhileMore } from '../../src/daemon/ahead.js';
import { eventually, failureOf } from '../support/eventually.js';

describe('requests that are sent while there is more to do', () => {
  let ending = new AbortController();
  /** Requests that were sent and not answered, the oldest first. */
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

  it('the first request is sent alone, and two are under way while there is more to do', async () => {
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

  it('with a limit of one, each request is sent after the answer to the one before', async () => {
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

  it('the answer to the latest request decides whether another one is sent', async () => {
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

  it('after an abort no request is sent, and those under way are awaited', async () => {
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

  for (const other of ['succeeds', 'fails'] as const) {
    it(`after a failure no request is sent, and the failure is thrown when the other request ${other}`, async () => {
      const running = start(2);
      answer(true);
      await sentTo(3);
      const [first, second] = open;
      const failure = new Error('the first');
      first?.fail(failure);
      const failed = failureOf(running);
      await new Promise(setImmediate);
      if (other === 'succeeds') second?.answer(true);
      else second?.fail(new Error('the second'));
      expect(await failed).to.equal(failure);
      expect(sent).to.equal(3);
    });
  }
});

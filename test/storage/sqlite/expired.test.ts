import { expect } from 'chai';
import { only, statesOf, textOf } from '../../contract/world.js';
import { HOUR_MS, MINUTE_MS, reserve } from '../../support/jobs.js';
import { useFolder } from './files.js';

describe('a job of an SQLite file that has expired', () => {
  const folder = useFolder();
  let now = 0;
  const clock = { now: () => now };
  beforeEach(() => (now = Date.UTC(2026, 0, 1)));

  /** Pushes a job and lets it expire. */
  const expire = async (job: { body?: string; topic?: string } = {}) => {
    const queue = await folder.openQueue('queue.db', clock);
    await queue.push({ id: 'a', topic: 'topic', body: 'b', ttlMs: MINUTE_MS, ...job });
    now += MINUTE_MS;
    expect(statesOf(await queue.find('a'))).to.deep.equal(['expired']);
    return queue;
  };

  it('is requeued with its whole ready lifetime', async () => {
    const queue = await expire({ body: 'kept' });
    expect(await queue.requeue(['a'], { delayMs: HOUR_MS })).to.deep.equal(['requeued']);
    const found = only(await queue.find('a'));
    expect(found).to.include({ state: 'delayed', attempts: 0, ttlMs: MINUTE_MS });
    expect(found.expiresAt).to.deep.equal(new Date(now + HOUR_MS + MINUTE_MS));
    now += HOUR_MS;
    expect(textOf(await queue.pop('topic'))).to.equal('kept');
  });

  it('is requeued with no attempts, or with those that it has', async () => {
    const queue = await folder.openQueue('queue.db', clock);
    await queue.push({ id: 'a', topic: 'topic', body: 'b', ttlMs: MINUTE_MS });
    for (const [keepAttempts, attempts] of [
      [true, 1],
      [false, 0],
    ] as const) {
      await queue.nack(await reserve(queue, 'topic', 1), { delayMs: 0 });
      now += MINUTE_MS;
      expect(await queue.requeue(['a'], { keepAttempts })).to.deep.equal(['requeued']);
      expect(only(await queue.find('a'))).to.include({ state: 'ready', attempts });
    }
  });

  it('is requeued once', async () => {
    const queue = await expire();
    expect(await queue.requeue(['a', 'a'])).to.deep.equal(['requeued', 'none']);
  });

  it('is left alone by a requeue of another topic or of dead letters alone', async () => {
    const queue = await expire();
    expect(await queue.requeue([{ id: 'a', topic: 'other' }])).to.deep.equal(['none']);
    expect(await queue.requeue([{ id: 'a', state: 'dead' }])).to.deep.equal(['none']);
    expect(await queue.requeue([{ id: 'a', topic: 'topic', state: 'expired' }])).to.deep.equal(['requeued']);
  });

  it('makes way for a dead letter of its id, unless it is meant itself', async () => {
    for (const [state, body] of [
      [undefined, 'dead'],
      ['expired', 'expired'],
    ] as const) {
      const queue = await folder.openQueue(`${body}.db`, clock);
      await queue.push({ id: 'a', topic: 'topic', body: 'dead' });
      await queue.nack(await reserve(queue, 'topic', 1), { dead: true });
      await queue.push({ id: 'a', topic: 'topic', body: 'expired', ttlMs: MINUTE_MS });
      now += MINUTE_MS;
      expect(await queue.requeue([{ id: 'a', state }])).to.deep.equal(['requeued']);
      expect(textOf(await queue.pop('topic'))).to.equal(body);
    }
  });

  it('is kept for a minute, also by maintain', async () => {
    const queue = await expire();
    now += MINUTE_MS - 1;
    expect(await queue.maintain()).to.include({ expired: 0 });
    now += 1;
    expect(await queue.maintain()).to.include({ expired: 1 });
    expect(await queue.requeue(['a'])).to.deep.equal(['none']);
  });
});

import { expect } from 'chai';
import type { JobRecord } from '../../src/core/job.js';
import { explain } from '../../src/output/explain.js';

const NOW = new Date('2026-03-01T12:00:00Z');
const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const bytes = (text: string) => Buffer.from(text);
const JOB = { id: bytes('32'), topic: bytes('topic'), body: bytes('b'), attempts: 0 } as const;

const explained = (job: Omit<JobRecord, 'id' | 'attempts'> & { attempts?: number }) =>
  explain({ ...JOB, ...job }, NOW).join(' ');

describe('the explanation of a job', () => {
  it('the explanation of a job says when a delayed job is due, and when it expires', () => {
    expect(explained({ state: 'delayed', dueAt: at(1800), expiresAt: at(3600) })).to.equal(
      'It is not due yet: it will be ready in 30m. It expires if nobody takes it within 1h.',
    );
    expect(explained({ state: 'delayed' })).to.include('when it is due is not known');
  });

  it('the explanation of a job that expires before it is due says that it is never delivered', () => {
    expect(explained({ state: 'delayed', dueAt: at(7200), expiresAt: at(60) })).to.equal(
      'It is due in 2h, and its body expires before that, in 1m. It will never be delivered.',
    );
  });

  it('the explanation of a due job says what makes it ready', () => {
    expect(explained({ state: 'due', dueAt: at(-16) })).to.match(/^It has been due for 16 s .* A daemon, or/);
  });

  it('the explanation of a ready job says how many come before it, or that this is not known', () => {
    const ready = { state: 'ready', dueAt: at(-5) } as const;
    expect(explained({ ...ready, readyAhead: 0 })).to.include('It is the next of its topic');
    expect(explained({ ...ready, readyAhead: 1 })).to.include('1 ready job of its topic comes before it.');
    expect(explained({ ...ready, readyAhead: 2 })).to.include('2 ready jobs of its topic come before it.');
    expect(explained(ready)).to.include('is not known');
    expect(explained({ state: 'ready' })).to.include('when it was due is not known');
  });

  it('the explanation of a leased job says how long its lease lasts, or when it ended', () => {
    expect(explained({ state: 'leased', leaseUntil: at(10) })).to.include('not acknowledged within 10 s');
    expect(explained({ state: 'leased', leaseUntil: at(-16) })).to.include('lease ended 16 s ago');
  });

  it('the explanation of a job escapes control characters and bytes that are not UTF-8 in the name of a topic', () => {
    const listedIn = Buffer.from([0x1b, 0xff, 0x61]);
    expect(explained({ state: 'due', flaw: { type: 'old_entry', listedIn } })).to.include('"\\x1b\\xffa"');
  });

  it('the explanation of a dead letter says why it failed, and until when it is kept', () => {
    const dead = { state: 'dead', attempts: 4, failedAt: at(-60), reason: 'no such order' } as const;
    expect(explained({ ...dead, deadUntil: at(86_400) })).to.equal(
      'It failed permanently 1m ago, after 4 attempts, and is kept as a dead letter. Reason: no such order It is deleted in 1d if it is not requeued.',
    );
    expect(explained({ ...dead, attempts: 1 }))
      .to.include('1 attempt,')
      .and.to.include('until it is requeued');
  });
});

import { expect } from 'chai';
import type { JobRecord } from '../../src/core/job.js';
import { jobToJson, overviewToJson } from '../../src/output/json.js';

const bytes = (text: string) => Buffer.from(text);
const dueAt = new Date('2026-03-01T12:00:00Z');
const expiresAt = new Date('2026-03-01T12:00:30Z');
const JOB: JobRecord = {
  ...{ id: bytes('32'), topic: bytes('topic'), body: bytes('b'), state: 'delayed', dueAt, expiresAt },
  attempts: 0,
};
const ALWAYS = ['id', 'topic', 'body', 'state', 'dueAt', 'expiresAt', 'attempts'];

describe('a job in JSON', () => {
  it('a job in JSON always has seven fields, which are null when unknown', () => {
    const json = jobToJson({ id: bytes('32'), state: 'expired', attempts: 0 });
    expect(Object.keys(json)).to.deep.equal(ALWAYS);
    expect(json).to.include({ topic: null, body: null, dueAt: null, expiresAt: null });
  });

  it('a job in JSON has ttlMs as long as nothing has moved the expiry', () => {
    expect(jobToJson(JOB).ttlMs).to.equal(30_000);
    for (const changed of [
      { state: 'ready' as const },
      { blockedBy: { type: 'duplicate_id' as const } },
      { expiresAt: undefined },
      // As only another client pushes it.
      { expiresAt: dueAt },
      { expiresAt: new Date(dueAt.getTime() - 1000) },
    ]) {
      expect(jobToJson({ ...JOB, ...changed })).to.not.have.property('ttlMs');
    }
  });

  it('a job in JSON has the fields of its state only', () => {
    const lease = { lease: 'x.1.1.y', leaseUntil: dueAt };
    expect(Object.keys(jobToJson({ ...JOB, state: 'leased', ...lease }))).to.deep.equal([
      ...[...ALWAYS, 'lease', 'leaseUntil'],
    ]);
    const death = { reason: 'bad', failedAt: dueAt, deadUntil: undefined };
    const dead = jobToJson({ ...JOB, state: 'dead', ...death });
    expect(dead).to.include({ reason: 'bad', failedAt: dueAt.toISOString(), deadUntil: null });
    expect(jobToJson({ ...JOB, state: 'due', blockedBy: { type: 'duplicate_id' } })).to.deep.include({
      blockedBy: { type: 'duplicate_id' },
    });
  });
});

describe('the overview in JSON', () => {
  const none = { delayed: 0, due: 0, ready: 0, leased: 0, expired: 0, dead: 0 };
  const pausedUntil = (pausedUntilMs?: number) => {
    const topics = [{ topic: bytes('topic'), ...none, pausedUntilMs }];
    const { topics: rows } = overviewToJson('store', { totals: none, topics }, []) as { topics: object[] };
    return rows[0];
  };

  it('pausedUntil in the JSON of the overview is a time, null without an end, and absent for a topic that is not paused', () => {
    expect(pausedUntil()).to.not.have.property('pausedUntil');
    expect(pausedUntil(dueAt.getTime())).to.have.property('pausedUntil', dueAt.toISOString());
    expect(pausedUntil(Infinity)).to.have.property('pausedUntil', null);
  });
});

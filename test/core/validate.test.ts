import { expect } from 'chai';
import { MAX_DURATION_MS } from '../../src/core/duration.js';
import { DEFAULT_TTL_MS, MAX_BODY_BYTES } from '../../src/core/job.js';
import { assertFields, toCount } from '../../src/core/check.js';
import { toName, toNewJob, toTopics } from '../../src/core/validate.js';
import { usageError } from './usage-error.js';

const job = { id: 'id', topic: 'topic', body: 'body' };

describe('toNewJob', () => {
  it('a job is due at once and has a ready lifetime of a week by default', () => {
    expect(toNewJob(job)).to.deep.equal({
      id: Buffer.from('id'),
      topic: Buffer.from('topic'),
      body: Buffer.from('body'),
      due: { delayMs: 0 },
      ttlMs: DEFAULT_TTL_MS,
    });
    expect(DEFAULT_TTL_MS).to.equal(604_800_000);
  });

  it('a job keeps its delay, its due time and its ready lifetime', () => {
    expect(toNewJob({ ...job, delayMs: 1500, ttlMs: 1 })).to.deep.include({
      due: { delayMs: 1500 },
      ttlMs: 1,
    });
    expect(toNewJob({ ...job, at: new Date(5) })).to.deep.include({ due: { atMs: 5 } });
    expect(toNewJob({ ...job, at: new Date(-5) })).to.deep.include({ due: { atMs: 0 } });
    const longest = { delayMs: MAX_DURATION_MS, ttlMs: MAX_DURATION_MS };
    expect(toNewJob({ ...job, ...longest })).to.deep.include({ ttlMs: MAX_DURATION_MS });
  });

  it('a job without an id gets a unique one', () => {
    const [one, two] = [toNewJob({ ...job, id: undefined }).id, toNewJob({ ...job, id: undefined }).id];
    expect(one.toString()).to.match(/^[0-9a-f-]{36}$/);
    expect(one.equals(two)).to.be.false;
  });

  it('text is taken as UTF-8, and bytes unchanged, even from a part of a larger buffer', () => {
    const memory = new Uint8Array([9, 9, 0, 255, 9]);
    const { id, topic, body } = toNewJob({ id: memory.subarray(2, 4), topic: 'ü', body: Buffer.from([255]) });
    expect([id, topic, body].map((bytes) => [...bytes])).to.deep.equal([[0, 255], [0xc3, 0xbc], [255]]);
  });

  for (const [what, more] of Object.entries({
    'an empty id': { id: '' },
    'an empty topic': { topic: '' },
    'an empty body': { body: '' },
    'an id of no bytes': { id: new Uint8Array() },
    'a negative delay': { delayMs: -1 },
    'a delay that is not a number': { delayMs: NaN },
    'an endless delay': { delayMs: Infinity },
    'a delay of over a hundred years': { delayMs: MAX_DURATION_MS + 1 },
    'a ready lifetime of zero': { ttlMs: 0 },
    'a negative ready lifetime': { ttlMs: -1 },
    'an endless ready lifetime': { ttlMs: Infinity },
    'an invalid due time': { at: new Date(NaN) },
    'a due time after the year 9999': { at: new Date(8.64e15) },
    'both a delay and a due time': { delayMs: 0, at: new Date() },
    'text that is not valid Unicode': { body: '\ud800' },
    'a body that is neither text nor bytes': { body: 5 as unknown as string },
    'an unknown field': { delay: 5 },
  })) {
    it(`a job with ${what} is refused`, () => {
      usageError(() => toNewJob({ ...job, ...more }));
    });
  }

  it('a job with a body over 512 MiB is refused, with its size in the error', () => {
    const body = Buffer.allocUnsafeSlow(MAX_BODY_BYTES + 1); // Memory that is not touched is not allocated.
    expect(usageError(() => toNewJob({ ...job, body })).message).to.contain('536870913');
    expect(toNewJob({ ...job, body: body.subarray(1) }).body).to.have.length(MAX_BODY_BYTES);
  });
});

describe('toTopics', () => {
  const names = (topics: readonly Buffer[]) => topics.map((topic) => topic.toString());

  it('one topic makes a list of one, as text and as bytes', () => {
    expect(names(toTopics('one'))).to.deep.equal(['one']);
    expect(names(toTopics(Buffer.from('one')))).to.deep.equal(['one']);
  });

  it('topics keep their order, and a repeated one counts at its first place', () => {
    expect(names(toTopics(['b', 'a', Buffer.from('b'), 'c', 'a']))).to.deep.equal(['b', 'a', 'c']);
  });

  it('topics that differ in a byte that is not UTF-8 are two topics', () => {
    expect(toTopics([Buffer.from([0xff]), Buffer.from([0xfe])])).to.have.length(2);
  });

  it('an empty list and an empty topic are refused', () => {
    usageError(() => toTopics([]));
    usageError(() => toTopics(''));
    usageError(() => toTopics(['one', '']));
  });
});

describe('names, counts and fields', () => {
  it('the error of an empty name says whether it is the id or the topic', () => {
    expect(usageError(() => toName('', 'id')).message).to.equal('The id is empty');
    expect(usageError(() => toName('', 'topic')).message).to.equal('The topic is empty');
  });

  it('a count must be a whole number from 1 to its maximum', () => {
    expect(toCount(1, 'count')).to.equal(1);
    expect(toCount(5, 'count', 5)).to.equal(5);
    for (const wrong of [0, -1, 1.5, NaN, Infinity]) usageError(() => toCount(wrong, 'count'));
    expect(usageError(() => toCount(6, 'count', 5)).message).to.equal(
      'The count is not a whole number from 1 to 5: 6',
    );
  });

  it('an unknown field is named in the error', () => {
    expect(usageError(() => assertFields({ a: 1, bb: 2 }, ['a'], 'field')).message).to.equal(
      'unknown field: "bb"',
    );
    assertFields({ a: 1 }, ['a', 'b'], 'field');
  });
});

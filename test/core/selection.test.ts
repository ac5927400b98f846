import { expect } from 'chai';
import fc from 'fast-check';
import type { JobRecord } from '../../src/core/job.js';
import { globMatcher } from '../../src/core/glob.js';
import { type Selection, selectionMatcher } from '../../src/core/selection.js';

const matches = (glob: string, text: string | Uint8Array) =>
  globMatcher(glob)(typeof text === 'string' ? Buffer.from(text) : text);

describe('globs on ids', () => {
  for (const [glob, yes, no] of [
    ['order', ['order'], ['', 'orders', 'reorder', 'Order']],
    ['', [''], ['a']],
    ['*', ['', 'a', 'a\nb', '日本'], []],
    ['order:*', ['order:', 'order:1', 'order:1:2'], ['order', 'my order:1']],
    ['*:7', [':7', 'order:7'], [':77', ':7\n']],
    ['a*b*c', ['abc', 'aXbYc', 'abcbc'], ['ab', 'acb', 'abcd']],
    ['**', ['', 'ab'], []],
    ['?', ['a', '\n'], ['', 'ab', 'ü']],
    ['??', ['ab', 'ü'], ['a', 'abc']],
    ['[abc]', ['a', 'b', 'c'], ['', 'd', 'ab', 'A']],
    ['[a-c]x', ['ax', 'cx'], ['dx', '-x', 'x']],
    ['[c-a]', ['a', 'b', 'c'], ['d', '-']],
    ['[0-9a-f]', ['0', '9', 'a', 'f'], ['g', 'A', '-']],
    ['[^a-c]', ['d', '-', '^'], ['a', 'b', 'c', '']],
    ['[a^]', ['a', '^'], ['b']],
    ['[a-]', ['a', '-'], ['b']],
    ['[-a]', ['a', '-'], ['b']],
    ['[\\]]', [']'], ['\\', '[', '\\]']],
    ['[\\^a]', ['^', 'a'], ['b', '\\']],
    ['[.]', ['.'], ['a']],
    ['[]', [], ['', 'a', ']', '[]']],
    ['[^]', ['a', ']'], ['']],
    ['\\*', ['*'], ['', 'a', '\\*']],
    ['\\?\\[\\]\\\\', ['?[]\\'], ['a[]\\']],
    ['\\a', ['a'], ['\\a']],
    ['a\\', ['a\\'], ['a']],
    ['[ab', ['[ab'], ['a', 'b']],
    ['a.c', ['a.c'], ['abc']],
    ['(a|b)+$', ['(a|b)+$'], ['a']],
    ['{a,b}', ['{a,b}'], ['a']],
    ['a/b', ['a/b'], ['a']],
    ['ü*', ['ü', 'üx'], ['u', 'Ã']],
  ] as const) {
    it(`the glob ${JSON.stringify(glob)} matches ${JSON.stringify(yes)} and not ${JSON.stringify(no)}`, () => {
      for (const text of yes) expect(matches(glob, text), text).to.be.true;
      for (const text of no) expect(matches(glob, text), text).to.be.false;
    });
  }

  it('a glob matches bytes that are not UTF-8', () => {
    expect(matches('a?b', Uint8Array.from([97, 0xff, 98]))).to.be.true;
    expect(matches('*', Uint8Array.from([0xff, 0, 0xfe]))).to.be.true;
    expect(matches('ÿ', Uint8Array.from([0xff]))).to.be.false;
  });

  it('a glob matches a part of a larger buffer', () => {
    expect(matches('bc', Buffer.from('abcd').subarray(1, 3))).to.be.true;
  });

  const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array));
  /** Escapes the special characters of globs. */
  const escaped = (text: string) => text.replace(/[*?[\]\\]/g, '\\$&');
  const smallText = fc.string({
    unit: fc.constantFrom('a', 'b', '*', '?', '[', ']', '\\', '-', '^'),
    maxLength: 8,
  });

  it('an escaped text as a glob matches only itself', () => {
    fc.assert(
      fc.property(smallText, smallText, (text, other) => {
        expect(matches(escaped(text), text)).to.be.true;
        expect(matches(escaped(text), other)).to.equal(text === other);
      }),
    );
  });

  it('a star before, after or on both sides of a text matches its ends, its beginnings or its parts', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 });
    const whole = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(text, whole, (part, all) => {
        expect(matches(`${part}*`, all)).to.equal(all.startsWith(part));
        expect(matches(`*${part}`, all)).to.equal(all.endsWith(part));
        expect(matches(`*${part}*`, all)).to.equal(all.includes(part));
      }),
    );
  });

  it('question marks match any bytes of their number, and no other number', () => {
    fc.assert(
      fc.property(bytes, fc.nat(15), (all, count) => {
        expect(matches('?'.repeat(count), all)).to.equal(count === all.length);
      }),
    );
  });

  it('a range matches the bytes between its ends, and its negation all others', () => {
    const letter = fc.integer({ min: 97, max: 122 });
    fc.assert(
      fc.property(letter, letter, fc.nat(255), (from, to, byte) => {
        const range = `${String.fromCharCode(from)}-${String.fromCharCode(to)}`;
        const isIn = byte >= Math.min(from, to) && byte <= Math.max(from, to);
        expect(matches(`[${range}]`, Uint8Array.of(byte))).to.equal(isIn);
        expect(matches(`[^${range}]`, Uint8Array.of(byte))).to.equal(!isIn);
      }),
    );
  });

  it('a glob matches as a simple recursive matcher does', () => {
    const isMatch = (glob: string, text: string): boolean => {
      if (glob === '') return text === '';
      const [first, rest] = [glob[0], glob.slice(1)];
      if (first === '*') return isMatch(rest, text) || (text !== '' && isMatch(glob, text.slice(1)));
      return text !== '' && (first === '?' || first === text[0]) && isMatch(rest, text.slice(1));
    };
    const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
    fc.assert(
      fc.property(glob, text, (pattern, all) => {
        expect(matches(pattern, all)).to.equal(isMatch(pattern, all));
      }),
      { numRuns: 1000 },
    );
  });

  it('any text is a valid glob', () => {
    fc.assert(
      fc.property(smallText, bytes, (glob, all) => {
        expect(matches(glob, all)).to.be.a('boolean');
      }),
    );
  });

  it('a glob with many stars does not take long on an id of 100 kB', () => {
    const startMs = performance.now();
    expect(matches(`${'*a'.repeat(20)}*b`, 'a'.repeat(100_000))).to.be.false;
    expect(performance.now() - startMs).to.be.below(20_000);
  });
});

describe('selections', () => {
  const job = (more: Partial<JobRecord> = {}): JobRecord => ({
    id: Buffer.from('order:1'),
    topic: Buffer.from('orders'),
    body: Buffer.from('{"a":1}'),
    state: 'ready',
    attempts: 0,
    dueAt: new Date(1000),
    ...more,
  });
  const selects = (selection: Selection, one: JobRecord) => selectionMatcher(selection)(one);

  it('an empty selection selects every job', () => {
    expect(selects({}, job())).to.be.true;
    expect(selects({}, job({ state: 'dead', dueAt: undefined }))).to.be.true;
  });

  it('states select the jobs in one of them', () => {
    expect(selects({ states: ['ready', 'due'] }, job())).to.be.true;
    expect(selects({ states: ['dead'] }, job())).to.be.false;
    expect(selects({ states: [] }, job())).to.be.false;
  });

  it('dueBefore excludes its time, dueAfter includes it', () => {
    expect(selects({ dueBefore: new Date(1000) }, job())).to.be.false;
    expect(selects({ dueBefore: new Date(1001) }, job())).to.be.true;
    expect(selects({ dueAfter: new Date(1000) }, job())).to.be.true;
    expect(selects({ dueAfter: new Date(1001) }, job())).to.be.false;
  });

  it('a job without a due time is neither due before nor after any time', () => {
    expect(selects({ dueBefore: new Date(8.64e15) }, job({ dueAt: undefined }))).to.be.false;
    expect(selects({ dueAfter: new Date(0) }, job({ dueAt: undefined }))).to.be.false;
  });

  it('topics select by name or by one of the globs', () => {
    expect(selects({ topics: [Buffer.from('orders')] }, job())).to.be.true;
    expect(selects({ topics: [Buffer.from('order')] }, job())).to.be.false;
    expect(selects({ topics: [Buffer.from('x')], topicGlobs: ['y', 'ord*'] }, job())).to.be.true;
    expect(selects({ topics: [] }, job())).to.be.false;
    expect(selects({ topicGlobs: ['*'] }, job({ topic: undefined }))).to.be.false;
  });

  it('olderThan compares when a dead letter failed, and when any other job is due', () => {
    const times = { dueAt: new Date(1000), failedAt: new Date(5000) };
    expect(selects({ olderThan: new Date(3000) }, job(times))).to.be.true;
    expect(selects({ olderThan: new Date(3000) }, job({ ...times, state: 'dead' }))).to.be.false;
    expect(selects({ olderThan: new Date(5001) }, job({ ...times, state: 'dead' }))).to.be.true;
  });

  it('bodyIncludes selects jobs whose body has one of the texts', () => {
    expect(selects({ bodyIncludes: [Buffer.from('x'), Buffer.from('"a"')] }, job())).to.be.true;
    expect(selects({ bodyIncludes: [Buffer.from('x')] }, job())).to.be.false;
    expect(selects({ bodyIncludes: [Buffer.from('a')] }, job({ body: undefined }))).to.be.false;
  });

  it('a job must meet all conditions', () => {
    const both: Selection = { states: ['ready'], idGlobs: ['order:*'], dueBefore: new Date(2000) };
    expect(selects(both, job())).to.be.true;
    expect(selects(both, job({ state: 'delayed' }))).to.be.false;
    expect(selects(both, job({ id: Buffer.from('other') }))).to.be.false;
    expect(selects(both, job({ dueAt: new Date(2000) }))).to.be.false;
  });
});

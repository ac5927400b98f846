import fc from 'fast-check';
import type { JobState, OwnRetry } from '../../src/core/job.js';
import type { RetryOptions } from '../../src/core/retry-policy.js';
import type { Belief } from './beliefs.js';

/** Few ids, so that operations meet the same jobs; 0 because it must be an id like any other. */
export const IDS = ['a', 'b', 'c', 'd', '0'];
export const TOPICS = ['x', 'y'];
const LOCKS = ['k', 'l'];

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const anId = fc.constantFrom(...IDS);
/** Mostly one topic, so that its line is long. */
const aTopic = fc.constantFrom<string>('x', 'x', 'y');
const topics = fc.constantFrom<string[]>(['x'], ['y'], ['x', 'y'], ['x', 'y'], ['y', 'x']);
const process = fc.nat({ max: 1 });
const aDelay = fc.constantFrom(0, 0, 1, 999, SECOND_MS, 2 * SECOND_MS, MINUTE_MS);
const aTtl = fc.constantFrom(300, 300, SECOND_MS, 5 * SECOND_MS, MINUTE_MS, 7 * DAY_MS, 7 * DAY_MS);
const aLease = fc.constantFrom(500, SECOND_MS, 5 * SECOND_MS, MINUTE_MS);
const STATES: readonly (readonly JobState[] | 'any')[] = [
  ['delayed'],
  ['delayed'],
  'any',
  ['leased'],
  ['ready', 'due'],
  ['dead'],
  ['expired'],
  ['delayed', 'dead'],
];

const backoffs = [
  { firstMs: 10, lastMs: 40 },
  { firstMs: 1000, lastMs: 1500 },
  { firstMs: 1, lastMs: HOUR_MS },
  { firstMs: 0, lastMs: 0 },
];
/** The retry settings of a job, mostly none. */
const anOwn = fc.constantFrom<OwnRetry>(
  ...Array<OwnRetry>(8).fill({}),
  { retries: 0 },
  { retries: 1 },
  { backoff: backoffs[0] },
  { retries: 12, backoff: backoffs[1] },
);
/** False for retries without limit, undefined for the default policy. */
const aPolicy = fc.constantFrom<RetryOptions | false | undefined>(
  false,
  false,
  undefined,
  { retries: 0 },
  { retries: 1, backoff: backoffs[0], deadTtlMs: MINUTE_MS },
  { retries: 2, backoff: backoffs[1], deadTtlMs: 0 },
  { retries: 12, backoff: backoffs[2] },
  { retries: 0, deadTtlMs: 1 },
  { backoff: backoffs[3] },
);
const aReason = fc.constantFrom(undefined, '', 'it broke', 'ünïcode');

const aPush = fc.record({
  id: anId,
  topic: aTopic,
  delayMs: aDelay,
  /** Due at the time that is this far (ms) from now, instead of after a delay. */
  at: fc.option(fc.constantFrom(-5000, -1, 0, 1, 1500), { nil: undefined, freq: 6 }),
  ttlMs: aTtl,
  /** Repeats the last push of the id. */
  isRepeat: fc.nat({ max: 3 }).map((n) => n === 0),
  /** Has the content, the due time and the ready lifetime of the job of its id that is in line, where there is one. */
  isCopy: fc.nat({ max: 5 }).map((n) => n === 0),
  own: anOwn,
});

/** Leases by how many were given after them, including ones that ended long ago. */
const picks = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 3 });

const push = fc.record({
  does: fc.constant('push'),
  by: process,
  jobs: fc.array(aPush, { minLength: 1, maxLength: 4 }),
  onExisting: fc.constantFrom('refuse', 'refuse', 'replace', 'keep'),
});
const reserve = fc.record({
  does: fc.constant('reserve'),
  by: process,
  topics,
  limit: fc.integer({ min: 1, max: 4 }),
  leaseMs: aLease,
  retry: aPolicy,
  holder: fc.constantFrom(undefined, 'host:1'),
  /** Under one of these locks, owned by this process. */
  lock: fc.option(fc.constantFrom(...LOCKS), { nil: undefined, freq: 7 }),
});
/** Takes a job of the topic several times, each time ended by a nack without a pause or by the end of the lease. */
const failing = fc.record({
  does: fc.constant('failing'),
  by: process,
  topic: aTopic,
  times: fc.integer({ min: 2, max: 12 }),
  how: fc.constantFrom('nack', 'lease end'),
  retry: aPolicy,
});
const believed = fc.constantFrom<Belief>(
  ...[undefined, undefined, undefined, 'right' as const, 'right' as const],
  ...(['wrong due time', 'wrong topic', 'wrong body', 'wrong expiry'] as const),
);
const promote = fc.record({
  does: fc.constant('promote'),
  by: process,
  jobs: fc.array(fc.record({ id: anId, believed }), { minLength: 1, maxLength: 3 }),
});
const reschedule = fc.record({
  does: fc.constant('reschedule'),
  by: process,
  jobs: fc.array(
    fc.record({
      id: anId,
      believed,
      delayMs: aDelay,
      at: fc.option(fc.constantFrom(-5000, 0, 1, 1500), { nil: undefined, freq: 2 }),
      byMs: fc.option(fc.constantFrom(-5000, -1, 1, 1500), { nil: undefined, freq: 2 }),
      /** Due together with this job, where there is one. */
      withId: fc.option(anId, { nil: undefined, freq: 2 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});
const edit = fc.record({
  does: fc.constant('edit'),
  by: process,
  id: anId,
  believed,
  body: fc.constantFrom(true, true, false),
  ttlMs: fc.constantFrom(undefined, 300, 5 * SECOND_MS, 7 * DAY_MS),
});
/** An operator holds jobs. */
const held = fc.record({
  does: fc.constant('hold'),
  by: process,
  jobs: fc.array(
    fc.record({ id: anId, believed, isWaiting: fc.constantFrom(undefined, undefined, true, false) }),
    { minLength: 1, maxLength: 3 },
  ),
  states: fc.constantFrom<(readonly JobState[] | undefined)[]>(
    undefined,
    undefined,
    ['delayed'],
    ['ready', 'due'],
  ),
  leaseMs: aLease,
  holder: fc.constantFrom('operator:1', 'export:file'),
});
/** Exports jobs to a file, or moves them there. */
const exported = fc.record({
  does: fc.constant('export'),
  by: process,
  topics,
  states: fc.constantFrom<(readonly JobState[] | undefined)[]>(
    undefined,
    undefined,
    ['delayed'],
    ['ready', 'due'],
    ['leased', 'dead'],
    ['expired', 'delayed'],
  ),
  isMove: fc.boolean(),
  /** The disk of a move is full, which leaves its jobs as they were. */
  isFull: fc.nat({ max: 3 }).map((n) => n === 0),
});
const onExisting = fc.constantFrom('refuse', 'refuse', 'replace', 'keep');
const imported = fc.record({
  does: fc.constant('import'),
  by: process,
  /** The file, by how many were made after it. */
  pick: fc.nat({ max: 2 }),
  /**
   * From its progress; from the beginning; from the beginning with its progress reset; its refused lines and the
   * first; or all without progress.
   */
  from: fc.constantFrom('where it is', 'where it is', 'beginning', 'anew', 'refused', 'no file'),
  most: fc.constantFrom(1, 3, 100),
  onExisting,
});
/** A job of another store; times are from now. */
const made = fc.record({
  id: anId,
  topic: aTopic,
  state: fc.constantFrom<(JobState | undefined)[]>(undefined, 'ready', 'leased', 'dead', 'dead'),
  isWaiting: fc.nat({ max: 3 }).map((n) => n === 0),
  dueIn: fc.constantFrom(undefined, -5000, -1, 0, 1, 1500, MINUTE_MS),
  expiresIn: fc.constantFrom(undefined, 0, 1, 300, 5000, 7 * DAY_MS),
  ttlMs: fc.constantFrom(undefined, 300, 5000, 7 * DAY_MS),
  /** How long ago (ms) it was leased, or failed. */
  ago: fc.constantFrom(0, 1, 400, MINUTE_MS),
  deadIn: fc.constantFrom(undefined, 0, 1, SECOND_MS, 30 * DAY_MS),
  attempts: fc.constantFrom(0, 0, 1, 3),
  key: fc.constantFrom(undefined, undefined, 'its key'),
  own: anOwn,
  reason: aReason,
});
const importMade = fc.record({
  does: fc.constant('import made'),
  by: process,
  jobs: fc.array(made, { minLength: 1, maxLength: 3 }),
  onExisting,
});
const lock = fc.record({
  does: fc.constantFrom('lock', 'unlock'),
  by: process,
  name: fc.constantFrom(...LOCKS),
});
const pop = fc.record({
  does: fc.constant('pop'),
  by: process,
  topics,
  limit: fc.integer({ min: 1, max: 2 }),
});
const ack = fc.record({ does: fc.constant('ack'), by: process, picks });
const release = fc.record({ does: fc.constant('release'), by: process, picks });
const extend = fc.record({ does: fc.constant('extend'), by: process, picks, leaseMs: aLease });
const retry = fc.record({
  does: fc.constant('retry'),
  by: process,
  picks,
  /** Mostly undefined, for the backoff. */
  delayMs: fc.option(aDelay, { nil: undefined, freq: 1 }),
  reason: aReason,
  exitCode: fc.constantFrom(undefined, 0, 75),
  signalName: fc.constantFrom(undefined, 'SIGKILL'),
});
const bury = fc.record({
  does: fc.constant('bury'),
  by: process,
  picks,
  deadTtlMs: fc.constantFrom(undefined, 0, 1, SECOND_MS, MINUTE_MS, 30 * DAY_MS, 30 * DAY_MS),
  reason: aReason,
});
const remove = fc.record({
  does: fc.constant('remove'),
  by: process,
  jobs: fc.array(fc.record({ id: anId, believed }), { minLength: 1, maxLength: 2 }),
  states: fc.constantFrom(...STATES),
});
const requeue = fc.record({
  does: fc.constant('requeue'),
  by: process,
  /** Requeues the id with the most dead letters instead. */
  ofMost: fc.boolean(),
  /** Of several dead letters of an id the one that failed first is meant. */
  isFirstMeant: fc.boolean(),
  ids: fc.array(anId, { minLength: 1, maxLength: 2 }),
  delayMs: aDelay,
  keepAttempts: fc.boolean(),
});
const pause = fc.record({
  does: fc.constant('pause'),
  by: process,
  topic: aTopic,
  forMs: fc.constantFrom(undefined, 0, SECOND_MS, MINUTE_MS),
});
const resume = fc.record({ does: fc.constant('resume'), by: process, topic: aTopic });
/** Invalid arguments, which must be refused without a change. */
const misuse = fc.record({
  does: fc.constant('misuse'),
  by: process,
  what: fc.constantFrom(
    'ttl 0',
    'ttl -1',
    'delay NaN',
    'delay without end',
    'lease without end',
    'no topic',
    'limit 0',
  ),
});
/** Maintains, as `serve` does, until there is no more to do. */
const maintain = fc.record({ does: fc.constant('maintain'), by: process });
/** Moves the clock to a time of the model, or to the millisecond before or after it. */
const jump = fc.record({
  does: fc.constant('jump'),
  event: fc.nat({ max: 7 }),
  offset: fc.constantFrom(-1, 0, 0, 1),
});
const advance = fc.record({
  does: fc.constant('advance'),
  ms: fc.constantFrom(1, 10, SECOND_MS, 61 * SECOND_MS, HOUR_MS, 8 * DAY_MS),
});

const common = [
  { weight: 9, arbitrary: push },
  { weight: 8, arbitrary: reserve },
  { weight: 3, arbitrary: pop },
  { weight: 1, arbitrary: failing },
  { weight: 1, arbitrary: lock },
  { weight: 2, arbitrary: promote },
  { weight: 2, arbitrary: reschedule },
  { weight: 1, arbitrary: edit },
  { weight: 2, arbitrary: held },
  { weight: 2, arbitrary: exported },
  { weight: 3, arbitrary: imported },
  { weight: 1, arbitrary: importMade },
  { weight: 3, arbitrary: ack },
  { weight: 3, arbitrary: release },
  { weight: 3, arbitrary: extend },
  { weight: 4, arbitrary: retry },
  { weight: 5, arbitrary: bury },
  { weight: 3, arbitrary: remove },
  { weight: 4, arbitrary: requeue },
  { weight: 1, arbitrary: pause },
  { weight: 1, arbitrary: resume },
  { weight: 4, arbitrary: maintain },
  { weight: 1, arbitrary: misuse },
  { weight: 9, arbitrary: jump },
  { weight: 2, arbitrary: advance },
];

const originalPush = fc.record({
  does: fc.constant('original push'),
  id: anId,
  topic: aTopic,
  delay: fc.constantFrom(0, 1, 2, 60),
  /** In seconds; the last ends far beyond the year 9999. */
  ttl: fc.constantFrom(1, 1, 5, 5, 60, 604_800, 1e13),
});
const originalPop = fc.record({ does: fc.constant('original pop'), topic: aTopic });
/** The next command of a pop of an original client: RPOP, HGETALL or DEL. The client may never send the next one. */
const originalStep = fc.record({ does: fc.constant('original step of a pop'), topic: aTopic });
const originalDies = fc.record({ does: fc.constant('original client dies') });
const originalRemove = fc.record({ does: fc.constant('original remove'), id: anId });
const originalTick = fc.record({ does: fc.constant('original tick') });
/** Ticks of two original daemons that both look before either moves. */
const originalTicks = fc.record({ does: fc.constant('original ticks at once') });
/** Half a tick of a slow original daemon, which looks now and moves later. */
const originalHalfTick = fc.record({ does: fc.constant('original half tick') });
/** Puts a key of a wrong type in place of an empty ready list, and deletes it again. */
const spoil = fc.record({ does: fc.constant('spoil'), topic: aTopic });
const heal = fc.record({ does: fc.constant('heal') });
const flushScripts = fc.record({ does: fc.constant('flush scripts') });
/** Operations that may be interrupted, besides pushes and nacks. */
const OTHERS = [
  ...[remove, requeue, reserve, held, ack, release],
  ...[promote, reschedule, edit, imported],
] as const;
const cut = fc.record({
  does: fc.constant('cut'),
  where: fc.constantFrom('reply', 'request'),
  step: fc.oneof(push, nackOrBury(), ...OTHERS, importMade),
});

function nackOrBury() {
  return fc.oneof(retry, bury);
}

/** A process closes the file and opens it again. */
const reopen = fc.record({ does: fc.constant('reopen'), by: process });

/** A process is killed before or after one of the statements of its call, or after the call. */
const kill = fc.record({
  does: fc.constant('kill'),
  /** The number of the statement: the first ones are the same for each call, and few calls have many. */
  at: fc.oneof(fc.integer({ min: 4, max: 12 }), fc.integer({ min: 1, max: 16 })),
  after: fc.boolean(),
  step: fc.oneof(push, push, retry, bury, ...OTHERS, held, imported, importMade),
});

const onRedis = fc.oneof(
  ...common,
  { weight: 3, arbitrary: originalPush },
  { weight: 1, arbitrary: originalPop },
  { weight: 2, arbitrary: originalStep },
  { weight: 1, arbitrary: originalDies },
  { weight: 2, arbitrary: originalRemove },
  { weight: 2, arbitrary: originalTick },
  { weight: 1, arbitrary: originalTicks },
  { weight: 1, arbitrary: originalHalfTick },
  { weight: 1, arbitrary: spoil },
  { weight: 2, arbitrary: heal },
  { weight: 1, arbitrary: flushScripts },
);
/** Without original clients, whose commands allow more deviations. */
const onRedisAlone = fc.oneof(...common, { weight: 1, arbitrary: flushScripts });
/** Only some histories have cuts, because reconnecting takes longer than a history. */
const withCuts = (steps: fc.Arbitrary<Step>) =>
  fc.oneof({ weight: 50, arbitrary: steps }, { weight: 2, arbitrary: cut });
const onSqlite = fc.oneof(...common, { weight: 1, arbitrary: reopen });
/** Only some histories have kills, because starting a process takes longer than a history. */
const onSqliteKilled = fc.oneof(...common, { weight: 8, arbitrary: kill });

type ValueOf<T> = T extends fc.Arbitrary<infer V> ? V : never;
export type Step =
  ValueOf<typeof onRedis | typeof cut> | ValueOf<typeof onSqlite> | ValueOf<typeof onSqliteKilled>;
export type StepOf<Does extends Step['does']> = Extract<Step, { readonly does: Does }>;

/** The number of steps of one history. */
const LENGTH = { minLength: 20, maxLength: 70, size: 'max' } as const;

export type StoreName = 'redis' | 'sqlite';

export const historiesOf: Readonly<Record<StoreName, fc.Arbitrary<Step[]>>> = {
  redis: fc.oneof(
    { weight: 3, arbitrary: fc.array<Step>(onRedis, LENGTH) },
    { weight: 3, arbitrary: fc.array<Step>(onRedisAlone, LENGTH) },
    { weight: 1, arbitrary: fc.array<Step>(withCuts(onRedis), LENGTH) },
    { weight: 1, arbitrary: fc.array<Step>(withCuts(onRedisAlone), LENGTH) },
  ),
  sqlite: fc.oneof(
    { weight: 15, arbitrary: fc.array<Step>(onSqlite, LENGTH) },
    { weight: 1, arbitrary: fc.array<Step>(onSqliteKilled, LENGTH) },
  ),
};

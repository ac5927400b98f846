/**
 * What the contract leaves open, or one of the stores cannot do. Nothing else may differ between a store and the model.
 */
export interface Rules {
  /** The deviations with their reasons, for the reader of a failing history. */
  readonly notes: readonly string[];
  /**
   * Open in the contract: in which order one step handles ended leases and jobs that wait for a duplicate. It matters
   * if both have the same id.
   */
  readonly reclaims: 'leases first' | 'by time';
  /** Open in the contract: whether jobs that wait for the same id share one time of the next try, or have one each. */
  readonly waitingLooks: 'one an id' | 'one a job';
  /**
   * Open in the contract: if expired jobs stand before ready ones, an answer may have fewer jobs than asked for, which
   * are the first ones.
   */
  readonly answersFewer: boolean;
  /** The last possible time (ms); later times are clamped to it. */
  readonly lastMs: number;
  /**
   * Whether every job has a due time and a ready lifetime, which may be infinite. Then an imported dead letter without
   * them was due when it failed, and never expires once it is requeued. Otherwise a dead letter of unknown or infinite
   * lifetime has the default lifetime once it is requeued.
   */
  readonly knowsTimes: boolean;
  /** Whether a due job must be promoted before it can be taken: the state `due`. */
  readonly hasDue: boolean;
  /** Whether a remove of leased jobs takes a second step, which a cut may prevent. */
  readonly revokesLater: boolean;
  /**
   * Open in the contract: whether the latest of several dead letters of one id that failed in one millisecond is the one
   * that was pushed last, or the one whose lease ended last.
   */
  readonly lettersOfOneMs: 'youngest first' | 'by turn';
  /** Whether a lock is held for the whole millisecond in which it ends. */
  readonly locksHaveLastMs: boolean;
  /** Whether only the id of an expired job is left, so that views need not show more. */
  readonly losesExpired: boolean;
}

export const SQLITE_RULES: Rules = {
  notes: [
    'What is over (expired, or a dead letter past its time) is cleared away by maintain at the latest, and may be by any call that takes or pushes.',
    'a killed process: what it was doing was done as a whole or not at all; which, is looked up.',
    'one millisecond: of dead letters that died in it, which one died last is not known; the histories let time pass between two.',
  ],
  reclaims: 'leases first',
  waitingLooks: 'one a job',
  answersFewer: true,
  lastMs: Date.UTC(9999, 11, 31, 23, 59, 59, 999),
  knowsTimes: true,
  hasDue: false,
  revokesLater: false,
  lettersOfOneMs: 'youngest first',
  locksHaveLastMs: false,
  losesExpired: false,
};

/** From "What delayer cannot mend" in docs/protocol.md, and from the layout of the original. */
export const REDIS_RULES: Rules = {
  notes: [
    ...SQLITE_RULES.notes,
    'due: a due job stands in the pool until somebody moves it to the ready list of its topic.',
    'expired: "it lives until due time + ready lifetime": Redis deletes the body of an expired job; what is left of it is an entry, which views may show as expired or leave out.',
    'an entry is an id: "An old ready entry of an id that an original client pushed again: the original clients deliver it early; delayer does not." To delayer an entry counts when its id is not in the pool and has a body of that topic; the first one that counts is taken.',
    'an entry of the original daemon is not noted: one of an id that an original client has removed, or that expired, is found by a push into the same topic, and not in the list of another.',
    'original daemon: "A job promoted by the original daemon stands where that daemon put it; when it comes back it is the next." Its due time is not known.',
    'original pop: "a crash after their RPOP still loses the job": what is in neither pool nor list is nobody\'s until its body is gone.',
    'original pop: "A push of an id between an original client\'s RPOP and its DEL: that client then deletes the new body."',
    'original push: "HMSET, EXPIRE, ZADD": it takes the place of whatever lives under its id; "what an original client pushes is due by that client\'s clock", in whole seconds.',
    'lock: Redis keeps a key for the whole millisecond in which it expires.',
    'the last possible time: a job that another client lets expire after the year 9999 expires at its end, and its lifetime is not known.',
    'one millisecond: "delayer gives each job due in one millisecond a microsecond more than the one pushed before": jobs stand in the order in which they came to the pool, and those of the original clients by id.',
  ],
  reclaims: 'by time',
  waitingLooks: 'one an id',
  answersFewer: false,
  lastMs: Date.UTC(9999, 11, 31, 23, 59, 59, 999),
  knowsTimes: false,
  hasDue: true,
  revokesLater: true,
  lettersOfOneMs: 'by turn',
  locksHaveLastMs: true,
  losesExpired: true,
};

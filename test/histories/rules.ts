/**
 * What the contract leaves open, or one of the stores cannot have. Nothing else may differ between a store and
 * the model.
 */
export interface Rules {
  /** Each with the reason, for whoever reads a failing history. */
  readonly notes: readonly string[];
  /**
   * Open in the contract: in which order ended leases, and jobs that wait for another one of their id, are
   * looked at in one step. It matters where both have the same id.
   */
  readonly reclaims: 'leases first' | 'by time';
  /** Open in the contract: do jobs that wait for the same id have one time at which they are looked at, or one each? */
  readonly waitingLooks: 'one an id' | 'one a job';
  /**
   * Open in the contract: where expired jobs stand before ready ones, an answer may have fewer jobs than were
   * asked for; those that it has are the first.
   */
  readonly answersFewer: boolean;
  /** The last time there is (ms): what would come later comes then. */
  readonly lastMs: number;
  /**
   * Every job has a due time and a ready lifetime, which may have no end. Where nobody says so of a dead letter that is
   * imported, it was due when it failed, and has no end once it is a job again. Elsewhere a dead letter of which no
   * lifetime is known, or that had no end, then has the one of a job of which nothing is said.
   */
  readonly knowsTimes: boolean;
  /** A job that is due has to be moved before it can be taken: the state `due`. */
  readonly hasDue: boolean;
  /** What a remove takes out of consumers' hands is taken in a second step, which a cut may prevent. */
  readonly revokesLater: boolean;
  /**
   * Open in the contract: of dead letters of one id that died in one millisecond, is the one that was pushed last
   * the latest, or the one whose lease ended last?
   */
  readonly lettersOfOneMs: 'youngest first' | 'by turn';
  /** Open in the contract: does one call hold one job of an id at most, where others of that id wait? */
  readonly holdsOneOfAnId: boolean;
  /** A lock is held in the whole millisecond in which it ends. */
  readonly locksHaveLastMs: boolean;
  /** Of an expired job nothing but its id is left, and no more than that is asked of the views. */
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
  lastMs: 8.64e15,
  knowsTimes: true,
  hasDue: false,
  revokesLater: false,
  lettersOfOneMs: 'youngest first',
  holdsOneOfAnId: false,
  locksHaveLastMs: false,
  losesExpired: false,
};

/** Of docs/protocol.md, "What delayer cannot mend" and the layout that the original prescribes. */
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
  holdsOneOfAnId: true,
  locksHaveLastMs: true,
  losesExpired: true,
};

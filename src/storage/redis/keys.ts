/**
 * The names of all keys of delayer in Redis, which are defined only here. The first three are those of the original
 * daemon and its clients (docs/protocol.md), which do not look at the others.
 */
export class Keys {
  /** ZSET: job id by due time. */
  readonly pool: string;
  /** Prefix of the HASH of a job: topic and body; it lives as long as the job may. */
  readonly bucketStem: string;
  /** Prefix of the LIST of the ready job ids of a topic: pushed at the left, popped at the right. */
  readonly readyStem: string;
  /**
   * ZSET: a reservation, or a lease of its own, by its deadline; `:id` by the next look at the jobs that wait for
   * it.
   */
  readonly reserved: string;
  /** Prefix of the STRING with the jobs of a reservation; to other clients these look popped. */
  readonly inflightStem: string;
  /** HASH: place, expiry and topic of each ready job that delayer promoted. */
  readonly readyDue: string;
  /** Prefix of the LIST of jobs that wait because another one of their id is in the queue. */
  readonly waitingStem: string;
  /** ZSET: the id of dead letters, by when the first of them is deleted. */
  readonly dead: string;
  /** Prefix of the LIST of the dead letters of an id. */
  readonly deadLetterStem: string;
  /** HASH: until when a topic is paused. */
  readonly paused: string;
  /** HASH: topics of long ready lists in which each entry has a note. */
  readonly readyKnown: string;
  /**
   * HASH: ready jobs that cannot be delivered, because a key with a wrong type stands in the place of their body.
   */
  readonly setAside: string;
  /** ZSET: a topic by the day on which it was last pushed to or promoted. */
  readonly topics: string;
  /** ZSET: daemon by when it was last seen. */
  readonly daemons: string;
  /** Prefix of the STRING with the report of a daemon. */
  readonly daemonStem: string;
  /** Prefix of the STRING with the owner of a lock. */
  readonly lockStem: string;
  /** Prefix of the HASH that says up to which line a file is imported, and which lines were refused. */
  readonly importStem: string;
  /** Channel: the new earliest due time. */
  readonly wakeChannel: string;
  constructor(readonly prefix: string) {
    this.pool = `${prefix}:job_pool`;
    this.bucketStem = `${prefix}:job_bucket:`;
    this.readyStem = `${prefix}:ready_queue:`;
    this.reserved = `${prefix}:reserved`;
    this.inflightStem = `${prefix}:inflight:`;
    this.readyDue = `${prefix}:ready_due`;
    this.waitingStem = `${prefix}:waiting:`;
    this.dead = `${prefix}:dead`;
    this.deadLetterStem = `${prefix}:dead_letter:`;
    this.paused = `${prefix}:paused`;
    this.readyKnown = `${prefix}:ready_known`;
    this.setAside = `${prefix}:set_aside`;
    this.topics = `${prefix}:topics`;
    this.daemons = `${prefix}:daemons`;
    this.daemonStem = `${prefix}:daemon:`;
    this.lockStem = `${prefix}:lock:`;
    this.importStem = `${prefix}:import:`;
    this.wakeChannel = `${prefix}:wake`;
  }

  ready(topic: Uint8Array): Buffer {
    return Buffer.concat([Buffer.from(this.readyStem), topic]);
  }

  /** A SCAN pattern that matches only the ready lists of this prefix. */
  get readyPattern(): string {
    return patternOf(this.readyStem);
  }

  /** The same of the bodies. */
  get bucketPattern(): string {
    return patternOf(this.bucketStem);
  }

  /** The same of all keys. */
  get pattern(): string {
    return patternOf(`${this.prefix}:`);
  }

  /** Does a key belong to the queue? */
  isOurs(key: Buffer): boolean {
    const stems = Object.entries(this).filter(([name]) => name.endsWith('Stem')) as [string, string][];
    const text = key.toString('latin1');
    return this.single.has(key.toString()) || stems.some(([, stem]) => text.startsWith(toLatin1(stem)));
  }

  /** The keys that exist once, each with its type. */
  get single(): ReadonlyMap<string, string> {
    return new Map([
      ...[this.pool, this.reserved, this.dead, this.topics, this.daemons].map(
        (key) => [key, 'zset'] as const,
      ),
      ...[this.readyDue, this.paused, this.readyKnown, this.setAside].map((key) => [key, 'hash'] as const),
    ]);
  }
}

const patternOf = (stem: string): string => `${stem.replace(/[\\*?[\]]/g, '\\$&')}*`;

const toLatin1 = (text: string): string => Buffer.from(text).toString('latin1');

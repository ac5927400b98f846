/** The calls of the operator. */
export const ACTIONS = ['promote', 'reschedule', 'remove', 'remove any'] as const;
export type Action = (typeof ACTIONS)[number];

/** The calls of the rival. `acknowledge` is a reserve and an ack. The last two are of original clients. */
export const RIVALS = [
  'pop',
  'acknowledge',
  'maintain',
  'remove',
  'promote',
  'reschedule',
  'original pop',
  'original remove',
] as const;
export type Rival = (typeof RIVALS)[number];

/** A job that two processes act on at the same time. Times are in ms from the beginning of its round. */
export interface Race {
  readonly id: string;
  /** A topic with only this job, so that a pop of it takes this one. */
  readonly topic: string;
  readonly action: Action;
  readonly rival: Rival;
  readonly dueAt: number;
  readonly actAt: number;
  readonly rivalAt: number;
}

/** Races that run together, and when they begin (ms of the machine's clock). */
export interface Round {
  readonly races: readonly Race[];
  readonly beginsAt: number;
}

/** What the calls of a race returned, and where its job is afterwards. */
export interface Outcome {
  /** Whether the operator's call took effect. */
  readonly acted: boolean;
  /** Whether the rival's call took effect: it popped the job, acked a held lease, removed or moved the job. */
  readonly rivalActed: boolean;
  /** How often the job was delivered after the race. */
  readonly delivered: number;
  /** Whether the job was still delayed after all due jobs were delivered. */
  readonly isDelayed: boolean;
  /** Whether the job was in any other state. */
  readonly isLeft: boolean;
}

const TAKERS: readonly Rival[] = ['pop', 'acknowledge', 'original pop'];

/**
 * Checks that the job was either delivered once, or removed by one call, or is still delayed.
 * @returns what is wrong; undefined if the race has one winner
 */
export function judge({ action, rival }: Race, outcome: Outcome): string | undefined {
  const { acted, rivalActed, delivered, isDelayed, isLeft } = outcome;
  const isRemove = action === 'remove' || action === 'remove any';
  const removed = Number(isRemove && acted) + Number(rival.endsWith('remove') && rivalActed);
  const taken = delivered + Number(TAKERS.includes(rival) && rivalActed);
  const ends = removed + taken + Number(isDelayed);
  // A remove of a ready job by an original client returns false and deletes its body, so the job may be gone.
  const mayBeGone = rival === 'original remove' && !rivalActed;
  if (isLeft) return 'something of it is left';
  if (ends > 1) return `it has ended ${ends} times`;
  if (ends === 0 && !mayBeGone) return 'it is lost';
  const moved = [action, rival].map((verb, i) => (verb === 'reschedule' ? [acted, rivalActed][i] : false));
  const promoted = (action === 'promote' && acted) || (rival === 'promote' && rivalActed);
  const wasMoved = moved.includes(true);
  if (isDelayed && !wasMoved) return 'it is delayed, and nobody has rescheduled it';
  if (wasMoved && taken > 0 && !promoted) return 'it was rescheduled, and is delivered all the same';
  if (promoted && isDelayed) return 'it was promoted, and is delayed all the same';
  return undefined;
}

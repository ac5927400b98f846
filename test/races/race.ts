/** What an operator does to a job, and what others do to it at the same time. */
export const ACTIONS = ['promote', 'reschedule', 'remove', 'remove any'] as const;
export type Action = (typeof ACTIONS)[number];

/** `acknowledge`: a reserve, and an ack as soon as it has answered. The last two are of original clients. */
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
  /** Of this job alone, so that whoever takes one takes this one. */
  readonly topic: string;
  readonly action: Action;
  readonly rival: Rival;
  readonly dueAt: number;
  readonly actAt: number;
  readonly rivalAt: number;
}

/** Jobs that are acted on together, and when that begins, by the machine's clock. */
export interface Round {
  readonly races: readonly Race[];
  readonly beginsAt: number;
}

/** What was answered, and what is left then. */
export interface Outcome {
  /** Did the operator do it? */
  readonly acted: boolean;
  /** Did the rival: was it given the job, was its ack the end of a held lease, did it remove or move it? */
  readonly rivalActed: boolean;
  /** How often the job was delivered after the race. */
  readonly delivered: number;
  /** Was it delayed still, after all that is due was delivered? */
  readonly isDelayed: boolean;
  /** Was there anything else of it? */
  readonly isLeft: boolean;
}

const TAKERS: readonly Rival[] = ['pop', 'acknowledge', 'original pop'];

/**
 * The job is delivered once, or removed by one, or delayed still: one of these.
 * @returns what is wrong; nothing when the race has one winner
 */
export function judge({ action, rival }: Race, outcome: Outcome): string | undefined {
  const { acted, rivalActed, delivered, isDelayed, isLeft } = outcome;
  const isRemove = action === 'remove' || action === 'remove any';
  const removed = Number(isRemove && acted) + Number(rival.endsWith('remove') && rivalActed);
  const taken = delivered + Number(TAKERS.includes(rival) && rivalActed);
  const ends = removed + taken + Number(isDelayed);
  // An original client's remove of a ready job answers false and takes it: its win.
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

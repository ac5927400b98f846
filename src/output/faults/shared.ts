import type { FaultText } from './text.js';

/** Texts of the faults of both stores. */
export const SHARED_TEXTS = {
  due_out_of_range: {
    one: 'a job is due after the year 9999',
    many: '# jobs are due after the year 9999',
    means: 'Somebody wrote its due time as no client does, in milliseconds perhaps: it is never delivered.',
  },
  expires_before_due: {
    one: 'a job expires before it is due',
    many: '# jobs expire before they are due',
    means: 'It will be gone when it is due. It gets the lifetime that jobs have when nothing is said.',
  },
  leases_ended: {
    one: 'a job waits in a lease that ended more than a minute ago',
    many: '# jobs wait in leases that ended more than a minute ago',
    means:
      'A worker died, and nobody has looked since. `delayer serve` brings such jobs back, and so does who takes jobs.',
  },
  lease_too_long: {
    one: 'a lease ends later than any can',
    many: '# leases end later than any can',
    means: 'No delayer wrote its end: if its worker died, its jobs would not come back. It is given an end.',
  },
  dead_past: {
    one: 'a dead letter is kept beyond its time',
    many: '# dead letters are kept beyond their time',
    means: 'Nobody has cleared it away; `delayer serve` does so.',
  },
  record_gone: {
    one: 'a lease, waiting job or dead letter is named, and nothing is left of it',
    many: '# leases, waiting jobs or dead letters are named, and nothing is left of them',
    means: 'Its key was deleted or evicted, and its jobs with it. What names it is cleared away.',
  },
  record_unreadable: {
    one: 'a record of jobs cannot be read',
    many: '# records of jobs cannot be read',
    means:
      'No delayer wrote it so. It is left alone, and its jobs with it; put it aside, or bring the key back from a backup.',
  },
  record_too_new: {
    one: 'a record was written by a later delayer',
    many: '# records were written by a later delayer',
    means: 'This one does not touch it. Use a delayer that is at least as new as the one that wrote it.',
  },
  clock_jumped: {
    one: 'the clock of the store was set by % ms',
    means:
      'Jobs may have been due, or have expired, by that. Set it right, and keep it right by a time server.',
  },
} satisfies Record<string, FaultText>;

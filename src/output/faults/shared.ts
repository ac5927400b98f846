import type { FaultText } from './text.js';

/** Texts of the faults of both stores. */
export const SHARED_TEXTS = {
  due_out_of_range: {
    one: 'a job is due after the year 9999',
    many: '# jobs are due after the year 9999',
    means:
      'No client of Delayer writes such a due time, which is perhaps in milliseconds: it is never delivered.',
  },
  expires_before_due: {
    one: 'a job expires before it is due',
    many: '# jobs expire before they are due',
    means: 'It will be gone when it is due. --fix gives it the default ready lifetime.',
  },
  name_empty: {
    one: 'a job has no id or no topic',
    many: '# jobs have no id or no topic',
    means:
      'Another program wrote it so. No command can name it, and an export leaves it out. Give it a name.',
  },
  leases_ended: {
    one: 'a job waits in a lease that ended more than a minute ago',
    many: '# jobs wait in leases that ended more than a minute ago',
    means:
      'A worker died, and its jobs were not reclaimed yet. `delayer serve` reclaims them, and so does a consumer of delayer.',
  },
  waiting_overdue: {
    one: 'a job waits for another one of its id, and nobody has looked for more than a minute whether that is gone',
    many: '# jobs wait for others of their ids, and nobody has looked for more than a minute whether those are gone',
    means:
      'It comes back when the other one is gone and somebody looks: `delayer serve` does so, and so does a consumer of delayer.',
  },
  lease_too_long: {
    one: 'a lease ends later than is possible',
    many: '# leases end later than is possible',
    means:
      'delayer did not write its end: if its worker died, its jobs would not come back. --fix gives it an earlier end.',
  },
  dead_past: {
    one: 'a dead letter is kept beyond its retention time',
    many: '# dead letters are kept beyond their retention time',
    means: 'It was not deleted in time; `delayer serve` deletes it.',
  },
  record_gone: {
    one: 'the record of a lease, waiting job or dead letter is missing',
    many: 'the records of # leases, waiting jobs or dead letters are missing',
    means: 'Its key was deleted or evicted, and its jobs with it. --fix clears away the references to it.',
  },
  record_unreadable: {
    one: 'a record of jobs cannot be read',
    many: '# records of jobs cannot be read',
    means:
      'delayer did not write it so. It is left alone, and its jobs with it; rename the key, or restore it from a backup.',
  },
  record_too_new: {
    one: 'a record was written by a later version of delayer',
    many: '# records were written by a later version of delayer',
    means: 'This version does not touch it. Use the version that wrote it, or a later one.',
  },
  clock_jumped: {
    one: 'the clock of the store was set by % ms',
    means:
      'Jobs may have become due, or have expired, because of that. Correct the clock, and synchronize it by NTP.',
  },
} satisfies Record<string, FaultText>;

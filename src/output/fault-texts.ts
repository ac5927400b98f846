import type { FaultKind } from '../core/faults.js';

/** What is wrong, for one and for many, and what it means. `#` is how many there are, `%` what was found. */
export interface FaultText {
  readonly one: string;
  /** As `one`, where a store can have it once alone. */
  readonly many?: string;
  readonly means: string;
}

/** In the order of FAULT_RULES. */
export const FAULT_TEXTS: Readonly<Record<FaultKind, FaultText>> = {
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

  body_gone: {
    one: 'a job has lost its body',
    many: '# jobs have lost their bodies',
    means:
      'It expired, was taken or removed by another client, or was evicted by Redis: it is never delivered. Its id is taken out of the queue.',
  },
  body_incomplete: {
    one: 'a job lacks its body or its topic',
    many: '# jobs lack their body or their topic',
    means:
      'Another client wrote it so: it is never delivered. What there is of it is kept, and it is taken out of the queue.',
  },
  body_wrong_type: {
    one: 'a job has a key of another type (%) in the place of its body',
    many: '# jobs have a key of another type (%) in the place of their body',
    means:
      'It is not delivered. Put that key aside; the job is back when its body is, or else taken out of the queue by --fix.',
  },
  body_without_entry: {
    one: 'a body is in no queue',
    many: '# bodies are in no queue',
    means:
      'An original client took the job, and ended before it deleted the body: perhaps it was done, perhaps not. Redis deletes it when it expires; pushed again, it is delivered.',
  },
  due_in_the_past: {
    one: 'a job is due before 1970',
    many: '# jobs are due before 1970',
    means: 'Somebody wrote its due time as no client does. It is due now.',
  },
  jobs_overdue: {
    one: 'a job was due more than a minute ago, and nobody makes it ready',
    many: '# jobs were due more than a minute ago, and nobody makes them ready',
    means: 'No daemon runs, or it does not keep up. Run `delayer serve`.',
  },
  entry_doubled: {
    one: 'a ready job is in its list twice',
    many: '# entries of ready lists are second ones of their jobs',
    means:
      'Two original daemons leave them. Each job is delivered once; an original client that meets the second takes the queue for empty.',
  },
  entry_of_delayed: {
    one: 'a job that is not due has an old entry in a ready list',
    many: '# jobs that are not due have old entries in ready lists',
    means: 'An original client that pops the topic is given it early; delayer passes over the entry.',
  },
  entry_of_other_topic: {
    one: 'an entry of a ready list belongs to another topic',
    many: '# entries of ready lists belong to other topics',
    means:
      'An original client that pops the list is given a job that is not of its topic; delayer passes over the entry.',
  },
  entries_expired: {
    one: 'an entry of a ready list is of an expired job',
    many: '# entries of ready lists are of expired jobs',
    means:
      'Nobody took the jobs in time, and no `delayer serve` clears them away. They cost room, and original clients stop at each.',
  },
  entries_empty: {
    one: 'an entry of a ready list is empty',
    many: '# entries of ready lists are empty',
    means: 'Old entries were overwritten there. They cost room; `delayer serve` takes them out.',
  },
  record_unlisted: {
    one: 'a record of jobs is named by nothing',
    many: '# records of jobs are named by nothing',
    means:
      'What named it was deleted or evicted: its jobs would never come back. They are found again, and leased ones come back.',
  },
  record_wrong_type: {
    one: 'a key of another type (%) stands in the place of a record',
    many: '# keys of another type (%) stand in the place of records',
    means:
      'Something else wrote it, and what it replaced is lost. Put it aside; what names it is then cleared away by --fix.',
  },
  dead_end_wrong: {
    one: 'it is noted wrongly when a dead letter is to be deleted',
    many: 'it is noted wrongly when # dead letters are to be deleted',
    means: 'They would be kept for too long. It is noted anew, as the letters say.',
  },
  key_wrong_type: {
    one: 'a key holds a %',
    many: '# keys hold something of another type (%)',
    means:
      'Something else wrote it. delayer leaves it alone, and what needs it fails or waits. Put it aside.',
  },
  key_foreign: {
    one: 'a key belongs to no part of the queue',
    many: '# keys belong to no part of the queue',
    means:
      'Something else writes under this prefix. It is in nobody’s way; give the other program another prefix.',
  },
  value_strange: {
    one: 'a value was not written by delayer',
    many: '# values were not written by delayer',
    means: 'It counts as absent. It is deleted; no job depends on it.',
  },
  notes_left: {
    one: 'a note is left of a job that is gone',
    many: '# notes are left of jobs that are gone',
    means:
      'Original clients leave them when they take jobs. They cost room; `delayer serve` clears them away.',
  },
  lock_endless: {
    one: 'a lock has no end',
    many: '# locks have no end',
    means:
      'No delayer wrote it so: a loop with `--lock` of that name would wait for ever. It is given an end; who holds it renews that.',
  },
  import_endless: {
    one: 'it is noted for ever how far a file was imported',
    many: 'it is noted for ever how far # files were imported',
    means: 'It costs room. It is given an end in 30 days.',
  },
  no_daemon: {
    one: 'no daemon of delayer was seen',
    means:
      'Due jobs become ready when a consumer of delayer asks, or by an original daemon, which leaves no trace.',
  },
  other_daemon: {
    one: 'a daemon that is not delayer’s made % ready jobs ready',
    means:
      'Original daemons double entries, and lose jobs when they crash. Stop it: `delayer serve` does its work.',
  },
  no_persistence: {
    one: 'Redis keeps nothing on disk',
    means: 'A restart loses every job.',
  },
  persistence_fails: {
    one: 'Redis could not write to its disk (%)',
    means: 'A restart loses what came since, and Redis may refuse pushes. Look at its log and at its disk.',
  },
  would_evict: {
    one: 'Redis deletes keys when it is full (%), once a maxmemory is set',
    means: 'Jobs would be lost.',
  },
  evicts: {
    one: 'Redis deletes keys when it is full (%)',
    means: 'Jobs are lost then, without a word.',
  },
  memory_near: {
    one: 'Redis uses % of its maxmemory',
    means: 'When it is full, pushes fail. Give it more, or take jobs faster.',
  },
  memory_full: {
    one: 'Redis uses % of its maxmemory',
    means: 'Pushes fail now, or soon; taking jobs works. Give it more, or take jobs.',
  },
  replica: {
    one: 'this Redis is a replica of %',
    means: 'Nothing can be pushed, taken or mended here.',
  },
  clock_differs: {
    one: 'the clock of Redis is % ms off that of this machine',
    means: 'What original clients push is due by their machines’ clocks: early or late by that.',
  },
  not_permitted: {
    one: '% is not permitted to this user',
    means: 'The server’s settings were not all looked at.',
  },

  file_damaged: {
    one: 'the file is damaged: %',
    many: 'the file is damaged in # places: %',
    means: 'The disk, or another program, has done that. Save what can be read, and go on with the new file.',
  },
  index_damaged: {
    one: 'the index % does not agree with its table',
    many: '# indexes do not agree with their tables',
    means: 'Jobs may be passed over or not be found. It is built anew from the table, which has all jobs.',
  },
  index_missing: {
    one: 'the index % is missing',
    many: '# indexes are missing',
    means: 'Calls take long, and an id may come to be in line twice. It is made anew.',
  },
  table_changed: {
    one: '% is not as delayer makes it',
    many: '# tables or indexes are not as delayer makes them',
    means: 'Somebody changed the schema. Move the jobs into a new file.',
  },
  schema_foreign: {
    one: 'the file has a % that is not delayer’s',
    many: 'the file has # tables, views or triggers that are not delayer’s',
    means: 'It is left alone; a trigger may change jobs.',
  },
  number_strange: {
    one: 'a row has a number that no delayer writes',
    many: '# rows have numbers that no delayer writes',
    means:
      'It is read as the nearest that can be, and made so; a job that would have expired by it has its whole lifetime again.',
  },
  name_empty: {
    one: 'a job has no id or no topic',
    many: '# jobs have no id or no topic',
    means: 'No call can name it, and nobody is given it. Give it a name.',
  },
  state_unknown: {
    one: 'a job is in a state that this delayer does not know',
    many: '# jobs are in a state that this delayer does not know',
    means: 'It is left alone, and not counted. Use the delayer that wrote it, or put it in line.',
  },
  job_unheld: {
    one: 'a job counts as taken, and nobody has it',
    many: '# jobs count as taken, and nobody has them',
    means: 'Its lease was lost: it would never come back. It is put in line again.',
  },
  held_twice: {
    one: 'a job is in two leases',
    many: '# jobs are in two leases',
    means: 'It would be delivered twice. It stays in the lease that ends last.',
  },
  lease_unreadable: {
    one: 'a lease cannot be read',
    many: '# leases cannot be read',
    means:
      'Nobody knows which jobs it had, and they would not come back. It is deleted, and jobs that nobody has are put in line.',
  },
  lease_of_nothing: {
    one: 'a lease has no job',
    many: '# leases have no jobs',
    means: 'Its jobs were deleted by hand. It is deleted.',
  },
  row_left: {
    one: 'a row is left of a job that is not there, or not in that state',
    many: '# rows are left of jobs that are not there, or not in that state',
    means: 'Somebody deleted or changed the job by hand. The row is deleted.',
  },
  notes_unused: {
    one: 'a note is left of a job that is gone',
    many: '# notes are left of jobs that are gone',
    means: 'They cost room, and are deleted.',
  },
  dead_unexplained: {
    one: 'a dead letter does not say when it died',
    many: '# dead letters do not say when they died',
    means: 'It would be kept for ever. It counts as dead since now.',
  },
  settings_broken: {
    one: 'a job has retry settings that cannot be followed',
    many: '# jobs have retry settings that cannot be followed',
    means: 'It would become a dead letter when it is taken. It loses them, and the worker’s count.',
  },
  jobs_expired: {
    one: 'an expired job was not cleared away for an hour',
    many: '# expired jobs were not cleared away for an hour',
    means:
      'Nobody took them in time, and no `delayer serve` runs. They cost room; they are removed, and kept in a file of removed jobs.',
  },
  log_long: {
    one: 'the log beside the file has grown to %',
    means:
      'Something keeps it open for reading, or was killed. What is in it is moved into the file, unless somebody reads it still.',
  },
  disk_near: {
    one: '% are free on the disk of the file',
    means: 'When it is full, pushes fail. Make room.',
  },
  disk_full: {
    one: '% are free on the disk of the file',
    means: 'Pushes fail now, or soon; taking jobs works. Make room.',
  },
  open_to_all: {
    one: 'every user of this machine may write to %',
    many: 'every user of this machine may write to the file and to its folder',
    means: 'Anybody may read, change or delete jobs.',
  },
};

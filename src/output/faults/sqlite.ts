import type { FaultText } from './text.js';

/** Texts of the faults of SQLite. */
export const SQLITE_TEXTS = {
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
  extras_unused: {
    one: 'retry settings or a history are left of a job that is gone',
    many: 'retry settings or histories are left of # jobs that are gone',
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
} satisfies Record<string, FaultText>;

import type { FaultText } from './text.js';

/** Texts of the faults of SQLite. */
export const SQLITE_TEXTS = {
  file_damaged: {
    one: 'the file is damaged: %',
    many: 'the file is damaged in # places: %',
    means: 'The disk or another program caused this. Save what can be read, and continue with the new file.',
  },
  index_damaged: {
    one: 'the index % does not agree with its table',
    many: '# indexes do not agree with their tables',
    means: 'Jobs may be skipped or not found. --fix rebuilds it from the table, which has all jobs.',
  },
  index_missing: {
    one: 'the index % is missing',
    many: '# indexes are missing',
    means: 'Calls take long, and an id may get into the queue twice. --fix creates it again.',
  },
  table_changed: {
    one: '% is not as delayer creates it',
    many: '# tables or indexes are not as delayer creates them',
    means: 'The schema was changed. Move the jobs into a new file.',
  },
  schema_foreign: {
    one: 'the file has a % that is not delayer’s',
    many: 'the file has # tables, views or triggers that are not delayer’s',
    means: 'It is left alone; a trigger may change jobs.',
  },
  number_strange: {
    one: 'a row has a number that is out of range',
    many: '# rows have numbers that are out of range',
    means:
      'It is read as the nearest valid one, and --fix stores that; a job that would have expired by it gets its full ready lifetime again.',
  },
  state_unknown: {
    one: 'a job is in a state that this version of delayer does not know',
    many: '# jobs are in a state that this version of delayer does not know',
    means:
      'It is left alone, and not counted. Use the version of delayer that wrote it, or put it back into the queue.',
  },
  job_unheld: {
    one: 'a job is marked as leased, but is in no lease',
    many: '# jobs are marked as leased, but are in no lease',
    means: 'Its lease was lost: it would never come back. --fix puts it back into the queue.',
  },
  held_twice: {
    one: 'a job is in two leases',
    many: '# jobs are in two leases',
    means: 'It would be delivered twice. --fix leaves it in the lease that ends last.',
  },
  lease_unreadable: {
    one: 'a lease cannot be read',
    many: '# leases cannot be read',
    means:
      'It is unknown which jobs it had, and they would not come back. --fix deletes it, and puts jobs that are in no lease back into the queue.',
  },
  lease_of_nothing: {
    one: 'a lease has no job',
    many: '# leases have no jobs',
    means: 'Its jobs were deleted by hand. --fix deletes it.',
  },
  row_left: {
    one: 'a row is left of a job that is not there, or not in that state',
    many: '# rows are left of jobs that are not there, or not in that state',
    means: 'The job was deleted or changed by hand. --fix deletes the row.',
  },
  extras_unused: {
    one: 'retry settings or a history are left of a job that is gone',
    many: 'retry settings or histories are left of # jobs that are gone',
    means: 'They use space; --fix deletes them.',
  },
  dead_unexplained: {
    one: 'a dead letter does not say when it died',
    many: '# dead letters do not say when they died',
    means: 'It would be kept for ever. --fix dates its failure to now.',
  },
  settings_broken: {
    one: 'a job has retry settings that are not valid',
    many: '# jobs have retry settings that are not valid',
    means:
      'It would become a dead letter when it is taken. --fix deletes them, so that those of its consumer apply.',
  },
  jobs_expired: {
    one: 'an expired job was not cleared away for an hour',
    many: '# expired jobs were not cleared away for an hour',
    means:
      'They were not taken in time, and no `delayer serve` runs. They use space; --fix removes them, and keeps them in a file of removed jobs.',
  },
  log_long: {
    one: 'the log beside the file has grown to %',
    means:
      'A process keeps it open for reading, or was killed. --fix moves its content into the file, unless a process still reads it.',
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

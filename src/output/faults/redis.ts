import type { FaultText } from './text.js';

/** Texts of the faults of Redis. */
export const REDIS_TEXTS = {
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
  doubled_entry: {
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
  pool_expired: {
    one: 'an expired job is still among those that are to become ready',
    many: '# expired jobs are still among those that are to become ready',
    means: 'Nobody made them ready in time, nor took them. They cost room; `delayer serve` clears them away.',
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
      'Due jobs become ready when a consumer of delayer asks, or by an original daemon, which announces itself to nobody.',
  },
  other_daemon: {
    one: 'a daemon that is not delayer’s made % ready jobs ready',
    means:
      'Original daemons double entries, and lose jobs when they crash. Stop it: `delayer serve` does its work.',
  },
  original_daemon: {
    one: 'a client polls as an original daemon does',
    many: '# clients poll as an original daemon does',
    means:
      'It runs ZRANGEBYSCORE every second, as another program may. An original daemon doubles ready entries when its tick falls near a full second, and loses jobs when it crashes between its ZREM and its LPUSH. Stop it: `delayer serve` does its work. `ss` names the process, on the machine of that address.',
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
} satisfies Record<string, FaultText>;

import type { FaultText } from './text.js';

/** Texts of the faults of Redis. */
export const REDIS_TEXTS = {
  body_gone: {
    one: 'a job has lost its body',
    many: '# jobs have lost their bodies',
    means:
      'It expired, was taken or removed by another client, or was evicted by Redis: it is never delivered. --fix takes its id out of the queue.',
  },
  body_incomplete: {
    one: 'a job lacks its body or its topic',
    many: '# jobs lack their body or their topic',
    means:
      'Another client wrote it so: it is never delivered. --fix takes it out of the queue, and keeps what is left of it in a file.',
  },
  body_wrong_type: {
    one: 'a job has a key of another type (%) in the place of its body',
    many: '# jobs have a key of another type (%) in the place of their body',
    means:
      'It is not delivered, and --fix leaves it alone. Rename that key; then restore the body, or --fix takes the job out of the queue.',
  },
  body_without_entry: {
    one: 'a body belongs to no queue',
    many: '# bodies belong to no queue',
    means:
      'Mostly an original client took the job, and ended before it deleted the body; or the entry of the job was in the list of another topic, and was removed: the job may be done or not. Redis deletes the body at the end of its lifetime, if it has one; to deliver the job again, push it.',
  },
  due_in_the_past: {
    one: 'a job is due before 1970',
    many: '# jobs are due before 1970',
    means: 'No client of Delayer writes such a due time. It is due now.',
  },
  jobs_overdue: {
    one: 'a job was due more than a minute ago, and is not ready yet',
    many: '# jobs were due more than a minute ago, and are not ready yet',
    means: 'No daemon runs, or it does not keep up. Run `delayer serve`.',
  },
  doubled_entry: {
    one: 'a ready job is in its list twice',
    many: '# entries of ready lists are duplicates',
    means:
      'Two original daemons cause this. Each job is delivered once; an original client that reads the duplicate takes the queue for empty.',
  },
  entry_of_delayed: {
    one: 'a job that is not due has an old entry in a ready list',
    many: '# jobs that are not due have old entries in ready lists',
    means: 'An original client that pops the topic gets it early; delayer skips the entry.',
  },
  entry_of_other_topic: {
    one: 'an entry of a ready list belongs to another topic',
    many: '# entries of ready lists belong to other topics',
    means:
      'An original client that pops the list gets a job of another topic. delayer skips the entry, and does not deliver the job when it has no other; `--fix` gives it one at the end of its own line.',
  },
  entries_expired: {
    one: 'an entry of a ready list is of an expired job',
    many: '# entries of ready lists are of expired jobs',
    means:
      'The jobs were not taken in time, and no `delayer serve` clears them away. They use memory, and original clients stop at each.',
  },
  pool_expired: {
    one: 'an expired job is still among the delayed ones',
    many: '# expired jobs are still among the delayed ones',
    means: 'They were not made ready in time. They use memory; `delayer serve` clears them away.',
  },
  entries_empty: {
    one: 'an entry of a ready list is empty',
    many: '# entries of ready lists are empty',
    means: 'Old entries were overwritten there. They use memory; `delayer serve` removes them.',
  },
  record_unlisted: {
    one: 'nothing refers to a record of jobs',
    many: 'nothing refers to # records of jobs',
    means:
      'The reference to it was deleted or evicted: its jobs would never come back. --fix restores the reference, and leased jobs return to the queue.',
  },
  record_wrong_type: {
    one: 'a key of another type (%) stands in the place of a record',
    many: '# keys of another type (%) stand in the place of records',
    means:
      'Another program wrote it, and the record is lost. Rename the key; --fix then clears away the references to it.',
  },
  dead_end_wrong: {
    one: 'the deletion time of a dead letter is wrong',
    many: 'the deletion times of # dead letters are wrong',
    means: 'They would be kept for too long. --fix takes the times from the dead letters.',
  },
  key_wrong_type: {
    one: 'a key holds a %',
    many: '# keys hold something of another type (%)',
    means:
      'Another program wrote it. delayer leaves it alone, and work that needs it fails or waits. Rename it.',
  },
  key_foreign: {
    one: 'a key belongs to no part of the queue',
    many: '# keys belong to no part of the queue',
    means:
      'Another program writes keys with this prefix, or has left a body with an empty id or topic there, which no command of delayer can name. They do no harm; give that program another prefix.',
  },
  value_strange: {
    one: 'a value was not written by delayer',
    many: '# values were not written by delayer',
    means: 'It counts as absent, and no job depends on it. --fix deletes it.',
  },
  notes_left: {
    one: 'a note is left of a job that is gone',
    many: '# notes are left of jobs that are gone',
    means:
      'Original clients leave them when they take jobs. They use memory; `delayer serve` clears them away.',
  },
  lock_endless: {
    one: 'a lock has no end',
    many: '# locks have no end',
    means:
      'delayer did not write it so: a drain with `--lock` of that name would wait for ever. --fix gives it an end, which its holder renews.',
  },
  import_endless: {
    one: 'the progress of an import is kept for ever',
    many: 'the progress of # imports is kept for ever',
    means: 'It uses memory. --fix lets it expire in 30 days.',
  },
  no_daemon: {
    one: 'no daemon of delayer was seen',
    means: 'Due jobs become ready when a consumer of delayer asks for jobs, or by an original daemon.',
  },
  other_daemon: {
    one: 'a daemon that is not delayer’s made % ready jobs ready',
    means:
      'Original daemons duplicate entries, and lose jobs when they crash. Stop it: `delayer serve` does its work.',
  },
  original_daemon: {
    one: 'a client polls like an original daemon',
    many: '# clients poll like an original daemon',
    means:
      'It runs ZRANGEBYSCORE every second, as another program may. An original daemon duplicates ready entries when its tick falls near a full second, and loses jobs when it crashes between its ZREM and its LPUSH. Stop it: `delayer serve` does its work. `ss` names the process, on the machine of that address.',
  },
  no_persistence: {
    one: 'Redis has no persistence',
    means: 'A restart loses every job.',
  },
  persistence_fails: {
    one: 'Redis could not write to its disk (%)',
    means: 'A restart loses all later changes, and Redis may refuse pushes. Check its log and its disk.',
  },
  would_evict: {
    one: 'Redis deletes keys when it is full (%), once a maxmemory is set',
    means: 'Jobs would be lost.',
  },
  evicts: {
    one: 'Redis deletes keys when it is full (%)',
    means: 'Jobs are lost then, without an error.',
  },
  memory_near: {
    one: 'Redis uses % of its maxmemory',
    means: 'When it is full, pushes fail. Raise maxmemory, or take jobs faster.',
  },
  memory_full: {
    one: 'Redis uses % of its maxmemory',
    means: 'Pushes fail now, or soon; taking jobs works. Raise maxmemory, or take jobs.',
  },
  replica: {
    one: 'this Redis is a replica of %',
    means: 'Nothing can be pushed, taken or fixed here.',
  },
  clock_differs: {
    one: 'the clock of Redis is % ms off that of this machine',
    means: 'Jobs that original clients push are due by the clocks of their machines: early or late by that.',
  },
  not_permitted: {
    one: '% is not permitted to this user',
    means: 'Some settings of the server were not checked.',
  },
} satisfies Record<string, FaultText>;

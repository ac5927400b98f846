-- A state in place of a flag, a place in line apart from the due time, dead letters, paused topics, and
-- leases that end each by itself. Times are in ms since 1970.

-- `seq` is the order of pushing. A job changes its `state` and stays in its row, so that SQLite leaves the
-- pages of a large body alone:
--   0  in line: delayed until `place`, then ready until `expires_at`
--   1  leased: its `seq` is in a row of `lease`
--   2  back from a lease while a newer job of its id is in line: its `seq` is in a row of `waiting`
--   3  dead letter: its `seq` is in a row of `dead`
-- Jobs of a topic are delivered in order of `place`, then of `seq`. `due_at` is null when it is the place,
-- as it is unless somebody moved the job, and `ttl_ms` is null when it is a week: a row stays as short as
-- that of the first release, and a push writes no more pages.
-- `attempts` leaves out the attempt that is under way, so that a row keeps its size while
-- its job is leased. The body stands last: the other columns are read without it.
CREATE TABLE new_job (
  seq INTEGER PRIMARY KEY,
  state INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  place INTEGER NOT NULL,
  due_at INTEGER,
  expires_at INTEGER NOT NULL,
  ttl_ms INTEGER,
  topic BLOB NOT NULL,
  id BLOB NOT NULL,
  body BLOB NOT NULL
) STRICT;

INSERT INTO new_job (seq, state, attempts, place, expires_at, ttl_ms, topic, id, body)
SELECT seq, leased, attempts, due_at, expires_at, nullif(max(1, expires_at - due_at), 604800000), topic, id, body
FROM job ORDER BY seq;

-- Jobs of state 2. `again_at` is when to look again whether the newer job is gone. `since` is the time from
-- which the ready lifetime stands still.
CREATE TABLE waiting (
  seq INTEGER PRIMARY KEY,
  again_at INTEGER NOT NULL,
  since INTEGER NOT NULL
) STRICT;
CREATE INDEX waiting_again ON waiting (again_at);

-- The first release had them wait under leases with a colon in the token. It did not note since when:
-- the due time gives them their whole ready lifetime again.
INSERT INTO waiting (seq, again_at, since)
SELECT job.seq, lease.ends_at, job.due_at
FROM lease CROSS JOIN json_each(lease.seqs) AS held CROSS JOIN job ON job.seq = held.value
WHERE instr(lease.token, ':') > 0;

UPDATE new_job SET state = 2 WHERE seq IN (SELECT seq FROM waiting);

-- One row for all that a reservation has in hand: a row a job would cost more than the rest of a batch.
-- `seqs` is a JSON array of the `seq` of its jobs, in the order of delivery, with null in the place of each
-- that is not in this row's hands any more; the row goes with the last one. A lease that was extended by
-- itself has a row of its own, under the token `TOKEN.NUMBER`. `first` is the number of the first job in
-- `seqs`; `jobs` and `deadline` are the count and the first deadline that the lease strings name.
CREATE TABLE new_lease (
  token TEXT NOT NULL PRIMARY KEY,
  ends_at INTEGER NOT NULL,
  reserved_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  jobs INTEGER NOT NULL,
  first INTEGER NOT NULL,
  seqs TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- When a reservation of the first release was made is not known. It was not before its last job was due,
-- and that gives each job at least the ready lifetime that it had left.
INSERT INTO new_lease (token, ends_at, reserved_at, deadline, jobs, first, seqs)
SELECT token, ends_at, max(job.due_at), ends_at, json_array_length(lease.seqs), 1, lease.seqs
FROM lease CROSS JOIN json_each(lease.seqs) AS held CROSS JOIN job ON job.seq = held.value
WHERE instr(lease.token, ':') = 0
GROUP BY token;

DROP TABLE job;
DROP TABLE lease;
ALTER TABLE new_job RENAME TO job;
ALTER TABLE new_lease RENAME TO lease;

-- An id is unique among the jobs in line. New entries of these three mostly go next to the last one, and
-- what is taken leaves from the other end, so that the cost of a job hardly depends on how many wait. No
-- index has the ids of leased jobs: keeping one would cost every lease, and few jobs are leased at a time.
CREATE UNIQUE INDEX job_id ON job (id) WHERE state = 0;
CREATE INDEX job_line ON job (topic, place) WHERE state = 0;
CREATE INDEX job_expiry ON job (expires_at) WHERE state = 0;

-- Jobs that wait and dead letters, by id and by topic.
CREATE INDEX job_aside_id ON job (id) WHERE state > 1;
CREATE INDEX job_aside_topic ON job (topic, state) WHERE state > 1;

-- Jobs of state 3. `dead_until` is null when the dead letter is kept for ever. Not in columns of `job`: an
-- index there on when to delete them would cost every job a tenth of its push, lease and end.
CREATE TABLE dead (
  seq INTEGER PRIMARY KEY,
  failed_at INTEGER NOT NULL,
  dead_until INTEGER,
  reason TEXT
) STRICT;
CREATE INDEX dead_end ON dead (dead_until);

CREATE INDEX lease_end ON lease (ends_at);

-- Paused topics; `until_at` is null when the pause has no end.
CREATE TABLE pause (
  topic BLOB NOT NULL PRIMARY KEY,
  until_at INTEGER
) STRICT, WITHOUT ROWID;

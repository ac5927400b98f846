-- What is kept of a job over its attempts, what a lease says of its end and its holder, and locks.

-- 1: the row of `extras` with this `seq` is about this job; null: there is none, whatever stands there. A number comes
-- again when the last job is gone, and a row of `extras` may be left over from the job that had it before. A null and a 1
-- take no byte of a row but one of its head: so the column may stand behind the body and is read without it, and to
-- add it writes no row.
ALTER TABLE job ADD COLUMN has_extras INTEGER;

-- Jobs with retry settings of their own, and jobs that were reserved before. A job that is pushed, reserved and done
-- without more has no row here: one would cost it as much as its push. `retries`, `first_ms` and `last_ms` (of the
-- backoff, both or neither) are null where the job does not say. `key` is null until its first lease has ended.
-- `history` is a JSON array of the last attempts, with the times in ms since 1970.
CREATE TABLE extras (
  seq INTEGER PRIMARY KEY,
  retries INTEGER,
  first_ms INTEGER,
  last_ms INTEGER,
  key TEXT,
  history TEXT
) STRICT;

-- `policy` is a JSON array, [retries, first pause, last pause, how long a dead letter is kept], the last three in ms;
-- null: the jobs come back however often. `holder` is who reserved, as it named itself. `has_extras` is 1 when one of the
-- jobs has a row in `extras` that goes with it.
ALTER TABLE lease ADD COLUMN policy TEXT;
ALTER TABLE lease ADD COLUMN holder TEXT;
ALTER TABLE lease ADD COLUMN has_extras INTEGER;

CREATE TABLE lock (
  name BLOB NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  until_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The layout of the first release.

CREATE TABLE job (
  seq INTEGER PRIMARY KEY,
  leased INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  topic BLOB NOT NULL,
  id BLOB NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX job_free ON job (id) WHERE leased = 0;
CREATE INDEX job_line ON job (topic, due_at) WHERE leased = 0;
CREATE INDEX job_expiry ON job (expires_at) WHERE leased = 0;
CREATE TABLE lease (
  token TEXT NOT NULL PRIMARY KEY,
  ends_at INTEGER NOT NULL,
  seqs TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_end ON lease (ends_at);

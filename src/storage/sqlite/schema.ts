/** In the file's header, to know it by: the letters `dlay`. https://sqlite.org/pragma.html#pragma_application_id */
export const APPLICATION_ID = 0x646c6179;

/** The version of the layout below, in the file as `user_version`. */
export const SCHEMA_VERSION = 1;

/**
 * The layout.
 *
 * `job.seq` is the order of pushing. A job that is leased stays in its row, with `leased` 1 and its `seq`
 * in `lease`: the row keeps its size then, and SQLite leaves the pages of a large body alone. For the
 * same reason `attempts` counts what came back, and not the time it is out now. The body stands
 * last, so that the other columns are read without it.
 *
 * - job_free: an id is unique among the jobs that are not leased; a leased one may have a namesake.
 *   To find a leased job by its id, the leases are looked through: they are few beside the jobs.
 * - job_line: the order of delivery within a topic, due time and then order of pushing.
 * - job_expiry: to find the dead ones.
 *
 * - lease: one row for all that a request has taken, by its token; a row a job would cost more than the
 *   rest of a batch. `seqs` is a JSON array of the `seq` of its jobs in the order of its answer, with null
 *   in the place of those whose lease has ended. It goes with the last one.
 *
 * Each new entry of these but an id of the user's making goes next to the last one, and what is taken
 * leaves from the other end, so the cost of a job hardly depends on how many are waiting.
 */
export const SCHEMA = `
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
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * What every connection is set to. FULL: a push that returned has reached the disk; in WAL mode the
 * default leaves that to the next checkpoint. Up to 8 MB of pages are kept in memory. The log is moved
 * into the file at 16 MB, where the default is a quarter of that: pages that were changed again
 * meanwhile are written once. One that has grown longer is cut back to that.
 */
export const SETTINGS = `
PRAGMA synchronous = FULL;
PRAGMA cache_size = -8000;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 16777216;
`;

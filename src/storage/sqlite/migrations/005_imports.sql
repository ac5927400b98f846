-- How far files were imported: up to which line, and when (ms) that was noted, in the transaction that took in the
-- jobs. `file` names what the file holds.

CREATE TABLE imported (
  file TEXT NOT NULL PRIMARY KEY,
  line INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

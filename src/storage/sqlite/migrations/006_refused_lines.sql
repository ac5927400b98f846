-- Lines of a file in `imported` that were refused, because their id has another job, and were not imported since.

CREATE TABLE refused_line (
  file TEXT NOT NULL,
  line INTEGER NOT NULL,
  PRIMARY KEY (file, line)
) STRICT, WITHOUT ROWID;

-- One row: the clock as it was when somebody last noted it, so that a jump of it is noticed. `boot` names the
-- start of the machine; `monotonic_ms` and `uptime_ms` are how long it had been running then, the latter with the
-- time that it slept; `at_ms` is the time of day. What expired after `trusted_ms` is not deleted: the clock went
-- there by a jump, or while nobody looked, and has run for no more than `ran_ms` since. `jumped_ms` is by how
-- much it jumped; 0 when it did not.
CREATE TABLE clock (
  one INTEGER PRIMARY KEY,
  boot TEXT NOT NULL,
  monotonic_ms INTEGER NOT NULL,
  uptime_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  trusted_ms INTEGER NOT NULL,
  ran_ms INTEGER NOT NULL,
  jumped_ms INTEGER NOT NULL
) STRICT;

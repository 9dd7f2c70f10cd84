-- Schema 2: the garbage collection and the scrub of the chunk store. These rows are the region's
-- own: the store holds the bytes of all accounts, and knows none.

-- Operations that write packs. One is open while its job is not settled; one whose job's row is
-- not there (yet) is open until it is ended, or the process that began it is known to be dead.
CREATE TABLE store_operations (
  sequence INTEGER NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  job_id TEXT,
  begun_at INTEGER NOT NULL
) STRICT;

-- Roots that are read although no image and no volume has them, such as views of deleted images.
CREATE TABLE store_pins (
  holder TEXT NOT NULL PRIMARY KEY,
  root_id TEXT NOT NULL,
  pinned_at INTEGER NOT NULL
) STRICT;

-- Packs that a complete mark found dead, and when. Deleted by a later run that finds them so too.
CREATE TABLE store_condemned (
  pack TEXT NOT NULL PRIMARY KEY,
  epoch INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL,
  condemned_at INTEGER NOT NULL
) STRICT;

-- Damage that a scrub found; record is empty when it is the pack itself.
CREATE TABLE store_quarantine (
  pack TEXT NOT NULL,
  record TEXT NOT NULL,
  why TEXT NOT NULL,
  found_at INTEGER NOT NULL,
  PRIMARY KEY (pack, record)
) STRICT;

-- One row. The collection is off while the roots are not known to be complete: after a recovery,
-- or when the store turns out to be newer than the database.
CREATE TABLE store_state (
  name TEXT NOT NULL PRIMARY KEY,
  gc_enabled INTEGER NOT NULL,
  gc_finished_at INTEGER,
  scrub_cursor TEXT,
  scrub_begun_at INTEGER,
  scrub_finished_at INTEGER
) STRICT;
INSERT INTO store_state (name, gc_enabled) VALUES ('store', 1);

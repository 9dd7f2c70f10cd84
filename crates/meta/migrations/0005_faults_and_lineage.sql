-- Statuses that the operator of a region for tests forced, and what they were before.
CREATE TABLE forced_statuses (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  status TEXT NOT NULL,
  reason TEXT,
  was_status TEXT NOT NULL,
  was_reasons TEXT NOT NULL,
  forced_at INTEGER NOT NULL
) STRICT;

-- What each image was made of. A row outlives its image while something made of it is there.
CREATE TABLE image_lineage (
  image_id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  parent_image_id TEXT,
  deleted INTEGER NOT NULL
) STRICT;
CREATE INDEX image_lineage_parent
  ON image_lineage (parent_image_id, account_id, created_at DESC, image_id DESC)
  WHERE parent_image_id IS NOT NULL;
INSERT INTO image_lineage (image_id, account_id, name, created_at, parent_image_id, deleted)
  SELECT i.id, i.account_id, i.name, i.created_at, v.source_image_id, 0
  FROM images i LEFT JOIN volumes v ON v.id = i.source_volume_id;

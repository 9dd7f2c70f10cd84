-- Schema 3: tags of every kind of resource, and resource groups that change.

-- The last part of the CRN, so that tags find resources and a resource that goes finds its tags.
ALTER TABLE tags ADD COLUMN resource_id TEXT NOT NULL DEFAULT '';
UPDATE tags SET resource_id = COALESCE((SELECT v.id FROM volumes v WHERE tags.crn =
  'crn:v1:bluemix:public:is:' || v.zone || ':a/' || v.account_id || '::volume:' || v.id), '');
CREATE INDEX tags_resource ON tags (resource_id);

-- Every tag of an account, also those that no resource has now.
CREATE TABLE tag_names (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  kind TEXT NOT NULL,
  tag TEXT NOT NULL,
  PRIMARY KEY (account_id, kind, tag)
) STRICT;
INSERT INTO tag_names (account_id, kind, tag) SELECT DISTINCT account_id, kind, tag FROM tags;

ALTER TABLE resource_groups ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE resource_groups SET updated_at = created_at;

-- Lists of one group, and whether a group is empty.
CREATE INDEX images_group ON images (group_id, created_at DESC, id DESC);
CREATE INDEX volumes_group ON volumes (group_id, created_at DESC, id DESC);
CREATE INDEX instances_group ON instances (group_id, created_at DESC, id DESC);

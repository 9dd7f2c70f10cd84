-- Instance templates. The prototype is the JSON text of a request, without name and group.

CREATE TABLE instance_templates (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  zone TEXT NOT NULL,
  prototype TEXT NOT NULL,
  UNIQUE (account_id, name)
) STRICT;
CREATE INDEX instance_templates_list ON instance_templates (account_id, created_at DESC, id DESC);

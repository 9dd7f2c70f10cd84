-- Policies, roles of accounts, and access groups. What a policy says is a JSON text; the columns
-- beside it find it. Nothing here is read without its account.

CREATE TABLE policies (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  kind TEXT NOT NULL,
  subject_key TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  state TEXT NOT NULL,
  terms TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  modified_at INTEGER NOT NULL,
  modified_by TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE INDEX policies_subject ON policies (account_id, subject_key, subject_id);
CREATE INDEX policies_list ON policies (account_id, created_at, id);

CREATE TABLE custom_roles (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  service TEXT NOT NULL,
  display_name TEXT NOT NULL,
  description TEXT NOT NULL,
  actions TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  modified_at INTEGER NOT NULL,
  modified_by TEXT NOT NULL,
  revision INTEGER NOT NULL,
  UNIQUE (account_id, name)
) STRICT;

CREATE TABLE access_groups (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  modified_at INTEGER NOT NULL,
  modified_by TEXT NOT NULL,
  revision INTEGER NOT NULL,
  UNIQUE (account_id, name)
) STRICT;

CREATE TABLE access_group_members (
  access_group_id TEXT NOT NULL REFERENCES access_groups (id),
  iam_id TEXT NOT NULL,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  kind TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  added_by TEXT NOT NULL,
  PRIMARY KEY (access_group_id, iam_id)
) STRICT;
CREATE INDEX access_group_members_of ON access_group_members (account_id, iam_id);

CREATE TABLE access_group_rules (
  id TEXT NOT NULL PRIMARY KEY,
  access_group_id TEXT NOT NULL REFERENCES access_groups (id),
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  expiration INTEGER NOT NULL,
  realm_name TEXT NOT NULL,
  conditions TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  modified_at INTEGER NOT NULL,
  modified_by TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE INDEX access_group_rules_of ON access_group_rules (access_group_id);

-- Counts of each resource group, for readers of some groups alone.
INSERT INTO counters (account_id, name, value)
  SELECT account_id, 'images/' || group_id, COUNT(*) FROM images GROUP BY account_id, group_id;
INSERT INTO counters (account_id, name, value)
  SELECT account_id, 'volumes/' || group_id, COUNT(*) FROM volumes GROUP BY account_id, group_id;
INSERT INTO counters (account_id, name, value)
  SELECT account_id, 'instances/' || group_id, COUNT(*) FROM instances
  GROUP BY account_id, group_id;

-- Key Protect: instances, keys, aliases, rings, policies. The material of keys is never here.

CREATE TABLE service_instances (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE INDEX service_instances_list ON service_instances (account_id, created_at, id);
CREATE INDEX service_instances_group ON service_instances (group_id);

CREATE TABLE kms_keys (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  instance_id TEXT NOT NULL REFERENCES service_instances (id),
  ring TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  extractable INTEGER NOT NULL,
  imported INTEGER NOT NULL,
  state INTEGER NOT NULL,
  state_since INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  rotated_at INTEGER,
  expires_at INTEGER,
  deleted_at INTEGER,
  deleted_by TEXT,
  dual_auth INTEGER,
  dual_auth_by TEXT,
  dual_auth_at INTEGER,
  deletion_set_by TEXT,
  deletion_set_until INTEGER,
  rotation INTEGER,
  rotation_months INTEGER,
  rotation_by TEXT,
  rotation_at INTEGER,
  -- Region time at which it rotates or purges itself.
  due_at INTEGER,
  revision INTEGER NOT NULL
) STRICT;
CREATE INDEX kms_keys_list ON kms_keys (instance_id, created_at, id);
CREATE INDEX kms_keys_due ON kms_keys (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE kms_aliases (
  instance_id TEXT NOT NULL REFERENCES service_instances (id),
  alias TEXT NOT NULL,
  key_id TEXT NOT NULL REFERENCES kms_keys (id),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (instance_id, alias)
) STRICT;
CREATE INDEX kms_aliases_key ON kms_aliases (key_id, created_at, alias);

CREATE TABLE kms_rings (
  instance_id TEXT NOT NULL REFERENCES service_instances (id),
  id TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (instance_id, id)
) STRICT;

CREATE TABLE kms_instance_policies (
  instance_id TEXT NOT NULL REFERENCES service_instances (id),
  kind TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  detail INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (instance_id, kind)
) STRICT;

CREATE INDEX images_encryption_key ON images (encryption_key_crn)
  WHERE encryption_key_crn IS NOT NULL;
CREATE INDEX volumes_encryption_key ON volumes (encryption_key_crn)
  WHERE encryption_key_crn IS NOT NULL;

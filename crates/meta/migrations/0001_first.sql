-- Schema 1. Written for SQLite; on PostgreSQL four words are replaced (src/sql/migrate.rs):
-- INTEGER by BIGINT, TEXT by TEXT COLLATE "C", BLOB by BYTEA, STRICT by nothing.
-- Times are microseconds since 1970, booleans 0 and 1, lists of words joined by commas.

CREATE TABLE accounts (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  provider INTEGER NOT NULL,
  owner_id TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX accounts_provider ON accounts (provider) WHERE provider = 1;

CREATE TABLE principals (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  email TEXT NOT NULL
) STRICT;
CREATE INDEX principals_account ON principals (account_id);

CREATE TABLE api_keys (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  principal_id TEXT NOT NULL REFERENCES principals (id),
  name TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX api_keys_principal ON api_keys (principal_id);

-- Keys that sign tokens belong to the region, not to an account.
CREATE TABLE token_keys (
  id TEXT NOT NULL PRIMARY KEY,
  sealed_private BLOB NOT NULL,
  public_der BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE resource_groups (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  is_default INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (account_id, name)
) STRICT;

-- Row counts of lists that would otherwise be scanned, and the sequence of each account's events.
CREATE TABLE counters (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (account_id, name)
) STRICT;

-- Sequences of the region, which belong to no account.
CREATE TABLE region_counters (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;

CREATE TABLE vpcs (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  default_acl_id TEXT NOT NULL,
  default_security_group_id TEXT NOT NULL,
  default_routing_table_id TEXT NOT NULL,
  UNIQUE (account_id, name)
) STRICT;
CREATE INDEX vpcs_list ON vpcs (account_id, created_at DESC, id DESC);

CREATE TABLE acls (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  vpc_id TEXT NOT NULL REFERENCES vpcs (id),
  UNIQUE (vpc_id, name)
) STRICT;

CREATE TABLE security_groups (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  vpc_id TEXT NOT NULL REFERENCES vpcs (id),
  UNIQUE (vpc_id, name)
) STRICT;
CREATE INDEX security_groups_list ON security_groups (account_id, created_at DESC, id DESC);

CREATE TABLE security_group_rules (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  security_group_id TEXT NOT NULL REFERENCES security_groups (id),
  name TEXT NOT NULL,
  inbound INTEGER NOT NULL,
  remote_id TEXT,
  created_at INTEGER NOT NULL,
  position INTEGER NOT NULL,
  UNIQUE (security_group_id, name),
  UNIQUE (security_group_id, position)
) STRICT;

CREATE TABLE routing_tables (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  vpc_id TEXT NOT NULL REFERENCES vpcs (id),
  is_default INTEGER NOT NULL,
  UNIQUE (vpc_id, name)
) STRICT;

-- Ranges are kept as first and last address, as numbers.
CREATE TABLE address_prefixes (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  vpc_id TEXT NOT NULL REFERENCES vpcs (id),
  zone TEXT NOT NULL,
  cidr_first INTEGER NOT NULL,
  cidr_last INTEGER NOT NULL,
  is_default INTEGER NOT NULL,
  UNIQUE (vpc_id, name)
) STRICT;
CREATE INDEX address_prefixes_list ON address_prefixes (vpc_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX address_prefixes_default ON address_prefixes (vpc_id, zone)
  WHERE is_default = 1;

CREATE TABLE subnets (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  vpc_id TEXT NOT NULL REFERENCES vpcs (id),
  zone TEXT NOT NULL,
  cidr_first INTEGER NOT NULL,
  cidr_last INTEGER NOT NULL,
  acl_id TEXT NOT NULL REFERENCES acls (id),
  routing_table_id TEXT NOT NULL REFERENCES routing_tables (id),
  UNIQUE (vpc_id, name)
) STRICT;
CREATE INDEX subnets_list ON subnets (account_id, created_at DESC, id DESC);
CREATE INDEX subnets_range ON subnets (vpc_id, cidr_first);

CREATE TABLE reserved_ips (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  subnet_id TEXT NOT NULL REFERENCES subnets (id),
  address INTEGER NOT NULL,
  auto_delete INTEGER NOT NULL,
  owner TEXT NOT NULL,
  target_id TEXT,
  UNIQUE (subnet_id, address),
  UNIQUE (subnet_id, name)
) STRICT;
CREATE INDEX reserved_ips_target ON reserved_ips (target_id) WHERE target_id IS NOT NULL;

CREATE TABLE ssh_keys (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  kind TEXT NOT NULL,
  length INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  public_key TEXT NOT NULL,
  UNIQUE (account_id, name),
  UNIQUE (account_id, fingerprint)
) STRICT;
CREATE INDEX ssh_keys_list ON ssh_keys (account_id, created_at DESC, id DESC);

-- busy_job_id is the job that reads the volume: the volume is busy while it is set.
CREATE TABLE volumes (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  zone TEXT NOT NULL,
  profile TEXT NOT NULL,
  capacity_bytes INTEGER NOT NULL,
  iops INTEGER NOT NULL,
  bandwidth INTEGER NOT NULL,
  status TEXT NOT NULL,
  busy_job_id TEXT,
  encryption_key_crn TEXT,
  operating_system TEXT,
  source_image_id TEXT,
  source_image_name TEXT,
  source_image_account_id TEXT,
  allowed_use_api_version TEXT,
  allowed_use_bare_metal_server TEXT,
  allowed_use_instance TEXT,
  host_id TEXT NOT NULL,
  generation INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  base_root_id TEXT,
  base_sealed_key BLOB,
  wrapped_data_key BLOB NOT NULL,
  UNIQUE (account_id, name)
) STRICT;
CREATE INDEX volumes_list ON volumes (account_id, created_at DESC, id DESC);
CREATE INDEX volumes_host ON volumes (host_id);
CREATE INDEX volumes_source_image ON volumes (source_image_id) WHERE source_image_id IS NOT NULL;
CREATE INDEX volumes_base ON volumes (base_root_id) WHERE base_root_id IS NOT NULL;

-- Tags of every kind of resource, by CRN.
CREATE TABLE tags (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  crn TEXT NOT NULL,
  kind TEXT NOT NULL,
  tag TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (crn, kind, tag)
) STRICT;
CREATE INDEX tags_find ON tags (account_id, kind, tag, crn);

CREATE TABLE instances (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  zone TEXT NOT NULL,
  vpc_id TEXT NOT NULL REFERENCES vpcs (id),
  profile TEXT NOT NULL,
  image_id TEXT,
  image_name TEXT,
  image_account_id TEXT,
  status TEXT NOT NULL,
  status_reasons TEXT NOT NULL,
  lifecycle_state TEXT NOT NULL,
  user_data TEXT,
  metadata_enabled INTEGER NOT NULL,
  metadata_protocol TEXT NOT NULL,
  metadata_hop_limit INTEGER NOT NULL,
  host_failure TEXT NOT NULL,
  total_volume_bandwidth INTEGER NOT NULL,
  host_id TEXT NOT NULL,
  UNIQUE (account_id, name)
) STRICT;
CREATE INDEX instances_list ON instances (account_id, created_at DESC, id DESC);
CREATE INDEX instances_vpc ON instances (vpc_id);
CREATE INDEX instances_host ON instances (host_id);
CREATE INDEX instances_image ON instances (image_id) WHERE image_id IS NOT NULL;

-- The key's text is a copy: an instance keeps it when the key is deleted, so key_id may dangle.
CREATE TABLE instance_keys (
  instance_id TEXT NOT NULL REFERENCES instances (id),
  position INTEGER NOT NULL,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  key_id TEXT NOT NULL,
  public_key TEXT NOT NULL,
  PRIMARY KEY (instance_id, position)
) STRICT;

-- job_id is the job that carries the action out, for a start that waits.
CREATE TABLE instance_actions (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  instance_id TEXT NOT NULL REFERENCES instances (id),
  kind TEXT NOT NULL,
  force INTEGER NOT NULL,
  status TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  completed_at INTEGER,
  job_id TEXT,
  waits INTEGER NOT NULL
) STRICT;
CREATE INDEX instance_actions_list ON instance_actions (instance_id, created_at DESC, id DESC);

CREATE TABLE attachments (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  instance_id TEXT NOT NULL REFERENCES instances (id),
  volume_id TEXT NOT NULL UNIQUE REFERENCES volumes (id),
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  delete_volume INTEGER NOT NULL,
  position INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (instance_id, name),
  UNIQUE (instance_id, position)
) STRICT;

CREATE TABLE nics (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  instance_id TEXT NOT NULL REFERENCES instances (id),
  subnet_id TEXT NOT NULL REFERENCES subnets (id),
  primary_ip_id TEXT NOT NULL REFERENCES reserved_ips (id),
  allow_ip_spoofing INTEGER NOT NULL,
  is_primary INTEGER NOT NULL,
  position INTEGER NOT NULL,
  mac TEXT NOT NULL,
  UNIQUE (instance_id, name)
) STRICT;
CREATE INDEX nics_subnet ON nics (subnet_id);
CREATE UNIQUE INDEX nics_primary_ip ON nics (primary_ip_id);

CREATE TABLE nic_security_groups (
  nic_id TEXT NOT NULL REFERENCES nics (id),
  position INTEGER NOT NULL,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  security_group_id TEXT NOT NULL REFERENCES security_groups (id),
  PRIMARY KEY (nic_id, position)
) STRICT;
CREATE INDEX nic_security_groups_group ON nic_security_groups (security_group_id);

-- due_at is the next date at which the image moves by itself; it follows the dates and status.
CREATE TABLE images (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  visibility TEXT NOT NULL,
  status TEXT NOT NULL,
  status_reasons TEXT NOT NULL,
  operating_system TEXT NOT NULL,
  source_volume_id TEXT,
  source_volume_name TEXT,
  source_volume_zone TEXT,
  source_volume_deleted INTEGER NOT NULL,
  encryption_key_crn TEXT,
  deprecation_at INTEGER,
  obsolescence_at INTEGER,
  due_at INTEGER,
  capacity_bytes INTEGER NOT NULL,
  logical_bytes INTEGER,
  stored_bytes INTEGER,
  allowed_use_api_version TEXT NOT NULL,
  allowed_use_bare_metal_server TEXT NOT NULL,
  allowed_use_instance TEXT NOT NULL,
  root_id TEXT,
  sealed_root_key BLOB,
  wrapped_data_key BLOB NOT NULL,
  UNIQUE (account_id, name)
) STRICT;
CREATE INDEX images_list ON images (account_id, created_at DESC, id DESC);
CREATE INDEX images_status ON images (account_id, status, created_at DESC, id DESC);
CREATE INDEX images_public ON images (created_at DESC, id DESC) WHERE visibility = 'public';
CREATE INDEX images_due ON images (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX images_source_volume ON images (source_volume_id) WHERE source_volume_id IS NOT NULL;
CREATE INDEX images_root ON images (root_id) WHERE root_id IS NOT NULL;

-- account_id is empty for the region's own jobs. All times are wall time.
CREATE TABLE jobs (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT REFERENCES accounts (id),
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  host_id TEXT,
  asked_by TEXT NOT NULL,
  status TEXT NOT NULL,
  phase TEXT NOT NULL,
  step TEXT,
  attempts INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  state_json TEXT NOT NULL,
  failure_code TEXT,
  failure_message TEXT,
  last_error TEXT,
  cancel_asked INTEGER NOT NULL,
  lease_owner TEXT,
  lease_until INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_open ON jobs (created_at, id) WHERE status IN ('queued', 'running');
CREATE INDEX jobs_subject ON jobs (subject, created_at DESC, id DESC);

-- What a job must remember beyond its state: bytes sealed by the job itself.
CREATE TABLE job_notes (
  job_id TEXT NOT NULL REFERENCES jobs (id),
  key TEXT NOT NULL,
  account_id TEXT,
  value BLOB NOT NULL,
  PRIMARY KEY (job_id, key)
) STRICT;

CREATE TABLE events (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  seq INTEGER NOT NULL,
  id TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL,
  severity TEXT NOT NULL,
  initiator_id TEXT NOT NULL,
  initiator_name TEXT NOT NULL,
  initiator_type_uri TEXT NOT NULL,
  initiator_credential TEXT NOT NULL,
  initiator_address TEXT NOT NULL,
  initiator_agent TEXT NOT NULL,
  target_crn TEXT NOT NULL,
  target_name TEXT NOT NULL,
  target_type_uri TEXT NOT NULL,
  target_group_id TEXT,
  reason_code INTEGER NOT NULL,
  reason TEXT NOT NULL,
  request_id TEXT NOT NULL,
  request_data TEXT NOT NULL,
  PRIMARY KEY (account_id, seq)
) STRICT;

-- Intervals of billed state; until_at is empty while one goes on.
CREATE TABLE usage_records (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL,
  crn TEXT NOT NULL,
  metric TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  from_at INTEGER NOT NULL,
  until_at INTEGER
) STRICT;
CREATE INDEX usage_records_list ON usage_records (account_id, from_at, id);
CREATE INDEX usage_records_open ON usage_records (crn) WHERE until_at IS NULL;

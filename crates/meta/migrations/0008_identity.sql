-- Service IDs and trusted profiles are principals too. Their ids are their IAM ids without `iam-`.

ALTER TABLE principals ADD COLUMN kind TEXT NOT NULL DEFAULT 'user';
ALTER TABLE principals ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE principals ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE principals ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE principals ADD COLUMN modified_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE principals ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
-- CRNs joined by blanks.
ALTER TABLE principals ADD COLUMN instance_crns TEXT NOT NULL DEFAULT '';
-- Wall time; tokens from before it are nothing.
ALTER TABLE principals ADD COLUMN signed_out_at INTEGER;
ALTER TABLE principals ADD COLUMN last_used_at INTEGER;
ALTER TABLE principals ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;
UPDATE principals SET
  created_at = (SELECT a.created_at FROM accounts a WHERE a.id = principals.account_id),
  modified_at = (SELECT a.created_at FROM accounts a WHERE a.id = principals.account_id);
CREATE INDEX principals_list ON principals (account_id, kind, created_at, id);
CREATE UNIQUE INDEX principals_profile_name ON principals (account_id, name) WHERE kind = 'profile';

ALTER TABLE api_keys ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN modified_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE api_keys ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
ALTER TABLE api_keys ADD COLUMN when_leaked TEXT NOT NULL DEFAULT 'none';
ALTER TABLE api_keys ADD COLUMN support_sessions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
ALTER TABLE api_keys ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;
UPDATE api_keys SET created_by = principal_id, modified_at = created_at;
CREATE INDEX api_keys_list ON api_keys (account_id, created_at, id);
CREATE INDEX api_keys_list_principal ON api_keys (account_id, principal_id, created_at, id);

-- Rules, links and identities of trusted profiles; `body` is JSON.
CREATE TABLE profile_parts (
  profile_id TEXT NOT NULL REFERENCES principals (id),
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (profile_id, kind, id)
) STRICT;

-- What was done to an API key, a service ID or a profile; goes with it.
CREATE TABLE identity_history (
  subject_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  by_id TEXT NOT NULL,
  by_account TEXT NOT NULL,
  action TEXT NOT NULL,
  PRIMARY KEY (subject_id, number)
) STRICT;

-- Logins with a refresh token, by the hash of the token that is good now. Times are wall time.
CREATE TABLE sessions (
  id TEXT NOT NULL PRIMARY KEY,
  principal_id TEXT NOT NULL REFERENCES principals (id),
  api_key_id TEXT NOT NULL,
  refresh_hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX sessions_principal ON sessions (principal_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

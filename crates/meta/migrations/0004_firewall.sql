-- Rules of security groups and network ACLs. A range is text: an address, or one with a length.
-- A rule of a security group has remote_id (a group), or remote_range, or neither: everywhere.

ALTER TABLE security_group_rules ADD COLUMN remote_range TEXT;
ALTER TABLE security_group_rules ADD COLUMN local_range TEXT NOT NULL DEFAULT '0.0.0.0/0';
ALTER TABLE security_group_rules ADD COLUMN protocol TEXT NOT NULL DEFAULT 'icmp_tcp_udp';
ALTER TABLE security_group_rules ADD COLUMN port_min INTEGER;
ALTER TABLE security_group_rules ADD COLUMN port_max INTEGER;
ALTER TABLE security_group_rules ADD COLUMN icmp_type INTEGER;
ALTER TABLE security_group_rules ADD COLUMN icmp_code INTEGER;
CREATE INDEX security_group_rules_remote ON security_group_rules (remote_id)
  WHERE remote_id IS NOT NULL;
CREATE INDEX security_groups_vpc ON security_groups (vpc_id, created_at DESC, id DESC);

CREATE TABLE acl_rules (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  acl_id TEXT NOT NULL REFERENCES acls (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  position INTEGER NOT NULL,
  allow INTEGER NOT NULL,
  inbound INTEGER NOT NULL,
  source_range TEXT NOT NULL,
  destination_range TEXT NOT NULL,
  protocol TEXT NOT NULL,
  port_min INTEGER,
  port_max INTEGER,
  source_port_min INTEGER,
  source_port_max INTEGER,
  icmp_type INTEGER,
  icmp_code INTEGER,
  UNIQUE (acl_id, name)
) STRICT;
CREATE INDEX acl_rules_order ON acl_rules (acl_id, position);
CREATE INDEX acls_list ON acls (account_id, created_at DESC, id DESC);
CREATE INDEX subnets_acl ON subnets (acl_id, created_at DESC, id DESC);
CREATE INDEX subnets_routing_table ON subnets (routing_table_id, created_at DESC, id DESC);
CREATE INDEX routing_tables_list ON routing_tables (vpc_id, created_at DESC, id DESC);

-- The two rules that every ACL had without rows.
INSERT INTO acl_rules (id, account_id, acl_id, name, created_at, position, allow, inbound,
    source_range, destination_range, protocol)
  SELECT id || '-inbound', account_id, id, 'allow-inbound', created_at, 0, 1, 1,
    '0.0.0.0/0', '0.0.0.0/0', 'icmp_tcp_udp' FROM acls;
INSERT INTO acl_rules (id, account_id, acl_id, name, created_at, position, allow, inbound,
    source_range, destination_range, protocol)
  SELECT id || '-outbound', account_id, id, 'allow-outbound', created_at, 1, 1, 0,
    '0.0.0.0/0', '0.0.0.0/0', 'icmp_tcp_udp' FROM acls;

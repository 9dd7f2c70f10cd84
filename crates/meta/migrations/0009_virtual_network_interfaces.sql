-- Virtual network interfaces. What attaches one to an instance is a row of nics with vni_id: it has
-- the id and name of the network attachment, and old clients read it as a network interface.
-- Its security groups are copied to nic_security_groups while it is attached. A reserved IP of it
-- has its id as target_id.

CREATE TABLE virtual_network_interfaces (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  zone TEXT NOT NULL,
  vpc_id TEXT NOT NULL REFERENCES vpcs (id),
  subnet_id TEXT NOT NULL REFERENCES subnets (id),
  primary_ip_id TEXT NOT NULL REFERENCES reserved_ips (id),
  allow_ip_spoofing INTEGER NOT NULL,
  auto_delete INTEGER NOT NULL,
  infrastructure_nat INTEGER NOT NULL,
  state_filtering TEXT NOT NULL,
  mac TEXT NOT NULL,
  UNIQUE (vpc_id, name)
) STRICT;
CREATE INDEX virtual_network_interfaces_list
  ON virtual_network_interfaces (account_id, created_at DESC, id DESC);
CREATE INDEX virtual_network_interfaces_subnet ON virtual_network_interfaces (subnet_id);
CREATE UNIQUE INDEX virtual_network_interfaces_primary_ip
  ON virtual_network_interfaces (primary_ip_id);

CREATE TABLE vni_security_groups (
  vni_id TEXT NOT NULL REFERENCES virtual_network_interfaces (id),
  position INTEGER NOT NULL,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  security_group_id TEXT NOT NULL REFERENCES security_groups (id),
  PRIMARY KEY (vni_id, position)
) STRICT;
CREATE INDEX vni_security_groups_group ON vni_security_groups (security_group_id);

ALTER TABLE nics ADD COLUMN vni_id TEXT REFERENCES virtual_network_interfaces (id);
CREATE UNIQUE INDEX nics_vni ON nics (vni_id) WHERE vni_id IS NOT NULL;

CREATE INDEX reserved_ips_created ON reserved_ips (subnet_id, created_at, id);

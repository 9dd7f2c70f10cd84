-- Floating IPs and public gateways. A floating IP is bound to an interface (nic_id), or to a public
-- gateway (gateway_id), or to nothing; each of them has at most one.

CREATE TABLE public_gateways (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  vpc_id TEXT NOT NULL REFERENCES vpcs (id),
  zone TEXT NOT NULL,
  owns_floating_ip INTEGER NOT NULL,
  UNIQUE (vpc_id, name),
  UNIQUE (vpc_id, zone)
) STRICT;
CREATE INDEX public_gateways_list ON public_gateways (account_id, created_at DESC, id DESC);

CREATE TABLE floating_ips (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  group_id TEXT NOT NULL REFERENCES resource_groups (id),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  zone TEXT NOT NULL,
  address INTEGER NOT NULL UNIQUE,
  nic_id TEXT REFERENCES nics (id),
  gateway_id TEXT REFERENCES public_gateways (id),
  UNIQUE (account_id, name)
) STRICT;
CREATE INDEX floating_ips_list ON floating_ips (account_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX floating_ips_nic ON floating_ips (nic_id) WHERE nic_id IS NOT NULL;
CREATE UNIQUE INDEX floating_ips_gateway ON floating_ips (gateway_id) WHERE gateway_id IS NOT NULL;

ALTER TABLE subnets ADD COLUMN public_gateway_id TEXT REFERENCES public_gateways (id);
CREATE INDEX subnets_public_gateway ON subnets (public_gateway_id)
  WHERE public_gateway_id IS NOT NULL;

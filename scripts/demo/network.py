"""The ground that an instance stands on: group, network, SSH keys."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from .region import Region
from .waits import holds, same

ADDRESSES = 256
# IBM takes RSA keys of 2048 and 4096 bits; ssh-keygen would make 3072.
BITS = {"rsa": ["-b", "2048"], "ed25519": []}


@dataclass(frozen=True)
class Ground:
    """Ids of what is there before the first instance."""

    group: str
    zone: str
    vpc: str
    subnet: str
    keys: list[str]


def prepare(region: Region, work: Path) -> Ground:
    """Finds the resource group and a zone, and makes VPC, subnet and keys."""
    groups = region.groups.list_resource_groups(default=True).get_result()["resources"]
    same("the number of default resource groups", len(groups), 1)
    group = groups[0]["id"]
    zone = region.vpc.list_region_zones(region.name).get_result()["zones"][0]["name"]
    vpc = region.vpc.create_vpc(name="demo", resource_group={"id": group}).get_result()
    subnet = region.vpc.create_subnet(
        {
            "name": "demo",
            "vpc": {"id": vpc["id"]},
            "zone": {"name": zone},
            "total_ipv4_address_count": ADDRESSES,
        }
    ).get_result()
    print(f"  vpc {vpc['id']}, subnet {subnet['id']} {subnet['ipv4_cidr_block']} in {zone}")
    keys = [make_key(region, work, kind) for kind in BITS]
    return Ground(group, zone, vpc["id"], subnet["id"], keys)


def make_key(region: Region, work: Path, kind: str) -> str:
    """A fresh SSH key pair; the public half goes to the region."""
    private = work / f"ssh-{kind}"
    line = ["ssh-keygen", "-q", "-t", kind, *BITS[kind], "-N", "", "-C", "demo"]
    line += ["-f", str(private)]
    subprocess.run(line, check=True, timeout=60, stdin=subprocess.DEVNULL)
    public = private.with_suffix(".pub").read_text()
    key = region.vpc.create_key(public_key=public, name=f"demo-{kind}", type=kind).get_result()
    line = ["ssh-keygen", "-l", "-f", str(private)]
    local = subprocess.run(line, check=True, timeout=60, capture_output=True, text=True).stdout
    holds(f"ssh-keygen has the fingerprint of key {key['id']}", key["fingerprint"] in local)
    print(f"  key {key['id']} {key['type']} {key['length']} {key['fingerprint']}")
    return key["id"]

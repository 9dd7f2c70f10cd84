"""VPCs, subnets, reserved IPs, SSH keys."""

import base64
import os
import struct

from harness import case, refused, same, true, whole


def public_key(kind):
    """A fresh public key in OpenSSH form."""
    name = {"rsa": "ssh-rsa", "ed25519": "ssh-ed25519"}[kind]
    text = lambda part: struct.pack(">I", len(part)) + part  # noqa: E731
    if kind == "rsa":
        modulus = bytearray(os.urandom(256))
        modulus[0] |= 0x80
        modulus[-1] |= 1
        rest = text(b"\x01\x00\x01") + text(b"\x00" + bytes(modulus))
    else:
        rest = text(os.urandom(32))
    return f"{name} {base64.b64encode(text(name.encode()) + rest).decode()} conformance"


@case
def a_vpc_with_its_defaults(region):
    """ACL, security group, routing table and a prefix for each zone come with it."""
    made = region.vpc.create_vpc(name=region.fresh("vpc"))
    same(made.get_status_code(), 201)
    true(made.get_headers()["ETag"].startswith("W/"), "weak ETag")
    vpc = made.get_result()
    whole("VPC", vpc)
    acl = region.vpc.get_vpc_default_network_acl(vpc["id"]).get_result()
    whole("DefaultNetworkACL", acl)
    whole("NetworkACL", region.vpc.get_network_acl(acl["id"]).get_result())
    group = region.vpc.get_vpc_default_security_group(vpc["id"]).get_result()
    whole("DefaultSecurityGroup", group)
    whole("SecurityGroup", region.vpc.get_security_group(group["id"]).get_result())
    table = region.vpc.get_vpc_default_routing_table(vpc["id"]).get_result()
    whole("DefaultRoutingTable", table)
    prefixes = region.vpc.list_vpc_address_prefixes(vpc["id"]).get_result()
    whole("AddressPrefixCollection", prefixes)
    same(prefixes["total_count"], 3)
    renamed = region.vpc.update_vpc(vpc["id"], {"name": region.fresh("vpc")}).get_result()
    true(renamed["name"] != vpc["name"], "renamed")
    same(region.vpc.delete_vpc(vpc["id"]).get_status_code(), 204)
    refused(404, "not_found", region.vpc.get_vpc, vpc["id"])


@case
def a_subnet_with_reserved_ips(region):
    """Real address allocation."""
    vpc = region.vpc.create_vpc(name=region.fresh("vpc")).get_result()
    subnet = region.vpc.create_subnet(
        {
            "vpc": {"id": vpc["id"]},
            "zone": {"name": region.zone},
            "total_ipv4_address_count": 16,
        }
    ).get_result()
    whole("Subnet", subnet)
    same(subnet["available_ipv4_address_count"], 11)
    ip = region.vpc.create_subnet_reserved_ip(subnet["id"], name="mine").get_result()
    whole("ReservedIP", ip)
    listed = region.vpc.list_subnet_reserved_ips(subnet["id"], limit=3).get_result()
    whole("ReservedIPCollection", listed)
    same(listed["total_count"], 6)
    refused(409, "subnet_not_empty", region.vpc.delete_subnet, subnet["id"])
    region.vpc.delete_subnet_reserved_ip(subnet["id"], ip["id"])
    refused(409, "vpc_not_empty", region.vpc.delete_vpc, vpc["id"])
    same(region.vpc.delete_subnet(subnet["id"]).get_status_code(), 204)
    same(region.vpc.delete_vpc(vpc["id"]).get_status_code(), 204)


@case
def ssh_keys_of_both_kinds(region):
    """RSA by default; ed25519 needs its type."""
    rsa = region.vpc.create_key(public_key("rsa"), name=region.fresh("key")).get_result()
    whole("Key", rsa)
    same((rsa["type"], rsa["length"]), ("rsa", 2048))
    text = public_key("ed25519")
    refused(400, "key_invalid_type", region.vpc.create_key, text)
    ed = region.vpc.create_key(text, type="ed25519").get_result()
    same((ed["type"], ed["length"]), ("ed25519", 256))
    refused(400, "key_content_exists", region.vpc.create_key, text, type="ed25519")
    refused(400, "key_parse_failure", region.vpc.create_key, "hello")
    for key in (rsa, ed):
        same(region.vpc.delete_key(key["id"]).get_status_code(), 204)

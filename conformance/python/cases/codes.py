"""Codes that need a request of their own: at the door, of fields, and of the network."""

import requests

from harness import case, refused, same, true


def raw(region, method, path, **options):
    """A request as it is, with the token of the SDK; status and code of the refusal."""
    token = region.authenticator.token_manager.get_token()
    headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
    answer = requests.request(method, region.url + path, headers=headers, timeout=30, **options)
    return answer.status_code, answer.json()["errors"][0]["code"]


QUERY = "?version=2026-10-06&generation=2"


@case
def the_door(region):
    """Version, generation, routes, methods, sizes and JSON."""
    for path, wanted in (
        ("/v1/images?generation=2", (400, "missing_version")),
        ("/v1/images?version=2026-10-06", (400, "missing_generation_parameter")),
        ("/v1/images?version=2026-10-06&generation=1", (400, "invalid_generation_parameter")),
        (f"/v1/no_such_thing{QUERY}", (404, "invalid_route")),
        (f"/v1/images{QUERY}&name={'a' * 8192}", (414, "uri_too_long")),
    ):
        same(raw(region, "GET", path), wanted, path[:60])
    path = f"/v1/vpcs{QUERY}"
    same(raw(region, "PUT", path), (405, "method_not_allowed"))
    same(raw(region, "POST", path, data="{"), (400, "bad_request"))
    same(raw(region, "POST", path, data=b" " * (1 << 20) + b"{}"), (413, "request_too_large"))
    headers = {"x-long": "a" * 33000}
    wanted = (431, "request_header_fields_too_large")
    same(raw(region, "GET", path, headers=headers), wanted)


@case
def fields_by_rule(region):
    """A field that is missing, one too many, and one of an older version."""
    error = refused(400, "validation_required_field", region.vpc.create_image, {})
    same(error["target"], {"name": "source_volume", "type": "field"})
    both = {"source_volume": {"id": "r006-1"}, "file": {"href": "cos://a/b/c"}}
    refused(400, "validation_only_one", region.vpc.create_image, both)
    prototype = region.prototype(region.stock_image()["id"])
    prototype["primary_network_interface"]["primary_ipv4_address"] = "10.240.0.9"
    refused(400, "field_no_longer_supported", region.vpc.create_instance, prototype)


@case
def names_of_volumes_instances_and_keys(region):
    """Each type has a code of its own for a name that is taken."""
    name = region.fresh("twice")
    prototype = {
        "name": name,
        "capacity": 10,
        "profile": {"name": "general-purpose"},
        "zone": {"name": region.zone},
    }
    volume = region.vpc.create_volume(prototype).get_result()
    refused(400, "volume_name_duplicate", region.vpc.create_volume, prototype)
    region.vpc.delete_volume(volume["id"])
    instance = region.running()
    again = region.prototype(region.stock_image()["id"])
    again["name"] = instance["name"]
    refused(400, "instance_name_exists", region.vpc.create_instance, again)
    region.delete_instance(instance["id"])


@case
def ranges_of_subnets(region):
    """A subnet lies in a prefix of its VPC's zone, and beside the others."""
    vpc = region.vpc.create_vpc(
        name=region.fresh("ranges"), address_prefix_management="manual"
    ).get_result()
    zone = {"name": region.zone}
    base = {"vpc": {"id": vpc["id"]}, "zone": zone}
    make = region.vpc.create_subnet
    refused(400, "no_default_address_prefix", make, {**base, "total_ipv4_address_count": 8})
    outside = {**base, "ipv4_cidr_block": "10.7.0.0/24"}
    refused(400, "not_in_address_prefix", make, outside)
    prefix = region.vpc.create_vpc_address_prefix(
        vpc["id"], cidr="10.7.0.0/28", zone=zone, is_default=True
    ).get_result()
    small = {**base, "ipv4_cidr_block": "10.7.0.0/29"}
    subnet = make(small).get_result()
    refused(400, "subnet_conflict", make, small)
    too_many = {**base, "total_ipv4_address_count": 256}
    refused(400, "insufficient_space_for_subnet", make, too_many)
    refused(409, "address_prefix_in_use", region.vpc.delete_vpc_address_prefix,
            vpc["id"], prefix["id"])
    region.vpc.delete_subnet(subnet["id"])
    region.vpc.delete_vpc_address_prefix(vpc["id"], prefix["id"])
    region.vpc.delete_vpc(vpc["id"])


@case
def groups_and_lists_in_use(region):
    """What a VPC made by itself stays as long as the VPC does."""
    vpc = region.vpc.create_vpc(name=region.fresh("defaults")).get_result()
    refused(409, "security_group_vpc_default", region.vpc.delete_security_group,
            vpc["default_security_group"]["id"])
    refused(409, "acl_in_use", region.vpc.delete_network_acl, vpc["default_network_acl"]["id"])
    region.vpc.delete_vpc(vpc["id"])
    subnet = region.subnet()["id"]
    taken = region.vpc.list_subnet_reserved_ips(subnet).get_result()["reserved_ips"][0]
    true(taken["owner"] == "provider", "the first address is the provider's")
    refused(400, "address_unavailable", region.vpc.create_subnet_reserved_ip, subnet,
            address=taken["address"])

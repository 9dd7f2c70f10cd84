"""Limits, at both sides, in an account of their own; codes that only a full account meets."""

from harness import case, refused, same, true


def rows(create, count):
    """Calls `create` so often, each time with the next number."""
    return [create(n).get_result() for n in range(count)]


@case
def vpcs_and_what_is_in_them(region):
    """10 VPCs; in one of them 100 security groups and 100 ACLs, those of the VPC among them."""
    vpc = region.another_account(region.fresh("full")).vpc
    vpcs = rows(lambda n: vpc.create_vpc(name=f"vpc-{n}"), 10)
    error = refused(400, "over_quota", vpc.create_vpc, name="vpc-10")
    true("10 VPCs" in error["message"], error["message"])
    vpc.delete_vpc(vpcs[9]["id"])
    same(vpc.create_vpc(name="vpc-10").get_status_code(), 201)
    of = {"vpc": {"id": vpcs[0]["id"]}}
    rows(lambda n: vpc.create_security_group(name=f"group-{n}", **of), 99)
    refused(400, "over_quota", vpc.create_security_group, name="group-99", **of)
    acl = lambda n: vpc.create_network_acl(network_acl_prototype={"name": f"acl-{n}", **of})  # noqa: E731
    rows(acl, 99)
    refused(400, "over_quota", acl, 99)


@case
def rules_of_a_security_group_and_of_an_acl(region):
    """250 rules of a group, 200 of an ACL; one more is refused until one is gone."""
    vpc = region.another_account(region.fresh("full")).vpc
    of = {"vpc": {"id": vpc.create_vpc(name="vpc").get_result()["id"]}}
    group = vpc.create_security_group(**of).get_result()["id"]
    rule = lambda n: vpc.create_security_group_rule(  # noqa: E731
        group, {"direction": "inbound", "protocol": "tcp", "port_min": n + 1, "port_max": n + 1}
    )
    made = rows(rule, 250)
    refused(400, "over_quota", rule, 250)
    vpc.delete_security_group_rule(group, made[0]["id"])
    same(rule(250).get_status_code(), 201)
    acl = vpc.create_network_acl(network_acl_prototype=of).get_result()["id"]
    row = lambda n: vpc.create_network_acl_rule(  # noqa: E731
        acl,
        {
            "name": f"rule-{n}",
            "action": "allow",
            "direction": "inbound",
            "protocol": "any",
            "source": "10.0.0.0/8",
            "destination": "0.0.0.0/0",
        },
    )
    made = rows(row, 200)
    refused(400, "over_quota", row, 200)
    vpc.delete_network_acl_rule(acl, made[0]["id"])
    same(row(200).get_status_code(), 201)


@case
def keys_of_an_account(region):
    """200 keys, each name once."""
    vpc = region.another_account(region.fresh("full")).vpc

    def key(n):
        return vpc.create_key(name=f"key-{n}", public_key=region.public_key(), type="ed25519")

    rows(key, 200)
    refused(400, "over_quota", key, 200)
    vpc.delete_key(vpc.list_keys(limit=1).get_result()["keys"][0]["id"])
    last = vpc.list_keys(limit=1).get_result()["keys"][0]["name"]
    refused(400, "key_name_exists", key, last.removeprefix("key-"))
    same(key(200).get_status_code(), 201)


@case
def volumes_of_an_account(region):
    """300 volumes; an instance's boot volume is one of them."""
    other = region.another_account(region.fresh("full"))
    prototype = {
        "zone": {"name": region.zone},
        "profile": {"name": "general-purpose"},
        "capacity": 10,
    }
    made = rows(lambda _: other.vpc.create_volume(prototype), 300)
    refused(400, "volume_quota_reached", other.vpc.create_volume, prototype)
    instance = other.prototype(other.stock_image()["id"])
    refused(400, "volume_quota_reached", other.vpc.create_instance, instance)
    other.vpc.delete_volume(made[0]["id"])
    other.gone(lambda: other.vpc.get_volume(made[0]["id"]), "volume")
    same(other.vpc.create_volume(prototype).get_status_code(), 201)


@case
def data_volumes_of_an_instance(region):
    """12 of them."""
    instance = region.stopped()[0]["id"]
    volume = {"profile": {"name": "general-purpose"}, "capacity": 10}
    attach = region.vpc.create_instance_volume_attachment
    gone = {"delete_volume_on_instance_delete": True}
    for _ in range(12):
        same(attach(instance, volume, **gone).get_status_code(), 201)
    refused(400, "volume_attachment_over_quota", attach, instance, volume, **gone)
    region.delete_instance(instance)


@case
def addresses_of_a_subnet(region):
    """Of 8 addresses 5 are the provider's."""
    vpc = region.vpc.create_vpc(name=region.fresh("small")).get_result()
    subnet = region.vpc.create_subnet(
        {
            "vpc": {"id": vpc["id"]},
            "zone": {"name": region.zone},
            "total_ipv4_address_count": 8,
        }
    ).get_result()["id"]
    reserve = region.vpc.create_subnet_reserved_ip
    made = [reserve(subnet).get_result()["id"] for _ in range(3)]
    refused(400, "subnet_out_of_ip_addresses", reserve, subnet)
    for ip in made:
        region.vpc.delete_subnet_reserved_ip(subnet, ip)
    region.vpc.delete_subnet(subnet)
    region.vpc.delete_vpc(vpc["id"])

"""Security groups, network ACLs and routing tables."""

from harness import case, refused, same, true, whole


def net(region):
    """A VPC and a subnet."""
    vpc = region.vpc.create_vpc(name=region.fresh("vpc")).get_result()
    subnet = region.vpc.create_subnet(
        {
            "vpc": {"id": vpc["id"]},
            "zone": {"name": region.zone},
            "total_ipv4_address_count": 16,
        }
    ).get_result()
    return vpc, subnet


def gone(region, vpc, subnet):
    region.vpc.delete_subnet(subnet["id"])
    region.vpc.delete_vpc(vpc["id"])


RULES = (
    {"protocol": "any"},
    {"protocol": "icmp_tcp_udp", "remote": {"cidr_block": "10.0.0.0/8"}},
    {"protocol": "icmp", "type": 8, "code": 0, "remote": {"address": "10.0.0.1"}},
    {"protocol": "tcp", "port_min": 22, "port_max": 22, "local": {"cidr_block": "10.0.0.0/8"}},
    {"protocol": "udp"},
    {"protocol": "ah"},
    {"protocol": "number_99"},
)


@case
def a_security_group_and_every_kind_of_rule(region):
    """Made, read, changed, deleted; each kind is read by IBM's models."""
    vpc, subnet = net(region)
    made = region.vpc.create_security_group(vpc={"id": vpc["id"]}, name="web")
    same(made.get_status_code(), 201)
    group = made.get_result()
    whole("SecurityGroup", group)
    for rule in RULES:
        rule = {"direction": "inbound", **rule}
        one = region.vpc.create_security_group_rule(group["id"], rule).get_result()
        for field, value in rule.items():
            same(one[field], value, field)
        same(region.vpc.get_security_group_rule(group["id"], one["id"]).get_result(), one)
    rules = region.vpc.list_security_group_rules(group["id"]).get_result()["rules"]
    same(len(rules), len(RULES))
    tcp = next(rule for rule in rules if rule["protocol"] == "tcp")
    update = region.vpc.update_security_group_rule
    patch = {"port_max": 80, "remote": {"id": group["id"]}}
    changed = update(group["id"], tcp["id"], patch).get_result()
    same((changed["port_max"], changed["remote"]["id"]), (80, group["id"]))
    refused(400, "validation_failure", update, group["id"], tcp["id"], {"port_max": None})
    refused(400, "validation_failure", update, group["id"], tcp["id"], {"port_max": 21})
    error = refused(400, "validation_max_value", update, group["id"], tcp["id"], {"port_max": 65536})
    same(error["target"], {"name": "port_max", "type": "field"})
    delete = region.vpc.delete_security_group_rule
    same(delete(group["id"], tcp["id"]).get_status_code(), 204)
    refused(404, "not_found", delete, group["id"], tcp["id"])
    renamed = region.vpc.update_security_group(group["id"], {"name": "front"}).get_result()
    same(renamed["name"], "front")
    refused(
        400,
        "validation_unique_failed",
        region.vpc.create_security_group,
        vpc={"id": vpc["id"]},
        name="front",
    )
    default = vpc["default_security_group"]["id"]
    refused(409, "security_group_vpc_default", region.vpc.delete_security_group, default)
    listed = region.vpc.list_security_groups(vpc_id=vpc["id"]).get_result()
    whole("SecurityGroupCollection", listed)
    same(listed["total_count"], 2)
    same(region.vpc.delete_security_group(group["id"]).get_status_code(), 204)
    refused(404, "not_found", region.vpc.get_security_group, group["id"])
    gone(region, vpc, subnet)


@case
def interfaces_in_security_groups(region):
    """Into a group, and out of all but the last one."""
    instance = region.running()
    nic = instance["primary_network_interface"]["id"]
    vpc = {"id": instance["vpc"]["id"]}
    group = region.vpc.create_security_group(vpc=vpc, name="web").get_result()
    target = (group["id"], nic)
    add = region.vpc.create_security_group_target_binding
    same(add(*target).get_result()["resource_type"], "network_interface")
    listed = region.vpc.list_security_group_targets(group["id"]).get_result()
    same([one["id"] for one in listed["targets"]], [nic])
    same(region.vpc.get_security_group_target(*target).get_result()["id"], nic)
    refused(409, "security_group_in_use", region.vpc.delete_security_group, group["id"])
    shown = region.vpc.get_instance_network_interface(instance["id"], nic).get_result()
    first = shown["security_groups"][0]["id"]
    remove = region.vpc.delete_security_group_target_binding
    same(remove(first, nic).get_status_code(), 204)
    refused(409, "security_group_target_last", remove, *target)
    add(first, nic)
    same(remove(*target).get_status_code(), 204)
    refused(404, "not_found", remove, *target)
    region.vpc.delete_security_group(group["id"])
    region.delete_instance(instance["id"])


@case
def a_network_acl_in_order(region):
    """Rules go before others; a subnet uses one ACL."""
    vpc, subnet = net(region)
    prototype = {"vpc": {"id": vpc["id"]}, "name": "mine"}
    acl = region.vpc.create_network_acl(prototype).get_result()
    whole("NetworkACL", acl)
    common = {"direction": "inbound", "source": "0.0.0.0/0", "destination": "10.0.0.1"}
    create = region.vpc.create_network_acl_rule
    deny = {"action": "deny", "protocol": "tcp", "name": "deny", **common}
    last = create(acl["id"], deny).get_result()
    allow = {"action": "allow", "protocol": "icmp_tcp_udp", "name": "allow", **common}
    first = create(acl["id"], {**allow, "before": {"id": last["id"]}}).get_result()
    same(first["before"]["id"], last["id"])
    rules = region.vpc.list_network_acl_rules(acl["id"], limit=1).get_result()
    whole("NetworkACLRuleCollection", rules)
    same((rules["total_count"], rules["rules"][0]["name"]), (2, "allow"))
    refused(400, "validation_failure", create, acl["id"], {**deny, "protocol": "icmp_tcp_udp"})
    refused(400, "validation_unique_failed", create, acl["id"], deny)
    refused(400, "bad_field", create, acl["id"], {**deny, "name": "x", "before": {"id": "x"}})
    update = region.vpc.update_network_acl_rule
    moved = update(acl["id"], first["id"], {"before": None, "source": "10.0.0.0/8"}).get_result()
    true("before" not in moved, "the last rule is before none")
    same(moved["source"], "10.0.0.0/8")
    replaced = region.vpc.replace_subnet_network_acl(subnet["id"], {"id": acl["id"]})
    same(replaced.get_result()["subnets"][0]["id"], subnet["id"])
    same(region.vpc.get_subnet_network_acl(subnet["id"]).get_result()["id"], acl["id"])
    refused(409, "acl_in_use", region.vpc.delete_network_acl, acl["id"])
    default = vpc["default_network_acl"]["id"]
    region.vpc.update_subnet(subnet["id"], {"network_acl": {"id": default}})
    refused(409, "acl_in_use", region.vpc.delete_network_acl, default)
    same(region.vpc.delete_network_acl_rule(acl["id"], last["id"]).get_status_code(), 204)
    same(region.vpc.delete_network_acl(acl["id"]).get_status_code(), 204)
    gone(region, vpc, subnet)


@case
def routing_tables(region):
    """The default one, by list and by subnet; it takes a name and no routes."""
    vpc, subnet = net(region)
    listed = region.vpc.list_vpc_routing_tables(vpc["id"], is_default=True).get_result()
    whole("RoutingTableCollection", listed)
    table = listed["routing_tables"][0]
    same(table["id"], vpc["default_routing_table"]["id"])
    update = region.vpc.update_vpc_routing_table
    same(update(vpc["id"], table["id"], {"name": "main"}).get_result()["name"], "main")
    same(region.vpc.get_subnet_routing_table(subnet["id"]).get_result()["name"], "main")
    routes = region.vpc.list_vpc_routing_table_routes(vpc["id"], table["id"]).get_result()
    same(routes["routes"], [])
    refused(501, "not_implemented", region.vpc.create_vpc_routing_table, vpc["id"])
    gone(region, vpc, subnet)

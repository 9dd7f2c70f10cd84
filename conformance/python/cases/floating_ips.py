"""Floating IPs and public gateways."""

from harness import case, refused, same, true, whole


@case
def a_floating_ip_by_zone_and_by_target(region):
    """Reserved, bound from both sides, released."""
    made = region.vpc.create_floating_ip({"zone": {"name": region.zone}, "name": region.fresh("ip")})
    same(made.get_status_code(), 201)
    free = made.get_result()
    whole("FloatingIP", free)
    instance = region.running()
    nic = instance["primary_network_interface"]["id"]
    bound = region.vpc.create_floating_ip({"target": {"id": nic}}).get_result()
    whole("FloatingIP", bound)
    same(bound["target"]["id"], nic)
    one = (instance["id"], nic, bound["id"])
    shown = region.vpc.get_instance_network_interface(instance["id"], nic).get_result()
    whole("NetworkInterface", shown)
    same(shown["floating_ips"][0]["address"], bound["address"])
    listed = region.vpc.list_instance_network_interface_floating_ips(instance["id"], nic)
    whole("FloatingIPUnpaginatedCollection", listed.get_result())
    add = region.vpc.add_instance_network_interface_floating_ip
    refused(409, "floating_ip_target_taken", add, instance["id"], nic, free["id"])
    remove = region.vpc.remove_instance_network_interface_floating_ip
    same(remove(*one).get_status_code(), 204)
    refused(404, "not_found", remove, *one)
    same(add(*one).get_result()["target"]["id"], nic)
    update = region.vpc.update_floating_ip
    true("target" not in update(bound["id"], {"target": None}).get_result(), "unbound")
    same(update(bound["id"], {"target": {"id": nic}}).get_result()["target"]["id"], nic)
    refused(400, "bad_field", update, bound["id"], {"target": {"id": "0717-x"}})
    found = region.vpc.list_floating_ips(target_id=nic).get_result()
    whole("FloatingIPCollection", found)
    same([ip["id"] for ip in found["floating_ips"]], [bound["id"]])
    for ip in (free, bound):
        same(region.vpc.delete_floating_ip(ip["id"]).get_status_code(), 204)
        refused(404, "not_found", region.vpc.get_floating_ip, ip["id"])
    region.delete_instance(instance["id"])


@case
def a_public_gateway_of_a_subnet(region):
    """Made with a floating IP or around one, attached from every side, detached, deleted."""
    vpc = region.vpc.create_vpc(name=region.fresh("vpc")).get_result()
    zone = {"name": region.zone}
    create = region.vpc.create_public_gateway
    made = create({"id": vpc["id"]}, zone, name="gate", floating_ip={"name": region.fresh("ip")})
    same(made.get_status_code(), 201)
    gateway = made.get_result()
    whole("PublicGateway", gateway)
    refused(409, "public_gateway_exists", create, {"id": vpc["id"]}, zone)
    ip = gateway["floating_ip"]["id"]
    whole("FloatingIP", region.vpc.get_floating_ip(ip).get_result())
    refused(409, "floating_ip_in_use", region.vpc.delete_floating_ip, ip)
    prototype = {"vpc": {"id": vpc["id"]}, "zone": zone, "total_ipv4_address_count": 16}
    prototype["public_gateway"] = {"id": gateway["id"]}
    subnet = region.vpc.create_subnet(prototype).get_result()
    whole("Subnet", subnet)
    same(subnet["public_gateway"]["id"], gateway["id"])
    refused(409, "public_gateway_in_use", region.vpc.delete_public_gateway, gateway["id"])
    unset = region.vpc.unset_subnet_public_gateway
    same(unset(subnet["id"]).get_status_code(), 204)
    refused(404, "not_found", region.vpc.get_subnet_public_gateway, subnet["id"])
    refused(404, "not_found", unset, subnet["id"])
    put = region.vpc.set_subnet_public_gateway(subnet["id"], {"crn": gateway["crn"]})
    same((put.get_status_code(), put.get_result()["id"]), (201, gateway["id"]))
    same(region.vpc.get_subnet_public_gateway(subnet["id"]).get_result(), gateway)
    patch = {"public_gateway": None}
    true("public_gateway" not in region.vpc.update_subnet(subnet["id"], patch).get_result(), "gone")
    renamed = region.vpc.update_public_gateway(gateway["id"], {"name": "door"}).get_result()
    same(renamed["name"], "door")
    listed = region.vpc.list_public_gateways().get_result()
    whole("PublicGatewayCollection", listed)
    true(gateway["id"] in [one["id"] for one in listed["public_gateways"]], "listed")
    same(region.vpc.delete_public_gateway(gateway["id"]).get_status_code(), 204)
    refused(404, "not_found", region.vpc.get_floating_ip, ip)
    region.vpc.delete_subnet(subnet["id"])
    region.vpc.delete_vpc(vpc["id"])

"""Network interfaces of an instance."""

from harness import case, refused, same, true, whole


@case
def interfaces_come_and_go(region):
    """Another interface of a running instance, changed and deleted; the primary one stays."""
    instance = region.running()
    primary = instance["primary_network_interface"]
    subnet = {"id": primary["subnet"]["id"]}
    create = region.vpc.create_instance_network_interface
    made = create(instance["id"], subnet, name="second", allow_ip_spoofing=True)
    same(made.get_status_code(), 201)
    nic = made.get_result()
    whole("NetworkInterface", nic)
    same((nic["type"], nic["name"], nic["allow_ip_spoofing"]), ("secondary", "second", True))
    refused(400, "validation_unique_failed", create, instance["id"], subnet, name="second")
    refused(400, "bad_field", create, instance["id"], {"id": "0717-x"})
    update = region.vpc.update_instance_network_interface
    patch = {"name": "more", "allow_ip_spoofing": False}
    changed = update(instance["id"], nic["id"], patch).get_result()
    same((changed["name"], changed["allow_ip_spoofing"]), ("more", False))
    seen = region.vpc.get_instance(instance["id"]).get_result()
    same([one["id"] for one in seen["network_interfaces"]], [primary["id"], nic["id"]])
    ip = region.vpc.create_floating_ip({"target": {"id": nic["id"]}}).get_result()
    delete = region.vpc.delete_instance_network_interface
    refused(409, "invalid_state", delete, instance["id"], primary["id"])
    same(delete(instance["id"], nic["id"]).get_status_code(), 204)
    refused(404, "not_found", delete, instance["id"], nic["id"])
    true("target" not in region.vpc.get_floating_ip(ip["id"]).get_result(), "unbound")
    region.vpc.delete_floating_ip(ip["id"])
    region.delete_instance(instance["id"])


@case
def an_instance_with_two_interfaces(region):
    """Both are asked for with the instance; a floating IP is bound to the second one."""
    first = region.running()
    subnet = {"id": first["primary_network_interface"]["subnet"]["id"]}
    prototype = {
        "image": {"id": first["image"]["id"]},
        "zone": {"name": region.zone},
        "profile": {"name": "bx2-2x8"},
        "primary_network_interface": {"subnet": subnet},
        "network_interfaces": [{"subnet": subnet, "name": "second", "allow_ip_spoofing": True}],
    }
    instance = region.vpc.create_instance(prototype).get_result()
    nics = region.vpc.list_instance_network_interfaces(instance["id"]).get_result()
    whole("NetworkInterfaceUnpaginatedCollection", nics)
    second = nics["network_interfaces"][1]
    same((second["name"], second["type"]), ("second", "secondary"))
    ip = region.vpc.create_floating_ip({"target": {"id": second["id"]}}).get_result()
    same(ip["target"]["id"], second["id"])
    region.vpc.delete_floating_ip(ip["id"])
    # One that is still being made is not deleted.
    region.instance_until(instance["id"], "running")
    region.delete_instance(instance["id"])
    region.delete_instance(first["id"])

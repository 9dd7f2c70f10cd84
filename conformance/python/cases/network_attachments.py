"""Virtual network interfaces, and instances with network attachments."""

from harness import case, refused, same, true, whole


def interface(region, **more):
    """A virtual network interface in the shared subnet."""
    subnet = {"id": region.subnet()["id"]}
    made = region.vpc.create_virtual_network_interface(subnet=subnet, **more)
    same(made.get_status_code(), 201)
    true(made.get_headers()["ETag"].startswith("W/"), "weak ETag")
    return made.get_result()


def attached(region, vni, **more):
    """What an instance with a network attachment takes at least."""
    body = region.prototype(region.stock_image()["id"], **more)
    del body["primary_network_interface"]
    body["primary_network_attachment"] = {"name": "eth0", "virtual_network_interface": vni}
    return body


@case
def a_virtual_network_interface_of_its_own(region):
    """Made, changed by its ETag, listed by the SDK's pager, deleted."""
    vpc = region.vpc
    made = interface(region, name=region.fresh("vni"), allow_ip_spoofing=True)
    whole("VirtualNetworkInterface", made)
    same(made["lifecycle_state"], "stable")
    same(made["ips"], [made["primary_ip"]])
    read = vpc.get_virtual_network_interface(made["id"])
    etag = read.get_headers()["ETag"]
    patch = {"name": region.fresh("vni"), "protocol_state_filtering_mode": "enabled"}
    update = vpc.update_virtual_network_interface
    changed = update(made["id"], patch, if_match=etag).get_result()
    same(changed["name"], patch["name"])
    refused(412, "precondition_failed", update, made["id"], patch, if_match=etag)
    refused(400, "validation_failure", update, made["id"], {"auto_delete": True})
    listed = vpc.list_virtual_network_interfaces().get_result()
    whole("VirtualNetworkInterfaceCollection", listed)
    true(changed in listed["virtual_network_interfaces"], "listed")
    gone = vpc.delete_virtual_network_interfaces(made["id"])
    same((gone.get_status_code(), gone.get_result()["lifecycle_state"]), (202, "deleting"))
    refused(404, "not_found", vpc.get_virtual_network_interface, made["id"])


@case
def addresses_of_a_virtual_network_interface(region):
    """Reserved IPs are bound and unbound; the primary one stays."""
    vpc, subnet = region.vpc, region.subnet()["id"]
    made = interface(region, ips=[{"name": region.fresh("ip")}])
    same(len(made["ips"]), 2)
    ip = vpc.create_subnet_reserved_ip(subnet, name=region.fresh("ip")).get_result()
    added = vpc.add_virtual_network_interface_ip(made["id"], ip["id"])
    same(added.get_status_code(), 200)
    whole("ReservedIPReference", added.get_result())
    seen = vpc.get_virtual_network_interface_ip(made["id"], ip["id"]).get_result()
    same(seen, added.get_result())
    listed = vpc.list_virtual_network_interface_ips(made["id"], sort="-name").get_result()
    whole("ReservedIPCollectionVirtualNetworkInterfaceContext", listed)
    same(listed["total_count"], 3)
    names = [item["name"] for item in listed["ips"]]
    same(names, sorted(names, reverse=True))
    bound = vpc.list_subnet_reserved_ips(subnet, target_id=made["id"], sort="name").get_result()
    same(bound["total_count"], 3)
    read = whole("ReservedIP", bound["reserved_ips"][0])
    same(read.target["resource_type"], "virtual_network_interface")
    remove = vpc.remove_virtual_network_interface_ip
    refused(409, "reserved_ip_in_use", remove, made["id"], made["primary_ip"]["id"])
    same(remove(made["id"], ip["id"]).get_status_code(), 204)
    free = vpc.get_subnet_reserved_ip(subnet, ip["id"]).get_result()
    true("target" not in free, "unbound")
    same(vpc.delete_subnet_reserved_ip(subnet, ip["id"]).get_status_code(), 204)
    target = {"id": made["id"]}
    more = vpc.create_subnet_reserved_ip(subnet, target=target, auto_delete=True).get_result()
    same(more["target"]["id"], made["id"])
    vpc.delete_virtual_network_interfaces(made["id"])
    refused(404, "not_found", vpc.get_subnet_reserved_ip, subnet, more["id"])


@case
def an_instance_by_a_network_attachment(region):
    """The attachment, its interface, what old clients see, and what goes with the instance."""
    vpc, subnet = region.vpc, {"id": region.subnet()["id"]}
    made = vpc.create_instance(attached(region, {"subnet": subnet})).get_result()
    instance = region.instance_until(made["id"], "running")
    whole("Instance", instance)
    primary = instance["primary_network_attachment"]
    same(instance["network_attachments"], [primary])
    nic = instance["primary_network_interface"]
    same((nic["id"], nic["name"]), (primary["id"], primary["name"]))
    vni = primary["virtual_network_interface"]
    seen = vpc.get_virtual_network_interface(vni["id"]).get_result()
    whole("VirtualNetworkInterface", seen)
    same((seen["auto_delete"], seen["target"]["id"]), (True, primary["id"]))
    attachment = vpc.get_instance_network_attachment(made["id"], primary["id"]).get_result()
    whole("InstanceNetworkAttachment", attachment)
    same(attachment["type"], "primary")
    patch = {"name": "renamed"}
    whole(
        "NetworkInterface", vpc.get_instance_network_interface(made["id"], nic["id"]).get_result()
    )
    code = "instance_network_style"
    refused(409, code, vpc.update_instance_network_interface, made["id"], nic["id"], patch)
    update = vpc.update_instance_network_attachment
    same(update(made["id"], primary["id"], patch).get_result()["name"], "renamed")
    delete = vpc.delete_instance_network_attachment
    refused(409, "invalid_state", delete, made["id"], primary["id"])
    in_use = "virtual_network_interface_in_use"
    refused(409, in_use, vpc.delete_virtual_network_interfaces, vni["id"])
    region.delete_instance(made["id"])
    refused(404, "not_found", vpc.get_virtual_network_interface, vni["id"])


@case
def attachments_come_and_go(region):
    """An interface that exists moves from one instance to another."""
    vpc, subnet = region.vpc, {"id": region.subnet()["id"]}
    made = vpc.create_instance(attached(region, {"subnet": subnet})).get_result()
    region.instance_until(made["id"], "running")
    vni = interface(region)
    by_id = {"id": vni["id"]}
    create = vpc.create_instance_network_attachment
    second = create(made["id"], by_id)
    same(second.get_status_code(), 201)
    second = whole("InstanceNetworkAttachment", second.get_result())
    same(second.type, "secondary")
    refused(409, "virtual_network_interface_in_use", create, made["id"], by_id)
    all_of = vpc.list_instance_network_attachments(made["id"]).get_result()
    whole("InstanceNetworkAttachmentCollection", all_of)
    same(len(all_of["network_attachments"]), 2)
    removed = vpc.delete_instance_network_attachment(made["id"], second.id)
    same(removed.get_status_code(), 202)
    other = vpc.create_instance(attached(region, by_id)).get_result()
    region.instance_until(other["id"], "running")
    seen = vpc.get_instance(other["id"]).get_result()
    same(seen["primary_network_attachment"]["primary_ip"]["id"], vni["primary_ip"]["id"])
    for instance in (made, other):
        region.delete_instance(instance["id"])
    free = vpc.get_virtual_network_interface(vni["id"]).get_result()
    true("target" not in free, "it outlives its instances")
    same(vpc.delete_virtual_network_interfaces(vni["id"]).get_status_code(), 202)


@case
def network_styles_do_not_mix(region):
    """An instance has network interfaces or network attachments, not both."""
    vpc, subnet = region.vpc, {"id": region.subnet()["id"]}
    both = attached(region, {"subnet": subnet})
    both["primary_network_interface"] = {"subnet": subnet}
    error = refused(400, "validation_only_one", vpc.create_instance, both)
    same(error["target"]["name"], "primary_network_interface")
    old = region.running()
    same(old["network_attachments"], [])
    create = vpc.create_instance_network_attachment
    refused(409, "instance_network_style", create, old["id"], {"subnet": subnet})
    region.delete_instance(old["id"])


@case
def a_virtual_network_interface_in_security_groups(region):
    """It is their target, and its attachment follows."""
    vpc = region.vpc
    vni = interface(region)
    network = {"id": vni["vpc"]["id"]}
    group = vpc.create_security_group(network, name=region.fresh("sg")).get_result()
    bound = vpc.create_security_group_target_binding(group["id"], vni["id"])
    same(bound.get_status_code(), 200)
    whole("SecurityGroupTargetReferenceVirtualNetworkInterfaceReference", bound.get_result())
    read = whole("SecurityGroup", vpc.get_security_group(group["id"]).get_result())
    same(read.targets[0]["id"], vni["id"])
    remove = vpc.delete_security_group_target_binding
    same(remove(vni["security_groups"][0]["id"], vni["id"]).get_status_code(), 204)
    refused(409, "security_group_target_last", remove, group["id"], vni["id"])
    vpc.delete_virtual_network_interfaces(vni["id"])
    same(vpc.delete_security_group(group["id"]).get_status_code(), 204)

"""Volumes: create, grow, change the profile, filter; their attachments."""

from harness import case, refused, same, true, whole


def prototype(region, gb=10, profile="general-purpose", **more):
    """What a data volume takes at least."""
    return {
        "zone": {"name": region.zone},
        "profile": {"name": profile},
        "capacity": gb,
        **more,
    }


def volume(region, *args, **more):
    """A free data volume."""
    name = region.fresh("data")
    return region.vpc.create_volume(prototype(region, *args, name=name, **more)).get_result()


def until(region, made, status):
    """Waits for a status of a volume."""
    return region.until(
        lambda: region.vpc.get_volume(made).get_result(),
        lambda seen: seen["status"] == status,
        f"volume to become {status}",
    )


def delete(region, made):
    """Deletes a volume and waits until it is gone."""
    same(region.vpc.delete_volume(made).get_status_code(), 204)
    region.gone(lambda: region.vpc.get_volume(made), "volume")


@case
def a_volume_grows_by_its_etag(region):
    """The ETag of the PATCH is good for the next one; a stale one is refused."""
    made = volume(region)
    whole("Volume", made)
    read = region.vpc.get_volume(made["id"])
    old = read.get_headers()["ETag"]
    grown = region.vpc.update_volume(made["id"], {"capacity": 2000}, if_match=old)
    new = grown.get_headers()["ETag"]
    same((grown.get_result()["capacity"], grown.get_result()["iops"]), (2000, 6000))
    until(region, made["id"], "available")
    update = region.vpc.update_volume
    refused(412, "precondition_failed", update, made["id"], {"capacity": 2001}, if_match=old)
    faster = update(made["id"], {"profile": {"name": "10iops-tier"}}, if_match=new).get_result()
    same((faster["profile"]["name"], faster["iops"]), ("10iops-tier", 20000))
    refused(428, "precondition_required", update, made["id"], {"user_tags": ["a"]})
    for change, code, target in (
        ({"capacity": 1999}, "volume_capacity_max", "capacity"),
        ({"capacity": 4801}, "volume_capacity_max", "capacity"),
        ({"iops": 4000}, "volume_profile_iops_invalid", "iops"),
        ({"profile": {"name": "custom"}}, "invalid_value", "profile"),
        ({"profile": {"name": "fast"}}, "volume_profile_not_found", "profile"),
    ):
        same(refused(400, code, update, made["id"], change)["target"]["name"], target)
    same(region.vpc.get_volume(made["id"]).get_result()["capacity"], 2000)
    delete(region, made["id"])
    refused(404, "not_found", region.vpc.get_volume, made["id"])


@case
def volumes_by_every_filter(region):
    """Each filter of the list, with a value that fits and one that does not."""
    made = volume(region, profile="custom", iops=1000, user_tags=["stage:test"])
    names = lambda **filters: [  # noqa: E731
        seen["name"]
        for seen in region.vpc.list_volumes(name=made["name"], **filters).get_result()["volumes"]
    ]
    for filters in (
        {},
        {"attachment_state": "unattached"},
        {"encryption": "provider_managed"},
        {"operating_system_family": "null"},
        {"operating_system_architecture": "null"},
        {"storage_generation": 1},
        {"tag": "stage:test"},
        {"zone_name": region.zone},
    ):
        same(names(**filters), [made["name"]], filters)
    for filters in (
        {"attachment_state": "attached"},
        {"encryption": "user_managed"},
        {"operating_system_family": "not:null"},
        {"operating_system_architecture": "amd64"},
        {"storage_generation": 2},
        {"tag": "stage:other"},
        {"zone_name": f"{region.name}-2"},
    ):
        same(names(**filters), [], filters)
    delete(region, made["id"])


@case
def profiles_say_what_may_change(region):
    """Every profile has all its figures."""
    for profile in region.vpc.list_volume_profiles().get_result()["profiles"]:
        whole("VolumeProfile", region.vpc.get_volume_profile(profile["name"]).get_result())
        same(profile["adjustable_capacity_states"]["values"], ["attached", "unattached"])
        chosen = profile["family"] in ("custom", "defined_performance")
        same(bool(profile["adjustable_iops_states"]["values"]), chosen, profile["name"])


@case
def a_volume_comes_to_a_running_instance_and_leaves_it(region):
    """attaching, attached, grown under the guest, detaching, gone."""
    instance = region.running()["id"]
    made = volume(region)
    vpc = region.vpc
    attached = vpc.create_instance_volume_attachment(
        instance, {"id": made["id"]}, name="extra", delete_volume_on_instance_delete=False
    )
    same(attached.get_status_code(), 201)
    attachment = attached.get_result()["id"]
    read = lambda: vpc.get_instance_volume_attachment(instance, attachment)  # noqa: E731
    seen = region.until(
        lambda: read().get_result(), lambda seen: seen["status"] == "attached", "attachment"
    )
    whole("VolumeAttachment", seen)
    true(seen["device"]["id"], "a device")
    used = vpc.get_volume(made["id"]).get_result()
    same((used["active"], used["attachment_state"]), (True, "attached"))
    refused(409, "volume_still_attached", vpc.delete_volume, made["id"])
    again = {"id": made["id"]}
    refused(
        409, "volume_still_attached", vpc.create_instance_volume_attachment, instance, again
    )
    same(vpc.update_volume(made["id"], {"capacity": 20}).get_result()["capacity"], 20)
    until(region, made["id"], "available")
    renamed = vpc.update_instance_volume_attachment(
        instance, attachment, {"name": "other", "delete_volume_on_instance_delete": True}
    ).get_result()
    same((renamed["name"], renamed["delete_volume_on_instance_delete"]), ("other", True))
    gone = vpc.delete_instance_volume_attachment(instance, attachment)
    same(gone.get_status_code(), 204)
    region.gone(read, "attachment")
    same(vpc.get_volume(made["id"]).get_result()["volume_attachments"], [])
    boot = vpc.get_instance(instance).get_result()["boot_volume_attachment"]["id"]
    refused(
        400,
        "volume_attachment_delete_invalid_request",
        vpc.delete_instance_volume_attachment,
        instance,
        boot,
    )
    region.delete_instance(instance)
    delete(region, made["id"])


@case
def a_stopped_instance_takes_volumes_and_its_flags_count(region):
    """Attached at once; what goes with the instance goes with it."""
    instance = region.stopped()[0]["id"]
    vpc = region.vpc
    new = {"capacity": 10, "profile": {"name": "general-purpose"}}
    going = vpc.create_instance_volume_attachment(
        instance, new, delete_volume_on_instance_delete=True
    ).get_result()
    same(going["status"], "attached")
    kept = volume(region)
    vpc.create_instance_volume_attachment(instance, {"id": kept["id"]})
    for wanted, code in (
        ({"id": "r006-00000000-0000-4000-8000-000000000000"}, "volume_id_not_found"),
        ({"profile": {"name": "custom"}}, "volume_capacity_missing"),
        ({**new, "capacity": 9}, "volume_capacity_max"),
    ):
        refused(400, code, vpc.create_instance_volume_attachment, instance, wanted)
    same(len(vpc.list_instance_volume_attachments(instance).get_result()["volume_attachments"]), 3)
    region.delete_instance(instance)
    region.gone(lambda: vpc.get_volume(going["volume"]["id"]), "volume")
    delete(region, kept["id"])


@case
def a_boot_volume_boots_another_instance(region):
    """Kept after its instance, bootable, and by default kept again."""
    instance, boot = region.stopped()
    vpc = region.vpc
    keep = {"delete_volume_on_instance_delete": False}
    attachment = instance["boot_volume_attachment"]["id"]
    vpc.update_instance_volume_attachment(instance["id"], attachment, keep)
    region.delete_instance(instance["id"])
    body = region.prototype("unused", boot_volume_attachment={"volume": {"id": boot}})
    del body["image"]
    second = vpc.create_instance(body).get_result()["id"]
    second = region.instance_until(second, "running")
    same(second["boot_volume_attachment"]["volume"]["id"], boot)
    body["name"] = region.fresh("vsi")
    refused(409, "volume_still_attached", vpc.create_instance, body)
    region.delete_instance(second["id"])
    same(vpc.get_volume(boot).get_result()["attachment_state"], "unattached")
    delete(region, boot)


@case
def bandwidth_is_chosen_where_the_profile_allows(region):
    """Of the second generation; of the first it follows from the operations."""
    made = volume(region, profile="sdp", bandwidth=1000)
    same((made["bandwidth"], made["storage_generation"]), (1000, 2))
    update = region.vpc.update_volume
    same(update(made["id"], {"bandwidth": 2000}).get_result()["bandwidth"], 2000)
    until(region, made["id"], "available")
    figure = region.vpc.get_volume_profile("sdp").get_result()["bandwidth"]
    for mbps in (figure["min"] - 1, figure["max"] + 1):
        error = refused(400, "validation_failure", update, made["id"], {"bandwidth": mbps})
        same(error["target"]["name"], "bandwidth")
    delete(region, made["id"])
    first = prototype(region, bandwidth=1000)
    refused(400, "validation_failure", region.vpc.create_volume, first)
    image = region.stock_image()["id"]
    boot = {"volume": {"profile": {"name": "sdp"}, "bandwidth": 1500}}
    instance = region.running(boot_volume_attachment=boot)
    same(instance["image"]["id"], image)
    boot = region.vpc.get_volume(instance["boot_volume_attachment"]["volume"]["id"]).get_result()
    same(boot["bandwidth"], 1500)
    region.delete_instance(instance["id"])


@case
def volumes_that_are_in_no_state_for_it(region):
    """A volume that is being made is not deleted or changed; a profile holds so many GB."""
    made = volume(region)
    update = region.vpc.update_volume
    region.operator("fault", "volume", made["id"], "pending")
    refused(409, "volume_not_deletable", region.vpc.delete_volume, made["id"])
    refused(409, "volume_status_not_available", update, made["id"], {"capacity": 20})
    region.operator("fault", "revoke", made["id"])
    delete(region, made["id"])
    large = volume(region, 10000)
    tier = {"profile": {"name": "10iops-tier"}}
    refused(400, "volume_profile_capacity_iops_invalid", update, large["id"], tier)
    delete(region, large["id"])
    refused(404, "not_found", region.vpc.get_volume_profile, "fast")

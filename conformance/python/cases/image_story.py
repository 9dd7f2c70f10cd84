"""From an instance's boot volume to an image to another instance."""

from cases.network import public_key
from harness import case, refused, same, true, whole


@case
def the_whole_story(region):
    """S1, S2, S3, S5, S6, S7, S11, S19: as a user goes through it."""
    key = region.vpc.create_key(public_key("rsa"), name=region.fresh("key")).get_result()
    instance = region.running(keys=[{"id": key["id"]}], user_data="#!/bin/sh\necho hello\n")
    whole("Instance", instance)
    started = region.vpc.get_instance_initialization(instance["id"]).get_result()
    whole("InstanceInitialization", started)
    same(started["keys"][0]["id"], key["id"])
    attachments = region.vpc.list_instance_volume_attachments(instance["id"]).get_result()
    whole("VolumeAttachmentCollection", attachments)
    same(attachments["volume_attachments"][0]["type"], "boot")
    nics = region.vpc.list_instance_network_interfaces(instance["id"]).get_result()
    whole("NetworkInterfaceUnpaginatedCollection", nics)
    action = region.vpc.create_instance_action(instance["id"], "stop").get_result()
    whole("InstanceAction", action)
    instance = region.instance_until(instance["id"], "stopped")
    volume_id = instance["boot_volume_attachment"]["volume"]["id"]
    volume = region.vpc.get_volume(volume_id).get_result()
    whole("Volume", volume)
    same((volume["active"], volume["attachment_state"]), (False, "attached"))

    made = region.vpc.create_image(
        {"name": region.fresh("golden"), "source_volume": {"id": volume_id}}
    )
    same(made.get_status_code(), 201)
    image = made.get_result()
    whole("Image", image)
    same((image["status"], image["file"], image["zones"]), ("pending", {}, []))
    image = region.image_until(image["id"], "available")
    whole("Image", image)
    same(image["operating_system"], volume["operating_system"])
    same(image["minimum_provisioned_size"], volume["capacity"])
    same((image["visibility"], image["encryption"]), ("private", "none"))
    true("remote" not in image, "the account's own image is not remote")
    true(f":is:{region.name}:" in image["crn"], "the image is of the region")
    progress = region.get(f"/_ectype/v1/images/{image['id']}/progress")
    same(progress["step"], "done")

    region.delete_instance(instance["id"])
    region.gone(lambda: region.vpc.get_volume(volume_id), "boot volume")
    image = region.vpc.get_image(image["id"]).get_result()
    same(image["status"], "available")
    true(image["source_volume"]["deleted"], "the volume is shown as deleted")

    second = region.vpc.create_instance(region.prototype(image["id"])).get_result()
    second = region.instance_until(second["id"], "running")
    same(second["image"]["id"], image["id"])
    boot = second["boot_volume_attachment"]["volume"]["id"]
    same(region.vpc.get_volume(boot).get_result()["source_image"]["id"], image["id"])
    log = region.get(f"/_ectype/v1/instances/{second['id']}/console_log")
    true(log["text"], "the console said something")
    region.delete_instance(second["id"])
    same(region.vpc.delete_image(image["id"]).get_status_code(), 204)
    region.gone(lambda: region.vpc.get_image(image["id"]), "image")


@case
def an_instance_with_a_data_volume(region):
    """Boot and data volumes differ in what goes with the instance."""
    profile = {"name": "general-purpose"}
    data = {"volume": {"capacity": 20, "profile": profile, "name": region.fresh("data")}}
    instance = region.running(volume_attachments=[data])
    attachments = region.vpc.list_instance_volume_attachments(instance["id"]).get_result()
    flags = {
        a["type"]: a["delete_volume_on_instance_delete"]
        for a in attachments["volume_attachments"]
    }
    same(flags, {"boot": True, "data": False})
    boot = instance["boot_volume_attachment"]["id"]
    refused(
        400,
        "volume_attachment_delete_invalid_request",
        region.vpc.delete_instance_volume_attachment,
        instance["id"],
        boot,
    )
    region.delete_instance(instance["id"])
    kept = region.vpc.list_volumes(name=data["volume"]["name"]).get_result()["volumes"][0]
    same(kept["attachment_state"], "unattached")
    same(region.vpc.delete_volume(kept["id"]).get_status_code(), 204)
    region.gone(lambda: region.vpc.get_volume(kept["id"]), "volume")


@case
def a_volume_is_changed_by_its_etag(region):
    """As Terraform does: the ETag of a GET, then that of the PATCH."""
    made = region.vpc.create_volume(
        {
            "name": region.fresh("vol"),
            "zone": {"name": region.zone},
            "profile": {"name": "general-purpose"},
            "capacity": 10,
        }
    ).get_result()
    whole("Volume", made)
    tag = region.vpc.get_volume(made["id"]).get_headers()["ETag"]
    patched = region.vpc.update_volume(made["id"], {"user_tags": ["env:dev"]}, if_match=tag)
    same(patched.get_result()["user_tags"], ["env:dev"])
    refused(
        412,
        "precondition_failed",
        region.vpc.update_volume,
        made["id"],
        {"name": region.fresh("vol")},
        if_match=tag,
    )
    tag = patched.get_headers()["ETag"]
    region.vpc.update_volume(made["id"], {"name": region.fresh("vol")}, if_match=tag)
    region.vpc.delete_volume(made["id"])
    region.gone(lambda: region.vpc.get_volume(made["id"]), "volume")

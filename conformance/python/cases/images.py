"""Images: allowed use, compatible profiles, lists and filters, names, cancellation."""

from ibm_vpc.vpc_v1 import (
    ImageInstanceProfilesPager,
    ImagesPager,
)

from harness import case, refused, same, true, whole


@case
def allowed_use_is_inherited_and_judged(region):
    """An image says what it may be used for; instances are judged when made and when resized."""
    image, source = region.image(allowed_use={"instance": "vcpu.count >= 4"})
    same(image["allowed_use"]["instance"], "vcpu.count >= 4")
    same(image["allowed_use"]["bare_metal_server"], "true")
    same(image["allowed_use"]["api_version"], region.vpc.version)
    small = region.prototype(image["id"])
    error = refused(400, "allowed_use_not_satisfied", region.vpc.create_instance, small)
    same(error["target"]["name"], "image")
    true("vcpu.count >= 4" in error["message"], error["message"])
    large = region.prototype(image["id"], profile={"name": "bx2-4x16"})
    made = region.vpc.create_instance(large).get_result()
    region.instance_until(made["id"], "running")
    instance = region.stop(made["id"])
    update = region.vpc.update_instance
    refused(
        400,
        "allowed_use_not_satisfied",
        update,
        made["id"],
        {"profile": {"name": "bx2-2x8"}},
    )
    boot = instance["boot_volume_attachment"]["volume"]["id"]
    same(region.vpc.get_volume(boot).get_result()["allowed_use"], image["allowed_use"])
    second = region.vpc.create_image({"source_volume": {"id": boot}}).get_result()
    same(second["allowed_use"], image["allowed_use"], "inherited")
    region.image_until(second["id"], "available")
    for one in (source["id"], made["id"]):
        region.delete_instance(one)
    for one in (image["id"], second["id"]):
        region.vpc.delete_image(one)


@case
def allowed_use_is_patched(region):
    """What a patch names is changed; what is no expression changes nothing."""
    image, instance = region.image()
    update = region.vpc.update_image
    for allowed, code, target in (
        ({"instance": "vcpu.count >"}, "allowed_use_expression_invalid", "instance"),
        ({"instance": "size(gpu.model) > 1"}, "allowed_use_expression_invalid", "instance"),
        ({"instance": "disks > 1"}, "allowed_use_expression_invalid", "instance"),
        ({"instance": "vcpu.count"}, "allowed_use_expression_invalid", "instance"),
        ({"instance": f"{'true':>1001}"}, "allowed_use_expression_invalid", "instance"),
        (
            {"bare_metal_server": "vcpu.count > 1"},
            "allowed_use_expression_invalid",
            "bare_metal_server",
        ),
        ({"api_version": "2018-12-31"}, "invalid_value", "api_version"),
        ({"api_version": "9999-12-31"}, "invalid_value", "api_version"),
    ):
        error = refused(400, code, update, image["id"], {"name": "x", "allowed_use": allowed})
        same(error["target"]["name"], f"allowed_use.{target}")
    same(region.vpc.get_image(image["id"]).get_result(), image, "unchanged")
    seen = update(image["id"], {"allowed_use": {"instance": "vcpu.count in [16, 32]"}})
    whole("Image", seen.get_result())
    pager = ImageInstanceProfilesPager(client=region.vpc, id=image["id"], limit=1)
    names = [profile["name"] for profile in pager.get_all()]
    same(names, ["bx2-16x64", "bx2-32x128"], "compatible profiles, by name")
    page = region.vpc.list_image_instance_profiles(image["id"], limit=1).get_result()
    whole("ImageInstanceProfileCollection", page)
    same(page["total_count"], 2)
    metal = region.vpc.list_image_bare_metal_server_profiles(image["id"]).get_result()
    whole("ImageBareMetalServerProfileCollection", metal)
    same(metal["bare_metal_server_profiles"], [])
    refused(404, "not_found", region.vpc.list_image_instance_profiles, "r006-nothing")
    region.delete_instance(instance["id"])
    region.vpc.delete_image(image["id"])


@case
def lists_are_newest_first_and_stable(region):
    """Pages do not move while images come and go; each filter narrows."""
    instance, volume = region.stopped()
    made = []
    for number in range(3):
        image = region.vpc.create_image(
            {"name": region.fresh(f"page-{number}"), "source_volume": {"id": volume}}
        ).get_result()
        made.append(region.image_until(image["id"], "available")["id"])
    first = region.vpc.list_images(limit=1, visibility="private").get_result()
    same([image["id"] for image in first["images"]], made[-1:], "newest first")
    region.vpc.delete_image(made[-1])
    region.gone(lambda: region.vpc.get_image(made[-1]), "image")
    start = first["next"]["href"].split("start=")[1]
    second = region.vpc.list_images(start=start, limit=1, visibility="private").get_result()
    same([image["id"] for image in second["images"]], [made[1]], "the next page did not move")
    everything = ImagesPager(client=region.vpc, limit=2).get_all()
    ids = [image["id"] for image in everything]
    same(len(ids), len(set(ids)), "each once")
    name = region.vpc.get_image(made[0]).get_result()["name"]
    group = region.vpc.get_image(made[0]).get_result()["resource_group"]["id"]

    def found(**filters):
        return [image["id"] for image in ImagesPager(client=region.vpc, **filters).get_all()]

    same(found(name=name), [made[0]])
    true(set(made[:2]) <= set(found(resource_group_id=group)), "by group")
    true(made[0] in found(status=["available", "deprecated"]), "by any of two statuses")
    true(made[0] not in found(status=["obsolete"]), "by another status")
    true(made[0] in found(remote_account_id="null"), "one's own")
    true(made[0] not in found(remote_account_id="not:null"), "the provider's")
    provider = region.stock_image()["remote"]["account"]["id"]
    true(made[0] not in found(remote_account_id=provider), "of the provider")
    true(made[0] in found(user_data_format=["cloud_init", "ipxe"]), "by format")
    same(found(user_data_format=["ipxe"]), [], "by another format")
    refused(400, "validation_enum", lambda: region.vpc.list_images(status=["ready"]))
    refused(400, "validation_enum", region.vpc.list_images, visibility="secret")
    refused(400, "invalid_id_format", region.vpc.list_images, start="nothing")
    for limit, code in ((0, "validation_min_value"), (101, "validation_max_value")):
        refused(400, code, region.vpc.list_images, limit=limit)
    region.delete_instance(instance["id"])
    for image in made[:2]:
        region.vpc.delete_image(image)


@case
def names_of_images(region):
    """Unique in the account; free again when the image is gone; renamed by a patch."""
    image, instance = region.image()
    volume = image["source_volume"]["id"]
    again = {"name": image["name"], "source_volume": {"id": volume}}
    error = refused(400, "validation_unique_failed", region.vpc.create_image, again)
    same(error["target"]["name"], "name")
    other = region.vpc.create_image({"source_volume": {"id": volume}}).get_result()
    true(other["name"], "a name is made up")
    region.image_until(other["id"], "available")
    rename = region.vpc.update_image
    refused(400, "validation_unique_failed", rename, other["id"], {"name": image["name"]})
    refused(400, "validation_invalid_name", rename, other["id"], {"name": "Upper"})
    refused(400, "validation_invalid_name", rename, other["id"], {"name": "ibm-x"})
    same(rename(other["id"], {}).get_status_code(), 200, "an empty patch")
    fresh = region.fresh("renamed")
    same(rename(other["id"], {"name": fresh}).get_result()["name"], fresh)
    same(region.vpc.delete_image(image["id"]).get_status_code(), 204)
    region.gone(lambda: region.vpc.get_image(image["id"]), "image")
    same(rename(other["id"], {"name": image["name"]}).get_result()["name"], image["name"])
    region.delete_instance(instance["id"])
    region.vpc.delete_image(other["id"])


@case
def a_pending_image_is_cancelled(region):
    """DELETE while it is queued or copied: it goes, and leaves the volume free."""
    instance, volume = region.stopped()
    image = region.vpc.create_image({"source_volume": {"id": volume}}).get_result()
    same((image["status"], image["file"], image["zones"]), ("pending", {}, []))
    whole("Image", image)
    same(region.vpc.delete_image(image["id"]).get_status_code(), 204)
    region.gone(lambda: region.vpc.get_image(image["id"]), "image")
    region.until(
        lambda: region.vpc.get_volume(volume).get_result(),
        lambda seen: not seen["busy"],
        "volume to be free",
    )
    same(region.vpc.create_instance_action(instance["id"], "start").get_status_code(), 201)
    region.instance_until(instance["id"], "running")
    region.delete_instance(instance["id"])


@case
def lineage_and_tables(region):
    """Our extensions: what an image was made of, and the tables that clients decide by."""
    image, instance = region.image()
    line = region.get(f"/_ectype/v1/images/{image['id']}/lineage")
    stock = region.stock_image()
    same(line["ancestors"][0]["id"], stock["id"])
    tables = region.get("/_ectype/v1/transitions")
    moves = {(row["from"], row["on"], row["to"]) for row in tables["images"]}
    true(("available", "deprecate", "deprecated") in moves, "deprecate")
    true(("obsolete", "dates", "available") in moves, "and back")
    region.delete_instance(instance["id"])
    region.vpc.delete_image(image["id"])

"""Available, deprecated, obsolete: forwards and backwards."""

from datetime import datetime, timedelta, timezone

from harness import case, refused, same, true


@case
def deprecated_and_back(region):
    """S22, S26: deprecated images still boot instances."""
    image, instance = region.image()
    same(region.vpc.deprecate_image(image["id"]).get_status_code(), 204)
    seen = region.vpc.get_image(image["id"]).get_result()
    same(seen["status"], "deprecated")
    true(seen["deprecation_at"], "deprecation_at")
    refused(409, "image_lifecycle_invalid", region.vpc.deprecate_image, image["id"])
    second = region.vpc.create_instance(region.prototype(image["id"])).get_result()
    region.instance_until(second["id"], "running")
    back = region.vpc.update_image(image["id"], {"deprecation_at": None}).get_result()
    same(back["status"], "available")
    for one in (instance, second):
        region.delete_instance(one["id"])
    region.vpc.delete_image(image["id"])


@case
def obsolete_and_back(region):
    """S22, S27, S28: obsolete images boot nothing, and the message says why."""
    image, instance = region.image()
    same(region.vpc.obsolete_image(image["id"]).get_status_code(), 204)
    seen = region.vpc.get_image(image["id"]).get_result()
    same((seen["status"], seen["zones"]), ("obsolete", []))
    error = refused(
        409, "image_not_provisionable", region.vpc.create_instance, region.prototype(image["id"])
    )
    true("obsolete" in error["message"], error["message"])
    back = region.vpc.update_image(image["id"], {"obsolescence_at": None}).get_result()
    same(back["status"], "available")
    region.delete_instance(instance["id"])
    region.vpc.delete_image(image["id"])


@case
def dates(region):
    """S22: at set dates, which must be in the future and in order."""
    image, instance = region.image()
    now = datetime.now(timezone.utc)
    def at(days):
        return (now + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    update, id_ = region.vpc.update_image, image["id"]
    bad = "image_lifecycle_date_invalid"
    refused(400, bad, update, id_, {"deprecation_at": at(-1)})
    refused(400, bad, update, id_, {"deprecation_at": at(2), "obsolescence_at": at(1)})
    seen = update(id_, {"deprecation_at": at(1), "obsolescence_at": at(2)}).get_result()
    same((seen["status"], seen["deprecation_at"]), ("available", at(1)))
    refused(409, "image_lifecycle_invalid", region.vpc.deprecate_image, id_)
    seen = update(id_, {"deprecation_at": None, "obsolescence_at": None}).get_result()
    true("deprecation_at" not in seen and "obsolescence_at" not in seen, "cleared")
    region.delete_instance(instance["id"])
    region.vpc.delete_image(id_)


@case
def a_date_that_comes(region):
    """S22: the region moves the image by itself."""
    image, instance = region.image()
    # Other cases have moved the region's time.
    now = region.operator("clock", "show")["region_time"]
    soon = datetime.fromisoformat(now.replace("Z", "+00:00")) + timedelta(seconds=3)
    text = soon.strftime("%Y-%m-%dT%H:%M:%SZ")
    region.vpc.update_image(image["id"], {"deprecation_at": text})
    same(region.image_until(image["id"], "deprecated")["status"], "deprecated")
    region.delete_instance(instance["id"])
    region.vpc.delete_image(image["id"])


@case
def s25_stock_images_are_the_providers(region):
    """S25: nobody changes them."""
    image = region.stock_image()["id"]
    code = "invalid_action_for_public_image"
    refused(403, code, region.vpc.update_image, image, {"name": "mine"})
    refused(403, code, region.vpc.delete_image, image)
    refused(403, code, region.vpc.deprecate_image, image)

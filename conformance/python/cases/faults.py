"""B9: failures that the operator asks for, as IBM's client sees them."""

from harness import case, refused, same, true


@case
def calls_fail_as_they_are_told(region):
    """429 with Retry-After, 500 and 503, without an effect."""
    for status, code in (
        ("429", "rate_limit_exceeded"),
        ("500", "internal_error"),
        ("503", "backend_service_unavailable"),
    ):
        region.operator("fault", "call", "create_vpc", "--status", status)
        name = region.fresh("fault")
        refused(int(status), code, region.vpc.create_vpc, name=name)
        made = region.vpc.create_vpc(name=name).get_result()
        region.vpc.delete_vpc(made["id"])


@case
def a_client_that_retries_gets_through(region):
    """IBM's client obeys Retry-After."""
    region.operator(
        "fault", "call", "list_images", "--status", "429", "--retry-after", "0", "--count", "2"
    )
    client = region.vpc_client()
    client.enable_retries(max_retries=3, retry_interval=0.1)
    true(client.list_images().get_result()["images"], "images")
    same(region.operator("fault", "list")["faults"], [])


@case
def statuses_are_forced_and_taken_back(region):
    """An image and a volume have the status that they are told; everybody believes it."""
    image, instance = region.image()
    volume = image["source_volume"]["id"]
    fault = region.operator(
        "fault", "image", image["id"], "unusable", "--reason", "encryption_key_deleted"
    )
    same(fault["status_before"], "available")
    seen = region.vpc.get_image(image["id"]).get_result()
    same((seen["status"], seen["zones"]), ("unusable", []))
    same(seen["status_reasons"][0]["code"], "encryption_key_deleted")
    prototype = region.prototype(image["id"])
    refused(409, "image_not_provisionable", region.vpc.create_instance, prototype)
    refused(409, "image_lifecycle_invalid", region.vpc.deprecate_image, image["id"])
    region.operator("fault", "volume", volume, "unusable")
    source = {"source_volume": {"id": volume}}
    refused(409, "image_source_volume_not_available", region.vpc.create_image, source)
    region.operator("fault", "revoke")
    same(region.vpc.get_image(image["id"]).get_result()["status"], "available")
    same(region.vpc.get_volume(volume).get_result()["status"], "available")
    region.operator("fault", "image", image["id"], "deleting")
    refused(409, "invalid_state", region.vpc.delete_image, image["id"])
    refused(409, "invalid_state", region.vpc.update_image, image["id"], {"name": "x"})
    region.operator("fault", "revoke", image["id"])
    region.delete_instance(instance["id"])
    region.vpc.delete_image(image["id"])

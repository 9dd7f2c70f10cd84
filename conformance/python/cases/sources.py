"""What may become an image: S13 to S17, each with a code of its own."""

from harness import case, refused, same, true


def create(region, source):
    """A call that makes an image of `source`."""
    return region.vpc.create_image, {"source_volume": source}


@case
def s13_a_volume_of_another_region(region):
    """S13: a CRN or href of another region is refused."""
    account = region.stock_image()["crn"].split("a/")[1][:32]
    crn = f"crn:v1:bluemix:public:is:eu-de-1:a/{account}::volume:r010-1"
    href = "https://eu-de.iaas.cloud.ibm.com/v1/volumes/r010-1"
    for source in ({"crn": crn}, {"href": href}):
        error = refused(400, "image_source_volume_not_in_region", *create(region, source))
        same(error["target"]["name"], "source_volume")


@case
def s14_s15_a_data_volume_and_one_that_is_not_attached(region):
    """S14, S15: data volumes are refused, attached or not."""
    made = region.vpc.create_volume(
        {
            "zone": {"name": region.zone},
            "profile": {"name": "general-purpose"},
            "capacity": 100,
        }
    ).get_result()
    refused(400, "image_source_volume_not_boot", *create(region, {"id": made["id"]}))
    region.vpc.delete_volume(made["id"])


@case
def s15_a_boot_volume_that_was_kept(region):
    """S15: a boot volume must be attached."""
    instance, volume = region.stopped()
    region.vpc.update_instance_volume_attachment(
        instance["id"],
        instance["boot_volume_attachment"]["id"],
        {"delete_volume_on_instance_delete": False},
    )
    region.delete_instance(instance["id"])
    refused(409, "image_source_volume_unattached", *create(region, {"id": volume}))
    region.vpc.delete_volume(volume)


@case
def s17_a_running_instance(region):
    """S17: it must be stopped first, and the message says so."""
    instance = region.running()
    volume = instance["boot_volume_attachment"]["volume"]["id"]
    error = refused(409, "image_source_instance_not_stopped", *create(region, {"id": volume}))
    true("Stop it" in error["message"], error["message"])
    same(region.vpc.get_volume(volume).get_result()["busy"], False)
    region.delete_instance(instance["id"])


@case
def a_volume_that_is_not_there(region):
    """A body that names nothing is 400, not 404."""
    unknown = {"id": "r006-00000000-0000-4000-8000-000000000000"}
    refused(400, "volume_id_not_found", *create(region, unknown))


@case
def s16_the_order_of_checks_is_fixed(region):
    """S16: what the volume is comes before the state it is in."""
    instance = region.running()
    small = region.vpc.create_volume(
        {
            "zone": {"name": region.zone},
            "profile": {"name": "general-purpose"},
            "capacity": 10,
        }
    ).get_result()
    refused(400, "image_source_volume_not_boot", *create(region, {"id": small["id"]}))
    region.vpc.delete_volume(small["id"])
    region.delete_instance(instance["id"])


@case
def s14_a_volume_that_no_image_holds(region):
    """S14: an image has 250 GB at most."""
    for gb, fits in ((250, True), (251, False)):
        boot = {"volume": {"profile": {"name": "sdp"}, "capacity": gb}}
        instance, volume = region.stopped(boot_volume_attachment=boot)
        if fits:
            image = region.vpc.create_image({"source_volume": {"id": volume}}).get_result()
            region.image_until(image["id"], "available")
            region.vpc.delete_image(image["id"])
        else:
            refused(400, "image_source_volume_capacity_invalid", *create(region, {"id": volume}))
        region.delete_instance(instance["id"])

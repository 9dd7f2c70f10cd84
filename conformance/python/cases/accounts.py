"""Two accounts in one region."""

from harness import case, refused, same, true


@case
def an_image_is_private_to_its_account(region):
    """S7: for another account it is not there, in lists, by id, or to boot from."""
    image, instance = region.image()
    other = region.another_account(region.fresh("account"))
    refused(404, "not_found", other.vpc.get_image, image["id"])
    refused(404, "not_found", other.vpc.delete_image, image["id"])
    refused(404, "not_found", other.vpc.obsolete_image, image["id"])
    refused(404, "not_found", other.vpc.get_instance, instance["id"])
    listed = other.vpc.list_images().get_result()["images"]
    true(listed, "stock images are there")
    same({i["visibility"] for i in listed}, {"public"})
    error = refused(400, "bad_field", other.vpc.create_instance, other.prototype(image["id"]))
    same(error["target"]["name"], "image")
    source = {"source_volume": {"id": instance["boot_volume_attachment"]["volume"]["id"]}}
    refused(400, "volume_id_not_found", other.vpc.create_image, source)
    region.delete_instance(instance["id"])
    region.vpc.delete_image(image["id"])

"""Pages and filters, through the SDK's own pagers."""

from ibm_vpc.vpc_v1 import ImagesPager, VpcsPager

from harness import case, refused, same, true, whole


@case
def pagers_see_every_item_once(region):
    """Keyset pages under the SDK's pager."""
    made = [region.vpc.create_vpc(name=region.fresh("page")).get_result() for _ in range(5)]
    for limit in (1, 2, 100):
        seen = [vpc["id"] for vpc in VpcsPager(client=region.vpc, limit=limit).get_all()]
        same(len(seen), len(set(seen)))
        true({vpc["id"] for vpc in made} <= set(seen), "all are there")
    page = region.vpc.list_vpcs(limit=1).get_result()
    whole("VPCCollection", page)
    true("next" in page and page["total_count"] >= 5, "there is more")
    for vpc in made:
        region.vpc.delete_vpc(vpc["id"])


@case
def limits_and_tokens(region):
    """Bounds of `limit`, and a token that is none."""
    refused(400, "validation_min_value", region.vpc.list_images, limit=0)
    refused(400, "validation_max_value", region.vpc.list_images, limit=101)
    refused(400, "invalid_id_format", region.vpc.list_images, start="garbage")


@case
def images_by_status_and_owner(region):
    """S7, S24: custom and stock images are told apart; several statuses are one filter."""
    image, instance = region.image()
    find = lambda **by: {  # noqa: E731
        i["id"] for i in ImagesPager(client=region.vpc, limit=2, **by).get_all()
    }
    stock = region.stock_image()["id"]
    true({image["id"], stock} <= find(), "both are listed")
    true(image["id"] in find(visibility="private"), "private")
    true(stock not in find(visibility="private"), "stock is not private")
    same(find(name=image["name"]), {image["id"]})
    true(image["id"] in find(status=["deprecated", "available"]), "by two statuses")
    true(image["id"] not in find(status=["obsolete"]), "by another status")
    true(image["id"] in find(remote_account_id="null"), "one's own")
    true(image["id"] not in find(remote_account_id="not:null"), "another's")
    older = region.vpc_client(version="2025-06-29")
    own = older.get_image(image["id"]).get_result()
    same(own["owner_type"], "user")
    region.delete_instance(instance["id"])
    region.vpc.delete_image(image["id"])

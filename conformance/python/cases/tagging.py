"""Tags and search, by IBM's platform services and as Terraform asks."""

from ibm_platform_services.global_search_v2 import ScanResult
from ibm_platform_services.global_tagging_v1 import QueryString, Resource, TagList, TagResults

from harness import case, refused, same, true

ALL = ["access_tags", "tags", "service_tags"]


def ed25519(region):
    """A key resource that the cases tag."""
    made = region.vpc.create_key(
        name=region.fresh("key"), public_key=region.public_key(), type="ed25519"
    )
    return made.get_result()


def tags(region, crn):
    """The tags of one resource, asked for as Terraform does."""
    found = region.search.search(query=f'crn:"{crn}"', fields=ALL).get_result()
    ScanResult.from_dict(found)
    same(len(found["items"]), 1, crn)
    item = found["items"][0]
    for name in ALL:
        true(isinstance(item[name], list), name)
    return item["tags"], item["access_tags"]


def attach(region, crn, names, **more):
    """Attaches, and gives the one result."""
    seen = region.tagging.attach_tag(resources=[Resource(crn)], tag_names=names, **more)
    return TagResults.from_dict(seen.get_result()).results[0]


def detach(region, crn, names, **more):
    """Detaches, and gives the one result."""
    seen = region.tagging.detach_tag(resources=[Resource(crn)], tag_names=names, **more)
    return TagResults.from_dict(seen.get_result()).results[0]


@case
def an_image_is_tagged_and_found(region):
    """S4: tags of an image by GlobalTaggingV1, read by GlobalSearchV2 right after."""
    image, instance = region.image()
    crn = image["crn"]
    same(tags(region, crn), ([], []))
    same(attach(region, crn, ["Stage:Gold", "stage:gold", "b"], tag_type="user").is_error, False)
    same(tags(region, crn), (["stage:gold", "b"], []))
    query = 'service_name:is AND type:image AND tags:"stage:gold"'
    found = region.search.search(query=query).get_result()
    same([i["crn"] for i in found["items"]], [crn])
    same(found["items"][0]["name"], image["name"])
    attach(region, crn, ["stage:old"], update=True)
    same(tags(region, crn)[0], ["b", "stage:old"])
    attach(region, crn, ["c"], replace=True)
    same(tags(region, crn)[0], ["c"])
    same(detach(region, crn, ["*"]).is_error, False)
    same(detach(region, crn, ["c"]).is_error, False)
    same(tags(region, crn), ([], []))
    region.vpc.delete_image(image["id"])
    region.gone(lambda: region.vpc.get_image(image["id"]), "image")
    same(region.search.search(query=f'crn:"{crn}"').get_result()["items"], [])
    true(attach(region, crn, ["late"]).is_error, "a resource that is gone takes no tag")
    region.delete_instance(instance["id"])


@case
def user_tags_of_a_volume_are_the_same_tags(region):
    """What the VPC API sets, tagging sees, and the other way round."""
    prototype = {
        "name": region.fresh("vol"),
        "zone": {"name": region.zone},
        "profile": {"name": "general-purpose"},
        "capacity": 10,
        "user_tags": ["one"],
    }
    volume = region.vpc.create_volume(prototype).get_result()
    same(tags(region, volume["crn"])[0], ["one"])
    attach(region, volume["crn"], ["two"])
    read = region.vpc.get_volume(volume["id"])
    same(read.get_result()["user_tags"], ["one", "two"])
    etag = read.get_headers()["etag"]
    region.vpc.update_volume(volume["id"], {"user_tags": ["three"]}, if_match=etag)
    same(tags(region, volume["crn"])[0], ["three"])
    listed = region.vpc.list_volumes(tag="three").get_result()["volumes"]
    same([v["id"] for v in listed], [volume["id"]])
    region.vpc.delete_volume(volume["id"])
    region.gone(lambda: region.vpc.get_volume(volume["id"]), "volume")


@case
def access_tags(region):
    """Made first, attached, listed in one answer, deleted when nothing has them."""
    crn, name = ed25519(region)["crn"], f"project:{region.fresh('p')}"
    true(attach(region, crn, [name], tag_type="access").is_error, "it is not made yet")
    made = region.tagging.create_tag([name.upper()], tag_type="access").get_result()
    same(made["results"], [{"tag_name": name, "is_error": False}])
    again = region.tagging.create_tag([name], tag_type="access").get_result()
    same(again["results"][0]["is_error"], True)
    refused(400, "validation_failure", region.tagging.create_tag, ["nokey"], tag_type="access")
    same(attach(region, crn, [name], tag_type="access").is_error, False)
    same(tags(region, crn), ([], [name]))
    listed = TagList.from_dict(region.tagging.list_tags(tag_type="access").get_result())
    true(name in [tag.name for tag in listed.items], "it is listed")
    same(listed.total_count, len(listed.items))
    used = region.tagging.delete_tag(name, tag_type="access").get_result()
    same(used["results"][0]["is_error"], True)
    detach(region, crn, [name], tag_type="access")
    gone = region.tagging.delete_tag(name, tag_type="access").get_result()
    same((gone["results"][0]["provider"], gone["results"][0]["is_error"]), ("ghost", False))


@case
def many_at_once_and_their_names(region):
    """Bulk by resources and by query; each resource has its own result; unused names go."""
    crns = [ed25519(region)["crn"] for _ in range(3)]
    word = region.fresh("bulk")
    missing = f"crn:v1:bluemix:public:is:{region.name}:a/{region.account()}::image:r006-none"
    on = [Resource(crn) for crn in [*crns, missing]]
    seen = region.tagging.attach_tag(tag_name=word, resources=on).get_result()["results"]
    same([r["is_error"] for r in seen], [False, False, False, True])
    true(seen[3]["message"], "an error says why")
    query = QueryString(f"tags:{word} AND type:key")
    seen = region.tagging.attach_tag(tag_name=f"{word}:x", query=query).get_result()["results"]
    same(sorted(r["resource_id"] for r in seen), sorted(crns))
    attached = region.tagging.list_tags(attached_to=crns[0], providers=["ghost"]).get_result()
    same([t["name"] for t in attached["items"]], [word, f"{word}:x"])
    seen = region.tagging.detach_tag(tag_name=f"{word}*", resources=on[:3]).get_result()
    same([r["is_error"] for r in seen["results"]], [False] * 3)
    names = [t["name"] for t in region.tagging.list_tags().get_result()["items"]]
    true(word in names, "a name stays without resources")
    gone = region.tagging.delete_tag_all(tag_type="user").get_result()
    true(word in [item["tag_name"] for item in gone["items"]], "unused names go")
    same(gone["total_count"], len(gone["items"]))


@case
def tags_at_their_limits(region):
    """128 characters, 1000 user tags of a resource; charset; service tags are not the users'."""
    crn = ed25519(region)["crn"]
    same(attach(region, crn, [f"n:{n}" for n in range(1000)]).is_error, False)
    over = attach(region, crn, ["one"])
    true(over.is_error and "1000" in over.message, "the limit is named")
    same(attach(region, crn, ["a" * 128], replace=True).is_error, False)
    on = {"resources": [Resource(crn)]}
    for bad in ["a" * 129, "a,b", "a/b", "é", ""]:
        refused(400, "validation_failure", region.tagging.attach_tag, tag_names=[bad], **on)
    same(tags(region, crn)[0], ["a" * 128])
    service = {"tag_type": "service", "account_id": region.account()}
    refused(403, "not_authorized", region.tagging.attach_tag, tag_names=["a"], **on, **service)
    same(region.tagging.list_tags(**service).get_result()["items"], [])
    detach(region, crn, ["*"])


@case
def search_pages_and_queries(region):
    """A cursor walks everything once; queries that cannot be read are refused by name."""
    word = region.fresh("page")
    for _ in range(5):
        attach(region, ed25519(region)["crn"], [word])
    found, cursor = [], None
    while True:
        more = {"search_cursor": cursor} if cursor else {"query": f"tags:{word}", "fields": ["name"]}
        page = region.search.search(limit=2, **more).get_result()
        found += [item["crn"] for item in page["items"]]
        cursor = page.get("search_cursor")
        if cursor is None:
            break
    same((len(found), len(set(found))), (5, 5))
    whole = region.search.search(query=f"tags:{word}", fields=["*"], limit=1).get_result()
    item = whole["items"][0]
    same((item["family"], item["type"], item["region"]), ("is", "key", region.name))
    for query, count in [
        (f"tags:{word} AND NOT type:key", 0),
        (f"tags:{word[:-1]}? AND (type:image OR type:key)", 5),
        (f"-type:key tags:{word}", 0),
        (f"family:is AND name:nothing-* AND tags:{word}", 0),
    ]:
        seen = region.search.search(query=query, limit=100).get_result()["items"]
        same(len(seen), count, query)
    refused(400, "invalid_query", region.search.search, query="name:(")
    refused(501, "not_implemented", region.search.search, query="creation_date:[a TO b]")
    other = region.another_account(region.fresh("account"))
    same(other.search.search(query=f"tags:{word}").get_result()["items"], [])
    same(other.tagging.list_tags().get_result()["items"], [])
    true(attach(other, found[0], ["mine"]).is_error, "another account's takes no tag")
    same(tags(region, found[0])[0], [word])

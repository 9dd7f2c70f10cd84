"""Resource groups and resource instances, by IBM's platform services."""

from ibm_cloud_sdk_core import ApiException
from ibm_platform_services.resource_manager_v2 import ResourceGroup

from harness import case, refused, same, true


@case
def a_resource_group_lives(region):
    """Created, listed, read, renamed and deleted by ResourceManagerV2."""
    name = region.fresh("team")
    made = region.groups.create_resource_group(name=name, account_id=region.account())
    same(made.get_status_code(), 201)
    group = made.get_result()["id"]
    true(f":resource-group:{group}" in made.get_result()["crn"], "crn")
    listed = region.groups.list_resource_groups(name=name).get_result()["resources"]
    same([g["id"] for g in listed], [group])
    read = ResourceGroup.from_dict(region.groups.get_resource_group(group).get_result())
    same((read.name, read.state, read.default), (name, "ACTIVE", False))
    quota = region.groups.get_quota_definition(read.quota_id).get_result()
    same(quota["id"], read.quota_id)
    true(region.groups.list_quota_definitions().get_result()["resources"], "quotas")
    renamed = region.groups.update_resource_group(group, name=f"{name} two").get_result()
    same(renamed["name"], f"{name} two")
    twin = region.groups.create_resource_group
    refused(400, "RESOURCE_GROUP_NAME_UNIQUENESS", twin, name=f"{name} TWO")
    refused(400, "validation_invalid_name", twin, name="a/b")
    other = region.another_account(region.fresh("account"))
    refused(404, "not_found", other.groups.get_resource_group, group)
    refused(404, "not_found", other.groups.delete_resource_group, group)
    same(region.groups.delete_resource_group(group).get_status_code(), 204)
    refused(404, "not_found", region.groups.get_resource_group, group)
    default = region.groups.list_resource_groups(default=True).get_result()["resources"][0]
    refused(400, "RESOURCE_GROUP_DEFAULT", region.groups.delete_resource_group, default["id"])


@case
def an_image_is_made_in_a_group(region):
    """S4: the image shows its group, the list finds it there, and the group stays until it goes."""
    group = region.groups.create_resource_group(name=region.fresh("team")).get_result()["id"]
    image, instance = region.image(resource_group={"id": group})
    same(image["resource_group"]["id"], group)
    listed = region.vpc.list_images(resource_group_id=group).get_result()["images"]
    same([i["id"] for i in listed], [image["id"]])
    refused(400, "RESOURCE_GROUP_NOT_EMPTY", region.groups.delete_resource_group, group)
    region.vpc.delete_image(image["id"])
    region.gone(lambda: region.vpc.get_image(image["id"]), "image")
    same(region.groups.delete_resource_group(group).get_status_code(), 204)
    region.delete_instance(instance["id"])


@case
def resource_instances_are_refused_in_their_own_words(region):
    """ResourceControllerV2 lists none of a name and is told so in its service's own words."""
    listed = region.controller.list_resource_instances(name="nothing").get_result()
    same((listed["rows_count"], listed["resources"]), (0, []))
    crn = f"crn:v1:bluemix:public:kms:{region.name}:a/{region.account()}:guid::"
    for status, code, call in [
        (404, "not_found", lambda: region.controller.get_resource_instance(crn)),
        (
            501,
            "not_implemented",
            lambda: region.controller.create_resource_instance("a", "b", "c", "d"),
        ),
    ]:
        try:
            call()
        except ApiException as error:
            body = error.http_response.json()
            same((error.status_code, body["error_code"]), (status, code))
            same(body["transaction_id"], error.http_response.headers["x-request-id"])
        else:
            true(False, f"{code} was not refused")

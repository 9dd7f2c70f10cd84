"""Refusals in IBM's shape."""

from ibm_cloud_sdk_core.authenticators import BearerTokenAuthenticator, NoAuthAuthenticator
from ibm_vpc import VpcV1

from harness import case, refused, same


def client(region, authenticator, **options):
    """A client with another authenticator."""
    made = VpcV1(authenticator=authenticator, **options)
    made.set_service_url(f"{region.url}/v1")
    return made


@case
def tokens(region):
    """No token, and a token that is none."""
    refused(401, "token_missing", client(region, NoAuthAuthenticator()).list_images)
    wrong = client(region, BearerTokenAuthenticator("a.b.c"))
    refused(401, "token_invalid", wrong.list_images)


@case
def versions(region):
    """A version must be a date from 2019 to today."""
    for version, code in (
        ("2018-12-31", "invalid_version_range"),
        ("9999-01-01", "version_not_supported"),
        ("soon", "invalid_version"),
    ):
        refused(400, code, region.vpc_client(version=version).list_images)


@case
def names(region):
    """The pattern of names, and the provider's prefix."""
    for name in ("Upper", "a_b", "9lives", "ends-", "a" * 64):
        error = refused(400, "validation_invalid_name", region.vpc.create_vpc, name=name)
        same(error["target"], {"name": "name", "type": "field"})
    source = {"source_volume": {"id": "r006-1"}, "name": "ibm-mine"}
    refused(400, "validation_invalid_name", region.vpc.create_image, source)


@case
def names_are_taken_once(region):
    """Within the account and region."""
    name = region.fresh("taken")
    made = region.vpc.create_vpc(name=name).get_result()
    refused(400, "validation_unique_failed", region.vpc.create_vpc, name=name)
    region.vpc.delete_vpc(made["id"])


@case
def wrong_types_and_unknown_ids(region):
    """Each names its field."""
    error = refused(
        400,
        "validation_invalid_field_type",
        region.vpc.create_image,
        {"source_volume": "r006-1"},
    )
    same(error["target"]["name"], "source_volume")
    prototype = region.prototype("r006-00000000-0000-4000-8000-000000000000")
    error = refused(400, "bad_field", region.vpc.create_instance, prototype)
    same(error["target"]["name"], "image")
    refused(404, "not_found", region.vpc.get_image, "r006-nothing")
    refused(404, "not_found", region.vpc.get_instance, "0717_nothing")


@case
def what_is_not_served(region):
    """Known to the SDK, not served: 501, which no client repeats."""
    refused(501, "not_implemented", region.vpc.list_snapshots)
    refused(501, "not_implemented", region.vpc.list_load_balancers)
    by_file = {
        "file": {"href": "cos://us-south/bucket/a.qcow2"},
        "operating_system": {"name": "debian-12-amd64"},
    }
    refused(501, "not_implemented", region.vpc.create_image, by_file)


@case
def actions_by_the_table(region):
    """Start when running, reboot when stopped; stop when stopped is accepted."""
    instance = region.running()["id"]
    act = region.vpc.create_instance_action
    refused(409, "invalid_state", act, instance, "start")
    refused(400, "validation_enum", act, instance, "pause")
    region.stop(instance)
    refused(409, "invalid_state", act, instance, "reboot")
    same(act(instance, "stop").get_status_code(), 201)
    region.delete_instance(instance)

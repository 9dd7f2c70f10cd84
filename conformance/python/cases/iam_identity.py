"""API keys, service IDs and trusted profiles by IBM's platform-services SDK."""

from ibm_cloud_sdk_core import ApiException
from ibm_cloud_sdk_core.authenticators import (
    BearerTokenAuthenticator,
    IAMAssumeAuthenticator,
    IAMAuthenticator,
)
from ibm_platform_services import IamIdentityV1, UserManagementV1
from ibm_platform_services.iam_identity_v1 import ProfileIdentityRequest

from harness import Failed, case, refused, same, true


def identity(region, authenticator=None):
    """A client of the identity service."""
    client = IamIdentityV1(authenticator=authenticator or region.authenticator)
    client.set_service_url(region.environment["IBMCLOUD_IAM_API_ENDPOINT"])
    return client


def owner(region):
    """IAM id of the caller."""
    details = identity(region).get_api_keys_details(iam_api_key=region.api_key).get_result()
    return details["iam_id"]


def signed_in(region, api_key):
    """An authenticator of an API key."""
    return IAMAuthenticator(api_key, url=region.environment["IBMCLOUD_IAM_API_ENDPOINT"])


def refused_sign_in(code, authenticator):
    """Fails unless IAM refuses the grant with this code."""
    try:
        authenticator.token_manager.get_token()
    except ApiException as error:
        same((error.status_code, error.http_response.json()["errorCode"]), (400, code), "grant")
    else:
        raise Failed("signed in")


@case
def api_keys_by_the_sdk(region):
    """S12: an API key is made, used, locked, disabled, changed by its tag and deleted."""
    client, name = identity(region), region.fresh("key")
    made = client.create_api_key(name=name, iam_id=owner(region), description="a").get_result()
    true(made["apikey"], "the key is shown when it is made")
    token = signed_in(region, made["apikey"]).token_manager.get_token()
    true(token, "token")
    seen = client.get_api_key(made["id"], include_history=True).get_result()
    same((seen["apikey"], seen["activity"]["authn_count"]), ("", 1), "key")
    listed = client.list_api_keys(pagesize=100).get_result()["apikeys"]
    true(made["id"] in [key["id"] for key in listed], "listed")
    tag = seen["entity_tag"]
    changed = client.update_api_key(made["id"], tag, name=name, description="b").get_result()
    same(changed["description"], "b")
    refused(409, "conflict", client.update_api_key, made["id"], tag, name=name)
    client.lock_api_key(made["id"])
    refused(409, "invalid_state", client.delete_api_key, made["id"])
    client.unlock_api_key(made["id"])
    client.disable_api_key(made["id"])
    refused_sign_in("BXNIM0415E", signed_in(region, made["apikey"]))
    client.enable_api_key(made["id"])
    client.delete_api_key(made["id"])
    refused(404, "not_found", client.get_api_key, made["id"])
    refused_sign_in("BXNIM0415E", signed_in(region, made["apikey"]))


@case
def a_service_id_by_the_sdk(region):
    """S12: a service ID signs in by its key, has no access, and is gone at once."""
    client, account = identity(region), region.account()
    made = client.create_service_id(
        account_id=account, name=region.fresh("robot"), apikey={"name": "k"}
    ).get_result()
    its = signed_in(region, made["apikey"]["apikey"])
    vpc = region.vpc_client()
    vpc.authenticator = its
    refused(403, "not_authorized", vpc.list_images)
    refused(403, "not_authorized", identity(region, its).list_service_ids, account_id=account)
    found = client.list_service_ids(account_id=account, name=made["name"]).get_result()
    same([one["id"] for one in found["serviceids"]], [made["id"]])
    client.update_service_id(made["id"], made["entity_tag"], description="x")
    client.lock_service_id(made["id"])
    refused(409, "invalid_state", client.delete_service_id, made["id"])
    client.unlock_service_id(made["id"])
    client.delete_service_id(made["id"])
    refused(401, "token_invalid", vpc.list_images)


@case
def a_trusted_profile_by_the_sdk(region):
    """S12: the SDK's assume authenticator takes on a profile that names the caller."""
    client, account = identity(region), region.account()
    profile = client.create_profile(name=region.fresh("profile"), account_id=account).get_result()
    url = region.environment["IBMCLOUD_IAM_API_ENDPOINT"]

    def assume():
        """A new one each time: one that was refused pauses for a minute."""
        return IAMAssumeAuthenticator(region.api_key, iam_profile_id=profile["id"], url=url)

    refused_sign_in("BXNIM0404E", assume())
    client.set_profile_identity(
        profile["id"], "user", identifier=owner(region), type="user"
    ).get_result()
    token = assume().token_manager.get_token()
    vpc = region.vpc_client()
    vpc.authenticator = BearerTokenAuthenticator(token)
    refused(403, "not_authorized", vpc.list_images)
    rule = client.create_claim_rule(
        profile["id"],
        type="Profile-SAML",
        realm_name="realm",
        conditions=[{"claim": "group", "operator": "EQUALS", "value": '"a"'}],
    ).get_result()
    same(len(client.list_claim_rules(profile["id"]).get_result()["rules"]), 1)
    client.delete_claim_rule(profile["id"], rule["id"])
    tag = client.get_profile_identities(profile["id"]).get_result()["entity_tag"]
    one = ProfileIdentityRequest(identifier="IBMid-1", type="user")
    seen = client.set_profile_identities(profile["id"], tag, identities=[one]).get_result()
    same([i["iam_id"] for i in seen["identities"]], ["IBMid-1"])
    client.delete_profile(profile["id"])
    refused(404, "not_found", client.get_profile, profile["id"])


@case
def users_by_the_sdk(region):
    """S12: a user is invited, found and removed."""
    client = UserManagementV1(authenticator=region.authenticator)
    client.set_service_url(region.environment["IBMCLOUD_USER_MANAGEMENT_ENDPOINT"])
    account, email = region.account(), f"{region.fresh('jane')}@example.com"
    made = client.invite_users(account, users=[{"email": email, "account_role": "Member"}])
    iam_id = made.get_result()["resources"][0]["id"]
    listed = client.list_users(account).get_result()["resources"]
    true(iam_id in [user["iam_id"] for user in listed], "listed")
    same(client.get_user_profile(account, iam_id).get_result()["email"], email)
    client.remove_user(account, iam_id)
    refused(404, "not_found", client.get_user_profile, account, iam_id)
    refused(404, "not_found", client.list_users, "0" * 32)

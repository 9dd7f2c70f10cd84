"""Sign-in by IBM's core library."""

import base64
import hashlib

import jwt
import requests
from ibm_cloud_sdk_core import ApiException
from ibm_cloud_sdk_core.authenticators import IAMAuthenticator
from ibm_platform_services import ResourceManagerV2

from harness import Failed, case, same, true


@case
def an_api_key_signs_in(region):
    """The SDK's authenticator gets a token whose claims Terraform and the CLI read."""
    token = region.authenticator.token_manager.get_token()
    claims = jwt.decode(token, options={"verify_signature": False})
    same(jwt.get_unverified_header(token)["alg"], "RS256")
    true(len(claims["account"]["bss"]) == 32, "account.bss")
    true(claims["iss"].startswith("https://iam.cloud.ibm.com"), "iss")
    true(claims["exp"] - claims["iat"] == 3600, "life")
    same(claims["id"], claims["iam_id"])


def number(text):
    """A number of a JWK."""
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


@case
def a_token_is_signed_by_a_published_key(region):
    """The keys at /identity/keys verify the token (RSA, PKCS #1 v1.5, SHA-256)."""
    token = region.authenticator.token_manager.get_token()
    signed, _, signature = token.rpartition(".")
    kid = jwt.get_unverified_header(token)["kid"]
    keys = requests.get(f"{region.url}/identity/keys", timeout=10).json()["keys"]
    key = next(k for k in keys if k["kid"] == kid)
    true("use" not in key, "IBM's keys have no use")
    modulus = number(key["n"])
    size = (modulus.bit_length() + 7) // 8
    opened = pow(number(signature), number(key["e"]), modulus).to_bytes(size, "big")
    prefix = bytes.fromhex("3031300d060960864801650304020105000420")
    digest = prefix + hashlib.sha256(signed.encode()).digest()
    padded = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    true(opened == padded, "the signature does not verify")


@case
def a_wrong_api_key_does_not_sign_in(region):
    """IAM's own error reaches the caller."""
    wrong = IAMAuthenticator("wrong", url=region.url)
    try:
        wrong.token_manager.get_token()
    except ApiException as error:
        same(error.status_code, 400)
        same(error.http_response.json()["errorCode"], "BXNIM0415E")
    else:
        raise Failed("signed in")


@case
def a_client_with_client_credentials_signs_in(region):
    """`bx:bx`, as Terraform and the CLI send it."""
    clients = IAMAuthenticator(
        region.api_key, url=region.url, client_id="bx", client_secret="bx"
    )
    true(clients.token_manager.get_token(), "token")
    true(clients.token_manager.refresh_token != "not_supported", "refresh token")


@case
def the_account_has_a_default_resource_group(region):
    """S4: the resource manager's SDK lists it."""
    groups = region.groups.list_resource_groups(default=True).get_result()["resources"]
    same(len(groups), 1)
    same((groups[0]["name"], groups[0]["state"]), ("Default", "ACTIVE"))
    one = region.groups.get_resource_group(groups[0]["id"]).get_result()
    same(one["id"], groups[0]["id"])
    assert isinstance(region.groups, ResourceManagerV2)

"""B7: Key Protect by IBM's own client. Late among the cases: it moves region time forward."""

import base64
import io
import json

from ibm_cloud_sdk_core import ApiException
from ibm_cloud_sdk_core.authenticators import BearerTokenAuthenticator
from keyprotect import IbmKeyProtectApiV2

from harness import Failed, case, same

KEY_TYPE = "application/vnd.ibm.kms.key+json"
POLICY_TYPE = "application/vnd.ibm.kms.policy+json"


def instance(region, name):
    """An instance of Key Protect."""
    group = region.groups.list_resource_groups(default=True).get_result()["resources"][0]
    made = region.controller.create_resource_instance(
        name=name,
        target=region.name,
        resource_group=group["id"],
        resource_plan_id="tiered-pricing",
    )
    same(made.get_status_code(), 201, "instance")
    return made.get_result()


class Keys:
    """IBM's client, of one instance."""

    def __init__(self, region, made):
        self.guid = made["guid"]
        self.client = IbmKeyProtectApiV2(authenticator=region.authenticator)
        self.client.set_service_url(made["extensions"]["endpoints"]["public"])

    def __getattr__(self, name):
        call = getattr(self.client, name)
        return lambda *args, **kwargs: call(*args, bluemix_instance=self.guid, **kwargs)

    def key(self, **fields):
        """A new key; its id."""
        body = {
            "metadata": {"collectionType": KEY_TYPE, "collectionTotal": 1},
            "resources": [{"type": KEY_TYPE, "name": "conformance", **fields}],
        }
        made = self.create_key(key_create_body=body_of(body), prefer="return=representation")
        same(made.get_status_code(), 201, "key")
        return read(made)["resources"][0]["id"]

    def one(self, key):
        """A key."""
        return read(self.get_key_metadata(id=key))["resources"][0]


def body_of(body):
    """A body as the client wants it."""
    return io.BytesIO(json.dumps(body).encode())


def read(response):
    """What an answer says: the client leaves JSON of other media types to its caller."""
    return response.get_result().json()


def denied(status, code, call, *args, **kwargs):
    """Fails unless the call is refused in Key Protect's own shape."""
    try:
        result = call(*args, **kwargs).get_result()
    except ApiException as error:
        body = error.http_response.json()
        reason = body["resources"][0]["reasons"][0]
        same((error.status_code, reason["code"]), (status, code), "refusal")
        same(reason["status"], status, "status of the reason")
        return reason
    raise Failed(f"not refused: {result!r}")


@case
def a_root_key_wraps_and_goes_through_its_life(region):
    """B7, S21: create, wrap, unwrap, deny, rotate, disable, enable, delete, restore, purge."""
    keys = Keys(region, instance(region, region.fresh("kp")))
    key = keys.key(extractable=False)
    secret = base64.b64encode(b"0123456789abcdef").decode()
    wrapped = read(
        keys.wrap_key(
            id=key, key_action_wrap_body=body_of({"plaintext": secret, "aad": ["image-1"]})
        )
    )["ciphertext"]

    def unwrap(text=wrapped, aad=("image-1",)):
        body = body_of({"ciphertext": text, "aad": list(aad)})
        return keys.unwrap_key(id=key, key_action_unwrap_body=body)

    same(read(unwrap())["plaintext"], secret)
    denied(422, "UNPROCESSABLE_CIPHERTEXT_ERR", unwrap, aad=["image-2"])
    bad = base64.b64encode(base64.b64decode(wrapped)[:-1] + b"x").decode()
    denied(422, "UNPROCESSABLE_CIPHERTEXT_ERR", unwrap, bad)
    denied(400, "NO_BODY_ERR", keys.unwrap_key, id=key, key_action_unwrap_body=io.BytesIO(b" "))

    same(keys.rotate_key(id=key).get_status_code(), 204)
    denied(409, "KEY_ROTATION_NOT_PERMITTED", keys.rotate_key, id=key)
    opened = read(unwrap())
    same(opened["rewrappedKeyVersion"], {"id": keys.one(key)["keyVersion"]["id"]})
    same(len(read(keys.get_key_versions(id=key))["resources"]), 2)

    same(keys.disable_key(id=key).get_status_code(), 204)
    denied(409, "KEY_ACTION_INVALID_STATE_ERR", unwrap)
    denied(409, "REQ_TOO_EARLY_ERR", keys.enable_key, id=key)
    region.operator("clock", "advance", "30s")
    same(keys.enable_key(id=key).get_status_code(), 204)
    same(read(unwrap())["plaintext"], secret)

    gone = keys.delete_key(id=key, prefer="return=representation")
    same(gone.get_status_code(), 200)
    same(read(gone)["resources"][0]["state"], 5)
    denied(410, "KEY_DELETED_ERR", unwrap)
    region.operator("clock", "advance", "30s")
    back = keys.restore_key(id=key)
    same(back.get_status_code(), 201)
    same(read(unwrap())["plaintext"], secret)
    same(keys.delete_key(id=key).get_status_code(), 204)
    region.operator("clock", "advance", "4h")
    same(keys.purge_key(id=key).get_status_code(), 204)
    denied(404, "KEY_NOT_FOUND_ERR", keys.get_key, id=key)


@case
def keys_have_kinds_rings_aliases_and_policies(region):
    """B7: standard and imported keys, lists, rings, aliases, policies, dual authorization."""
    made = instance(region, region.fresh("kp"))
    keys = Keys(region, made)
    payload = base64.b64encode(b"any bytes at all").decode()
    standard = keys.key(extractable=True, payload=payload)
    same(read(keys.get_key(id=standard))["resources"][0]["payload"], payload)
    denied(400, "KEY_ROOT_REQ_ERR", keys.wrap_key, id=standard)
    imported = keys.key(extractable=False, payload=base64.b64encode(b"k" * 32).decode())
    denied(400, "KEY_PAYLOAD_REQ_ERR", keys.rotate_key, id=imported)
    listed = read(keys.get_keys(extractable=False, limit=5))
    same([one["id"] for one in listed["resources"]], [imported])
    total = keys.get_key_collection_metadata(state=[1])
    same(total.get_headers()["Key-Total"], "2")

    same(keys.create_key_ring(key_ring_id="team").get_status_code(), 201)
    denied(409, "KEY_RING_EXISTS_ERR", keys.create_key_ring, key_ring_id="team")
    move = {"keyRingID": "team"}
    same(keys.patch_key(id=imported, key_patch_body=body_of(move)).get_status_code(), 200)
    denied(409, "KEY_RING_NOT_EMPTY_ERR", keys.delete_key_ring, key_ring_id="team")
    lost = body_of({"keyRingID": "lost"})
    denied(404, "KEY_RING_NOT_FOUND_ERR", keys.patch_key, id=imported, key_patch_body=lost)
    same(keys.create_key_alias(id=imported, alias="gold").get_status_code(), 201)
    denied(409, "KEY_ALIAS_NOT_UNIQUE_ERR", keys.create_key_alias, id=standard, alias="gold")
    same(keys.one("gold")["id"], imported)
    same(keys.delete_key_alias(id=imported, alias="gold").get_status_code(), 204)
    denied(404, "KEY_ALIAS_NOT_FOUND_ERR", keys.delete_key_alias, id=imported, alias="gold")

    denied(409, "NOT_DUAL_AUTH_ERR", keys.set_key_for_deletion, id=imported)
    policy = {
        "metadata": {"collectionType": POLICY_TYPE, "collectionTotal": 1},
        "resources": [{"type": POLICY_TYPE, "dualAuthDelete": {"enabled": True}}],
    }
    set_to = {"id": imported, "key_policy_put_body": policy}
    same(keys.put_policy(policy="dualAuthDelete", **set_to).get_status_code(), 200)
    denied(400, "BODY_QUERY_PARAM_MISMATCH_ERR", keys.put_policy, policy="rotation", **set_to)
    denied(409, "AUTHORIZATIONS_NOT_MET", keys.delete_key, id=imported)
    access = {"create_root_key": False}
    data = {"enabled": True, "attributes": access}
    one = {"policy_type": "keyCreateImportAccess", "policy_data": data}
    body = {"metadata": {**policy["metadata"]}, "resources": [one]}
    same(keys.put_instance_policy(instance_policy_put_body=body).get_status_code(), 204)
    denied(409, "KEY_CREATE_IMPORT_ACCESS_ERR", keys.key, extractable=False)
    wrong = {**body, "metadata": {"collectionType": POLICY_TYPE, "collectionTotal": 2}}
    put = keys.put_instance_policy
    denied(400, "COLLECTION_TOTAL_MISMATCH_ERR", put, instance_policy_put_body=wrong)
    several = {"resources": [one, one]}
    named = {"policy": "keyCreateImportAccess", "instance_policy_put_body": several}
    denied(400, "NUM_COLLECTION_RESOURCE_ERR", put, **named)
    denied(501, "not_implemented", keys.get_kmip_adapters)
    try:
        region.controller.delete_resource_instance(id=made["id"])
        raise Failed("an instance with keys was deleted")
    except ApiException as error:
        same(error.http_response.json()["error_code"], "RESOURCE_INSTANCE_NOT_EMPTY")


@case
def a_key_of_another_account_is_not_there(region):
    """B7: another account finds neither instance nor key; without a token it is 401."""
    keys = Keys(region, instance(region, region.fresh("kp")))
    key = keys.key(extractable=False)
    other = region.another_account("keys-of-nobody")
    theirs = Keys(other, {"guid": keys.guid, "extensions": {"endpoints": {"public": region.url}}})
    denied(404, "INSTANCE_NOT_FOUND_ERR", theirs.get_key, id=key)
    denied(404, "INSTANCE_NOT_FOUND_ERR", theirs.wrap_key, id=key)
    keys.client.authenticator = BearerTokenAuthenticator("none")
    denied(401, "UNAUTHORIZED_ERR", keys.get_key, id=key)

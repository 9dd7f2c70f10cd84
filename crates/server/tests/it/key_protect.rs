//! Key Protect: the life of a key, what it wraps, and what is refused in its own shape.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::region::{Client, Region, Seen, id};

/// A client of one instance of Key Protect.
struct Keys {
    client: Client,
    instance: String,
}

impl Keys {
    async fn call(&self, method: &str, path: &str, body: Value) -> Seen {
        self.call_with(method, path, body, &[("bluemix-instance", &self.instance)]).await
    }

    async fn call_with(
        &self,
        method: &str,
        path: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> Seen {
        let method: Method = method.parse().unwrap();
        let mut request = Request::builder().method(method).uri(format!("/api/v2/{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.client.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn get(&self, path: &str) -> Seen {
        self.call("GET", path, Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> Seen {
        self.call("POST", path, body).await
    }

    /// A new key; its id.
    async fn key(&self, fields: Value) -> String {
        let mut resource = json!({"type": "application/vnd.ibm.kms.key+json", "name": "k"});
        resource.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let metadata = json!({"collectionType": "application/vnd.ibm.kms.key+json",
            "collectionTotal": 1});
        let body = json!({"metadata": metadata, "resources": [resource]});
        id(&self.post("keys", body).await.ok()["resources"][0])
    }

    async fn root(&self) -> String {
        self.key(json!({"extractable": false})).await
    }

    async fn one(&self, key: &str) -> Value {
        self.get(&format!("keys/{key}/metadata")).await.ok()["resources"][0].clone()
    }

    async fn act(&self, key: &str, action: &str, body: Value) -> Seen {
        self.post(&format!("keys/{key}/actions/{action}"), body).await
    }
}

/// Status and code of a refusal in Key Protect's shape.
fn refused(seen: &Seen) -> (u16, &str) {
    let resources = seen.body["resources"].as_array().unwrap_or_else(|| panic!("{seen:?}"));
    let reason = &resources[0]["reasons"][0];
    assert_eq!(seen.body["metadata"]["collectionType"], "application/vnd.ibm.kms.error+json");
    assert_eq!(reason["status"], seen.status, "{seen:?}");
    (seen.status, reason["code"].as_str().unwrap())
}

async fn instance(client: &Client, name: &str) -> Value {
    let groups = client.fetch("/v2/resource_groups?default=true").await.ok();
    let body = json!({"name": name, "resource_group": id(&groups["resources"][0]),
        "resource_plan_id": "tiered-pricing", "target": "us-south"});
    controller(client, "POST", "", body).await.ok()
}

async fn controller(client: &Client, method: &str, path: &str, body: Value) -> Seen {
    let method: Method = method.parse().unwrap();
    let request = Request::builder().method(method).uri(format!("/v2/resource_instances{path}"));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    client.send(request.body(Body::from(body)).unwrap()).await
}

async fn keys() -> (Region, Keys) {
    let region = Region::new().await;
    let client = region.client().await;
    let made = instance(&client, "my keys").await;
    let instance = made["guid"].as_str().unwrap().to_owned();
    (region, Keys { client, instance })
}

fn base64_of(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// B7: what is wrapped opens by its key with its context; what was changed, another key's or
/// another context's is 422, in every place of the text.
#[tokio::test]
async fn what_is_wrapped_opens_only_unchanged_with_its_key_and_context() {
    let (_region, keys) = keys().await;
    let (key, other) = (keys.root().await, keys.root().await);
    let wrapped = keys
        .act(&key, "wrap", json!({"plaintext": base64_of(b"0123456789abcdef"), "aad": ["a", "b"]}))
        .await
        .ok();
    assert!(wrapped.get("plaintext").is_none());
    let text = wrapped["ciphertext"].as_str().unwrap();
    let opened = keys.act(&key, "unwrap", json!({"ciphertext": text, "aad": ["a", "b"]})).await;
    assert_eq!(opened.header("content-type"), "application/vnd.ibm.kms.key_action+json");
    let opened = opened.ok();
    assert_eq!(opened["plaintext"], base64_of(b"0123456789abcdef"));
    assert_eq!(opened["keyVersion"]["id"], key);
    for wrong in [json!(["a"]), json!(["b", "a"]), json!(["ab"]), json!([])] {
        let seen = keys.act(&key, "unwrap", json!({"ciphertext": text, "aad": wrong})).await;
        assert_eq!(refused(&seen), (422, "UNPROCESSABLE_CIPHERTEXT_ERR"));
    }
    let seen = keys.act(&other, "unwrap", json!({"ciphertext": text, "aad": ["a", "b"]})).await;
    assert_eq!(refused(&seen), (422, "UNPROCESSABLE_CIPHERTEXT_ERR"));
    let bytes = BASE64_STANDARD.decode(text).unwrap();
    for place in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[place] ^= 1;
        let body = json!({"ciphertext": base64_of(&bad), "aad": ["a", "b"]});
        let seen = keys.act(&key, "unwrap", body).await;
        assert_eq!(refused(&seen), (422, "UNPROCESSABLE_CIPHERTEXT_ERR"), "byte {place}");
    }
    // Without bytes, new ones are made and shown.
    let made = keys.act(&key, "wrap", Value::Null).await.ok();
    let opened = keys.act(&key, "unwrap", json!({"ciphertext": made["ciphertext"]})).await.ok();
    assert_eq!(opened["plaintext"], made["plaintext"]);
    for bad in [json!({"plaintext": "not base64"}), json!({"plaintext": ""}), json!({"aad": "a"})] {
        let seen = keys.act(&key, "wrap", bad).await;
        assert_eq!(refused(&seen), (400, "INVALID_FIELD_ERR"));
    }
    assert_eq!(refused(&keys.act(&key, "unwrap", Value::Null).await), (400, "NO_BODY_ERR"));
}

/// B7, S21: a key's life with its waits: rotated, disabled, enabled, deleted, restored, purged.
#[tokio::test]
async fn a_key_goes_through_its_states_and_every_wait_counts() {
    let (region, keys) = keys().await;
    let key = keys.root().await;
    let old = keys.act(&key, "wrap", json!({"plaintext": base64_of(b"x")})).await.ok();
    let wait = |seconds| region.clock.advance(Duration::from_secs(seconds));

    assert_eq!(keys.act(&key, "rotate", Value::Null).await.status, 204);
    let seen = keys.act(&key, "rotate", Value::Null).await;
    assert_eq!(refused(&seen), (409, "KEY_ROTATION_NOT_PERMITTED"));
    let opened = keys.act(&key, "unwrap", json!({"ciphertext": old["ciphertext"]})).await.ok();
    assert_eq!(opened["keyVersion"]["id"], key);
    let newest = keys.one(&key).await["keyVersion"]["id"].clone();
    assert_ne!(newest, key);
    assert_eq!(opened["rewrappedKeyVersion"]["id"], newest);
    let again = json!({"ciphertext": opened["ciphertext"]});
    let again = keys.act(&key, "rewrap", again).await.ok();
    assert_eq!(again["rewrappedKeyVersion"]["id"], newest);
    assert!(again.get("plaintext").is_none());
    let versions = keys.get(&format!("keys/{key}/versions?totalCount=true")).await.ok();
    assert_eq!(versions["metadata"]["totalCount"], 2);
    assert_eq!(versions["resources"][0]["id"], newest);

    assert_eq!(keys.act(&key, "disable", Value::Null).await.status, 204);
    assert_eq!(keys.one(&key).await["state"], 2);
    for (action, body) in
        [("wrap", json!({})), ("unwrap", json!({"ciphertext": old["ciphertext"]}))]
    {
        let seen = keys.act(&key, action, body).await;
        assert_eq!(refused(&seen), (409, "KEY_ACTION_INVALID_STATE_ERR"), "{action}");
    }
    assert_eq!(refused(&keys.act(&key, "enable", Value::Null).await), (409, "REQ_TOO_EARLY_ERR"));
    wait(30);
    assert_eq!(keys.act(&key, "enable", Value::Null).await.status, 204);
    assert_eq!(keys.act(&key, "wrap", Value::Null).await.status, 200);

    let headers =
        [("bluemix-instance", keys.instance.as_str()), ("prefer", "return=representation")];
    let path = format!("keys/{key}");
    let gone = keys.call_with("DELETE", &path, Value::Null, &headers).await.ok();
    let gone = &gone["resources"][0];
    assert_eq!((&gone["state"], &gone["deleted"]), (&json!(5), &json!(true)));
    assert_eq!((&gone["restoreAllowed"], &gone["purgeAllowed"]), (&json!(false), &json!(false)));
    let again = keys.call("DELETE", &path, Value::Null).await;
    assert_eq!(refused(&again), (410, "KEY_DELETED_ERR"));
    let body = json!({"ciphertext": old["ciphertext"]});
    assert_eq!(refused(&keys.act(&key, "unwrap", body).await), (410, "KEY_DELETED_ERR"));
    let seen = keys.post(&format!("keys/{key}/restore"), Value::Null).await;
    assert_eq!(refused(&seen), (409, "REQ_TOO_EARLY_ERR"));
    wait(30);
    let back = keys.post(&format!("keys/{key}/restore"), Value::Null).await;
    assert_eq!(back.status, 201);
    let body = json!({"ciphertext": old["ciphertext"]});
    assert_eq!(keys.act(&key, "unwrap", body).await.ok()["plaintext"], base64_of(b"x"));

    let purge = format!("keys/{key}/purge");
    let seen = keys.call("DELETE", &purge, Value::Null).await;
    assert_eq!(refused(&seen), (409, "KEY_ACTION_INVALID_STATE_ERR"));
    assert_eq!(keys.call("DELETE", &path, Value::Null).await.status, 204);
    let seen = keys.call("DELETE", &purge, Value::Null).await;
    assert_eq!(refused(&seen), (409, "REQ_TOO_EARLY_ERR"));
    wait(4 * 60 * 60);
    // The token of before has expired.
    let keys = Keys { client: region.client().await, ..keys };
    assert_eq!(keys.call("DELETE", &purge, Value::Null).await.status, 204);
    assert_eq!(refused(&keys.get(&path).await), (404, "KEY_NOT_FOUND_ERR"));
    let body = json!({"ciphertext": old["ciphertext"]});
    assert_eq!(refused(&keys.act(&key, "unwrap", body).await), (404, "KEY_NOT_FOUND_ERR"));
}

#[tokio::test]
async fn what_is_too_late_is_refused_and_old_keys_purge_themselves() {
    let (region, keys) = keys().await;
    let key = keys.root().await;
    keys.call("DELETE", &format!("keys/{key}"), Value::Null).await.ok();
    let day = 24 * 60 * 60;
    region.clock.advance(Duration::from_secs(30 * day + 1));
    // The token of before has expired.
    let keys = Keys { client: region.client().await, ..keys };
    let seen = keys.post(&format!("keys/{key}/restore"), Value::Null).await;
    assert_eq!(refused(&seen), (400, "KEY_RESTORE_EXPIRED"));
    region.clock.advance(Duration::from_secs(60 * day));
    let keys = Keys { client: region.client().await, ..keys };
    assert_eq!(refused(&keys.get(&format!("keys/{key}")).await), (404, "KEY_NOT_FOUND_ERR"));
    assert_eq!(region.control.kms_keys_due(10).await.unwrap(), 1);
    assert_eq!(region.control.kms_keys_due(10).await.unwrap(), 0);
    let listed = keys.get("keys?state=1,2,3,5").await.ok();
    assert_eq!(listed["metadata"]["collectionTotal"], 0);
}

#[tokio::test]
async fn a_rotation_policy_rotates_by_itself() {
    let (region, keys) = keys().await;
    let key = keys.root().await;
    let policy = |months| {
        json!({"resources": [{"type": "application/vnd.ibm.kms.policy+json",
            "rotation": {"enabled": true, "interval_month": months}}]})
    };
    let path = format!("keys/{key}/policies?policy=rotation");
    let set = keys.call("PUT", &path, policy(1)).await.ok();
    assert_eq!(set["resources"][0]["rotation"]["interval_month"], 1);
    for months in [0, 13] {
        let seen = keys.call("PUT", &path, policy(months)).await;
        assert_eq!(refused(&seen), (400, "INVALID_FIELD_ERR"));
    }
    let path = format!("keys/{key}/policies?policy=dualAuthDelete");
    let seen = keys.call("PUT", &path, policy(1)).await;
    assert_eq!(refused(&seen), (400, "BODY_QUERY_PARAM_MISMATCH_ERR"));
    let standard = keys.key(json!({"extractable": true})).await;
    let seen = keys.call("PUT", &format!("keys/{standard}/policies"), policy(1)).await;
    assert_eq!(refused(&seen).0, 400);
    region.clock.advance(Duration::from_secs(30 * 24 * 60 * 60));
    assert_eq!(region.control.kms_keys_due(10).await.unwrap(), 1);
    assert_eq!(region.control.kms_keys_due(10).await.unwrap(), 0);
    let keys = Keys { client: region.client().await, ..keys };
    assert_ne!(keys.one(&key).await["keyVersion"]["id"], key);
}

#[tokio::test]
async fn imported_and_standard_keys_have_rules_of_their_own() {
    let (region, keys) = keys().await;
    let payload = base64_of(&[7; 24]);
    let imported = keys.key(json!({"extractable": false, "payload": payload})).await;
    let one = keys.get(&format!("keys/{imported}")).await.ok()["resources"][0].clone();
    assert_eq!(one["imported"], true);
    assert!(one.get("payload").is_none());
    let seen = keys.act(&imported, "rotate", Value::Null).await;
    assert_eq!(refused(&seen), (400, "KEY_PAYLOAD_REQ_ERR"));
    let seen = keys.act(&imported, "rotate", json!({"payload": base64_of(&[8; 32])})).await;
    assert_eq!(seen.status, 204);
    let generated = keys.root().await;
    let seen = keys.act(&generated, "rotate", json!({"payload": base64_of(&[8; 32])})).await;
    assert_eq!(refused(&seen).0, 400);

    let standard = keys.key(json!({"extractable": true, "payload": base64_of(b"any bytes")})).await;
    let one = keys.get(&format!("keys/{standard}")).await.ok()["resources"][0].clone();
    assert_eq!(one["payload"], base64_of(b"any bytes"));
    assert!(keys.one(&standard).await.get("payload").is_none());
    for action in ["wrap", "rotate", "disable", "enable"] {
        let seen = keys.act(&standard, action, Value::Null).await;
        assert_eq!(refused(&seen), (400, "KEY_ROOT_REQ_ERR"), "{action}");
    }
    let metadata = json!({"collectionType": "application/vnd.ibm.kms.key+json",
        "collectionTotal": 2});
    let resource = json!({"name": "k", "extractable": false});
    let body = json!({"metadata": metadata, "resources": [resource]});
    let seen = keys.post("keys", body).await;
    assert_eq!(refused(&seen), (400, "COLLECTION_TOTAL_MISMATCH_ERR"));
    for (fields, status) in [
        (json!({"extractable": false, "payload": base64_of(&[1; 31])}), 400),
        (json!({"payload": "%%"}), 400),
        (json!({"name": " "}), 400),
        (json!({"expirationDate": "2020-01-01T00:00:00Z"}), 400),
        (json!({"encryptedNonce": "AAAA", "iv": "AAAA"}), 501),
    ] {
        let mut resource = json!({"name": "k"});
        resource.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let seen = keys.post("keys", json!({"resources": [resource]})).await;
        assert_eq!(refused(&seen).0, status, "{fields}");
    }
    let expiring =
        keys.key(json!({"extractable": false, "expirationDate": "2026-11-24T11:00:00Z"})).await;
    let wrapped = keys.act(&expiring, "wrap", Value::Null).await.ok();
    region.clock.advance(Duration::from_secs(60 * 60));
    let keys = Keys { client: region.client().await, ..keys };
    assert_eq!(keys.one(&expiring).await["state"], 3);
    let seen = keys.act(&expiring, "wrap", Value::Null).await;
    assert_eq!(refused(&seen), (400, "KEY_EXPIRED_ERR"));
    let body = json!({"ciphertext": wrapped["ciphertext"]});
    assert_eq!(keys.act(&expiring, "unwrap", body).await.status, 200);
}

#[tokio::test]
async fn lists_have_pages_filters_searches_and_a_total() {
    let (region, keys) = keys().await;
    let mut made = Vec::new();
    for at in 0..5 {
        let name = format!("Key {at}");
        region.clock.advance(Duration::from_secs(1));
        made.push(keys.key(json!({"extractable": at % 2 == 0, "name": name})).await);
    }
    keys.post(&format!("keys/{}/aliases/gold-key", made[3]), Value::Null).await.ok();
    keys.call("DELETE", &format!("keys/{}", made[4]), Value::Null).await.ok();
    let ids = async |query: &str| -> Vec<String> {
        let seen = keys.get(&format!("keys{query}")).await.ok();
        seen["resources"].as_array().unwrap().iter().map(id).collect()
    };
    assert_eq!(ids("").await, made[..4]);
    assert_eq!(ids("?limit=2&offset=1").await, made[1..3]);
    assert_eq!(ids("?state=5").await, made[4..]);
    assert_eq!(ids("?extractable=false").await, [made[1].clone(), made[3].clone()]);
    assert_eq!(ids("?search=GOLD").await, made[3..4]);
    assert_eq!(ids("?search=exact:name:key%202").await, made[2..3]);
    assert_eq!(ids("?search=not:name:key&state=1").await, Vec::<String>::new());
    assert_eq!(ids("?sort=-name&limit=1").await, made[3..4]);
    let head = keys.call("HEAD", "keys?extractable=true", Value::Null).await;
    assert_eq!((head.status, head.header("key-total"), head.text.as_str()), (200, "2", ""));
    for bad in ["?limit=5001", "?offset=-1", "?state=7", "?extractable=maybe", "?sort=color"] {
        assert_eq!(refused(&keys.get(&format!("keys{bad}")).await), (400, "INVALID_FIELD_ERR"));
    }
    let seen = keys.get("keys?filter=state%3D1").await;
    assert_eq!(refused(&seen), (501, "not_implemented"));
    // An alias finds its key.
    assert_eq!(keys.one("gold-key").await["id"], made[3]);
    let taken = keys.post(&format!("keys/{}/aliases/gold-key", made[1]), Value::Null).await;
    assert_eq!(refused(&taken), (409, "KEY_ALIAS_NOT_UNIQUE_ERR"));
    let path = format!("keys/{}/aliases/gold-key", made[3]);
    assert_eq!(keys.call("DELETE", &path, Value::Null).await.status, 204);
    let seen = keys.call("DELETE", &path, Value::Null).await;
    assert_eq!(refused(&seen), (404, "KEY_ALIAS_NOT_FOUND_ERR"));
}

#[tokio::test]
async fn rings_hold_keys_and_a_wrong_ring_hides_them() {
    let (_region, keys) = keys().await;
    let key = keys.root().await;
    assert_eq!(keys.post("key_rings/team-1", Value::Null).await.status, 201);
    let again = keys.post("key_rings/team-1", Value::Null).await;
    assert_eq!(refused(&again), (409, "KEY_RING_EXISTS_ERR"));
    let rings = keys.get("key_rings").await.ok();
    let names: Vec<_> = rings["resources"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(names, ["default", "team-1"]);
    let path = format!("keys/{key}");
    let seen = keys.call("PATCH", &path, json!({"keyRingID": "no-such"})).await;
    assert_eq!(refused(&seen), (404, "KEY_RING_NOT_FOUND_ERR"));
    let moved = keys.call("PATCH", &path, json!({"keyRingID": "team-1"})).await.ok();
    assert_eq!(moved["resources"][0]["keyRingID"], "team-1");
    let of = |ring| [("bluemix-instance", keys.instance.as_str()), ("x-kms-key-ring", ring)];
    let seen = keys.call_with("GET", &path, Value::Null, &of("default")).await;
    assert_eq!(refused(&seen), (404, "KEY_NOT_FOUND_ERR"));
    assert_eq!(keys.call_with("GET", &path, Value::Null, &of("team-1")).await.status, 200);
    let seen = keys.call("DELETE", "key_rings/team-1", Value::Null).await;
    assert_eq!(refused(&seen), (409, "KEY_RING_NOT_EMPTY_ERR"));
    keys.call("DELETE", &path, Value::Null).await.ok();
    let seen = keys.call("DELETE", "key_rings/team-1?force=true", Value::Null).await;
    assert_eq!(seen.status, 204);
    assert_eq!(keys.one(&key).await["keyRingID"], "default");
}

/// B7: policies of the instance count for new keys; two delete where two are needed.
#[tokio::test]
async fn policies_of_the_instance_count_for_new_keys() {
    let (region, keys) = keys().await;
    let set = async |kind: &str, data: Value| {
        let body = json!({"resources": [{"policy_type": kind, "policy_data": data}]});
        keys.call("PUT", &format!("instance/policies?policy={kind}"), body).await
    };
    assert_eq!(set("dualAuthDelete", json!({"enabled": true})).await.status, 204);
    let rotation = json!({"enabled": true, "attributes": {"interval_month": 3}});
    assert_eq!(set("rotation", rotation).await.status, 204);
    let key = keys.root().await;
    let one = keys.one(&key).await;
    assert_eq!(one["dualAuthDelete"]["enabled"], true);
    assert_eq!(one["rotation"], json!({"enabled": true, "interval_month": 3}));
    let path = format!("keys/{key}");
    let seen = keys.call("DELETE", &path, Value::Null).await;
    assert_eq!(refused(&seen), (409, "AUTHORIZATIONS_NOT_MET"));
    assert_eq!(keys.act(&key, "setKeyForDeletion", Value::Null).await.status, 204);
    assert_eq!(keys.one(&key).await["dualAuthDelete"]["keySetForDeletion"], true);
    // The same one does not count twice.
    let seen = keys.call("DELETE", &path, Value::Null).await;
    assert_eq!(refused(&seen), (409, "AUTHORIZATIONS_NOT_MET"));
    assert_eq!(keys.act(&key, "unsetKeyForDeletion", Value::Null).await.status, 204);
    let off = json!({"enabled": false});
    assert_eq!(set("dualAuthDelete", off).await.status, 204);
    let plain = keys.root().await;
    let seen = keys.act(&plain, "setKeyForDeletion", Value::Null).await;
    assert_eq!(refused(&seen), (409, "NOT_DUAL_AUTH_ERR"));

    let access = json!({"enabled": true, "attributes": {"create_root_key": false,
        "import_standard_key": false}});
    assert_eq!(set("keyCreateImportAccess", access).await.status, 204);
    let make = async |resource| keys.post("keys", json!({"resources": [resource]})).await;
    let seen = make(json!({"name": "k", "extractable": false})).await;
    assert_eq!(refused(&seen), (409, "KEY_CREATE_IMPORT_ACCESS_ERR"));
    assert_eq!(make(json!({"name": "k", "extractable": true})).await.status, 201);
    let seen = set("allowedIP", json!({"enabled": true})).await;
    assert_eq!(refused(&seen), (501, "not_implemented"));
    let two = json!({"policy_type": "rotation", "policy_data": {"enabled": false}});
    let body = json!({"resources": [two, two]});
    let seen = keys.call("PUT", "instance/policies?policy=rotation", body).await;
    assert_eq!(refused(&seen), (400, "NUM_COLLECTION_RESOURCE_ERR"));
    drop(region);
}

/// B7: no instance, a malformed one, another's: nothing is told of any key.
#[tokio::test]
async fn another_account_or_instance_finds_nothing_and_a_stranger_is_401() {
    let (region, keys) = keys().await;
    let key = keys.root().await;
    let path = format!("keys/{key}");
    let seen = keys.call_with("GET", &path, Value::Null, &[]).await;
    assert_eq!(refused(&seen), (400, "INVALID_FIELD_ERR"));
    let seen = keys.call_with("GET", &path, Value::Null, &[("bluemix-instance", "a b")]).await;
    assert_eq!(refused(&seen), (400, "INVALID_FIELD_ERR"));
    let nothing = [("bluemix-instance", "2291e4ae-a14c-4af9-88f0-27c0cb2739e2")];
    let seen = keys.call_with("GET", &path, Value::Null, &nothing).await;
    assert_eq!(refused(&seen), (404, "INSTANCE_NOT_FOUND_ERR"));
    let second = instance(&keys.client, "second").await["guid"].as_str().unwrap().to_owned();
    let seen = keys.call_with("GET", &path, Value::Null, &[("bluemix-instance", &second)]).await;
    assert_eq!(refused(&seen), (404, "KEY_NOT_FOUND_ERR"));

    let other = region.control.account_create("other").await.unwrap();
    let other = region.sign_in(&other.api_key).await;
    let theirs = Keys { client: other, instance: keys.instance.clone() };
    for method in ["GET", "DELETE"] {
        let seen = theirs.call(method, &path, Value::Null).await;
        assert_eq!(refused(&seen), (404, "INSTANCE_NOT_FOUND_ERR"), "{method}");
    }
    let seen = theirs.act(&key, "wrap", Value::Null).await;
    assert_eq!(refused(&seen), (404, "INSTANCE_NOT_FOUND_ERR"));
    let stranger = Keys { client: region.stranger(), instance: keys.instance.clone() };
    assert_eq!(refused(&stranger.get(&path).await), (401, "UNAUTHORIZED_ERR"));
    let seen = keys.get("kmip_adapters").await;
    assert_eq!(refused(&seen), (501, "not_implemented"));
}

#[tokio::test]
async fn instances_are_made_found_renamed_and_deleted() {
    let (region, keys) = keys().await;
    let client = &keys.client;
    let listed = client.fetch("/v2/resource_instances?name=my%20keys").await.ok();
    let one = &listed["resources"][0];
    assert_eq!(one["extensions"]["endpoints"]["public"], "http://127.0.0.1:9000");
    let crn = one["crn"].as_str().unwrap();
    let path = format!("/{}", crn.replace(':', "%3A").replace('/', "%2F"));
    assert_eq!(controller(client, "GET", &path, Value::Null).await.ok()["guid"], keys.instance);
    let renamed = controller(client, "PATCH", &path, json!({"name": "ours"})).await.ok();
    assert_eq!(renamed["name"], "ours");
    let key = keys.root().await;
    let full = controller(client, "DELETE", &path, Value::Null).await;
    assert_eq!(
        (full.status, &full.body["error_code"]),
        (400, &json!("RESOURCE_INSTANCE_NOT_EMPTY"))
    );
    keys.call("DELETE", &format!("keys/{key}"), Value::Null).await.ok();
    assert_eq!(controller(client, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(controller(client, "GET", &path, Value::Null).await.status, 404);
    let groups = client.fetch("/v2/resource_groups?default=true").await.ok();
    let group = id(&groups["resources"][0]);
    for (field, value, status) in [
        ("resource_plan_id", "lite", 501),
        ("target", "eu-de", 400),
        ("resource_group", "no-such", 400),
        ("name", "", 400),
    ] {
        let mut body = json!({"name": "x", "resource_group": group,
            "resource_plan_id": "tiered-pricing", "target": "us-south"});
        body[field] = value.into();
        let seen = controller(client, "POST", "", body).await;
        assert_eq!(seen.status, status, "{field}: {seen:?}");
    }
    drop(region);
}

/// The older way to the actions answers as the newer one.
#[tokio::test]
async fn the_older_way_to_actions_works_too() {
    let (_region, keys) = keys().await;
    let key = keys.root().await;
    let wrapped = keys.post(&format!("keys/{key}?action=wrap"), json!({})).await.ok();
    let body = json!({"ciphertext": wrapped["ciphertext"]});
    let opened = keys.post(&format!("keys/{key}?action=unwrap"), body).await.ok();
    assert_eq!(opened["plaintext"], wrapped["plaintext"]);
    assert_eq!(keys.post(&format!("keys/{key}?action=disable"), Value::Null).await.status, 204);
    let seen = keys.post(&format!("keys/{key}?action=burn"), Value::Null).await;
    assert_eq!(refused(&seen), (400, "INVALID_FIELD_ERR"));
}

//! Answers of Key Protect and of the resource controller for its instances.

use base::{Crn, RegionName, Timestamp};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::{
    EARLY_WAIT, InstancePolicy, InstancePolicyKind, KmsKey, KmsKeyState, KmsRegistration, KmsRing,
    PURGE_AT_AGE, PURGE_WAIT, RESTORE_MAX, ServiceInstance, key_protect_crn, version_id,
};
use serde_json::{Map, Value, json};

use crate::request::{KEY_TYPE, POLICY_TYPE};

/// Media type of wrapped and unwrapped bytes.
pub const ACTION_TYPE: &str = "application/vnd.ibm.kms.key_action+json";
/// Media type of aliases.
pub const ALIAS_TYPE: &str = "application/vnd.ibm.kms.alias+json";
/// Media type of key rings.
pub const RING_TYPE: &str = "application/vnd.ibm.kms.key_ring+json";
/// Media type of registrations.
pub const REGISTRATION_TYPE: &str = "application/vnd.ibm.kms.registration+json";
/// IBM's id of Key Protect in the catalogue.
pub const KEY_PROTECT_ID: &str = "ee41347f-b18e-4ca6-bf80-b5467c63f9a6";
/// IBM's id of its plan.
pub const KEY_PROTECT_PLAN: &str = "eedd3585-90c6-4c8f-be3d-062069e99fc3";

/// Resources with their metadata.
#[must_use]
pub fn kms_collection(media: &str, total: Option<u64>, resources: Vec<Value>) -> Value {
    let mut metadata = json!({"collectionType": media, "collectionTotal": resources.len()});
    if let Some(total) = total {
        metadata["totalCount"] = total.into();
    }
    json!({"metadata": metadata, "resources": resources})
}

fn date(at: Timestamp) -> Value {
    at.to_string().into()
}

/// A version of a key.
#[must_use]
pub fn kms_version(key: &KmsKey, version: u32, since: Timestamp) -> Value {
    json!({"id": version_id(&key.id, version), "creationDate": since.to_string()})
}

fn key_crn(key: &KmsKey, region: &RegionName, kind: &str) -> Crn {
    key_protect_crn(region, &key.account, &key.instance, kind, key.id.as_str())
}

/// A key; with its material when that is shown.
#[must_use]
pub fn kms_key(key: &KmsKey, region: &RegionName, now: Timestamp, payload: Option<&[u8]>) -> Value {
    let mut out = Map::new();
    let mut say = |name: &str, value: Value| out.insert(name.to_owned(), value);
    say("type", KEY_TYPE.into());
    say("id", key.id.as_str().into());
    say("name", key.name.clone().into());
    if !key.description.is_empty() {
        say("description", key.description.clone().into());
    }
    if !key.aliases.is_empty() {
        say("aliases", key.aliases.clone().into());
    }
    say("state", key.state_at(now).number().into());
    say("extractable", key.extractable.into());
    say("crn", key_crn(key, region, "key").to_string().into());
    say("imported", key.imported.into());
    say("keyRingID", key.ring.clone().into());
    say("creationDate", date(key.created_at));
    say("createdBy", key.created_by.clone().into());
    say("algorithmType", "AES".into());
    say("algorithmMetadata", json!({"bitLength": "256", "mode": "CBC_PAD"}));
    say("algorithmBitSize", 256.into());
    say("algorithmMode", "CBC_PAD".into());
    say("lastUpdateDate", date(key.updated_at));
    if let Some(at) = key.rotated_at {
        say("lastRotateDate", date(at));
    }
    if let Some(at) = key.expires_at {
        say("expirationDate", date(at));
    }
    if !key.extractable {
        let since = key.rotated_at.unwrap_or(key.created_at);
        say("keyVersion", kms_version(key, key.version, since));
    }
    let mut dual = json!({"enabled": key.needs_two()});
    if let Some(set) = &key.deletion_set {
        dual["keySetForDeletion"] = true.into();
        dual["authExpiration"] = date(set.until);
    }
    say("dualAuthDelete", dual);
    if let Some(policy) = &key.rotation {
        let (enabled, months) = policy.value;
        say("rotation", json!({"enabled": enabled, "interval_month": months}));
    }
    say("deleted", key.deleted.is_some().into());
    deletion(key, now, &mut say);
    if let Some(bytes) = payload {
        say("payload", BASE64_STANDARD.encode(bytes).into());
    }
    Value::Object(out)
}

fn deletion(key: &KmsKey, now: Timestamp, say: &mut impl FnMut(&str, Value) -> Option<Value>) {
    let Some((at, by)) = &key.deleted else { return };
    let until = at.plus(RESTORE_MAX);
    let allowed = !key.extractable && until >= now && at.plus(EARLY_WAIT) <= now;
    say("deletionDate", date(*at));
    say("deletedBy", by.clone().into());
    say("restoreExpirationDate", date(until));
    say("restoreAllowed", allowed.into());
    say("purgeAllowedFrom", date(at.plus(PURGE_WAIT)));
    say("purgeAllowed", (at.plus(PURGE_WAIT) <= now).into());
    say("purgeScheduledOn", date(at.plus(PURGE_AT_AGE)));
    if key.state == KmsKeyState::Destroyed {
        say("nonactiveStateReason", 2.into());
    }
}

/// Wrapped bytes, with the bytes themselves when they were made here.
#[must_use]
pub fn kms_wrapped(
    key: &KmsKey,
    version: u32,
    ciphertext: &[u8],
    plaintext: Option<&[u8]>,
) -> Value {
    let mut out = json!({
        "ciphertext": BASE64_STANDARD.encode(ciphertext),
        "keyVersion": {"id": version_id(&key.id, version)},
    });
    if let Some(bytes) = plaintext {
        out["plaintext"] = BASE64_STANDARD.encode(bytes).into();
    }
    out
}

/// Opened bytes (none for a rewrap), and the same wrapped anew.
#[must_use]
pub fn kms_unwrapped(
    key: &KmsKey,
    version: u32,
    plaintext: Option<&[u8]>,
    rewrapped: Option<&(u32, Vec<u8>)>,
) -> Value {
    let mut out = json!({"keyVersion": {"id": version_id(&key.id, version)}});
    if let Some(bytes) = plaintext {
        out["plaintext"] = BASE64_STANDARD.encode(bytes).into();
    }
    if let Some((version, ciphertext)) = rewrapped {
        out["ciphertext"] = BASE64_STANDARD.encode(ciphertext).into();
        out["rewrappedKeyVersion"] = json!({"id": version_id(&key.id, *version)});
    }
    out
}

/// The policies of a key: both, or the one that is asked for.
#[must_use]
pub fn kms_key_policies(key: &KmsKey, region: &RegionName, only: Option<&str>) -> Vec<Value> {
    let of = |name: &str, value: Value, by: &str, at: Timestamp| {
        let mut out = json!({
            "type": POLICY_TYPE,
            "id": version_id(&key.id, if name == "rotation" { u32::MAX } else { u32::MAX - 1 }),
            "crn": key_crn(key, region, "policy").to_string(),
            "createdBy": by,
            "creationDate": at.to_string(),
            "updatedBy": by,
            "lastUpdateDate": at.to_string(),
        });
        out[name] = value;
        out
    };
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    let dual = key.dual_auth.as_ref().filter(|_| wanted("dualAuthDelete"));
    let rotation = key.rotation.as_ref().filter(|_| wanted("rotation"));
    let dual = dual.map(|p| of("dualAuthDelete", json!({"enabled": p.value}), &p.by, p.at));
    let rotation = rotation.map(|p| {
        let (enabled, months) = p.value;
        of("rotation", json!({"enabled": enabled, "interval_month": months}), &p.by, p.at)
    });
    dual.into_iter().chain(rotation).collect()
}

/// A policy of an instance.
#[must_use]
pub fn kms_instance_policy(policy: &InstancePolicy) -> Value {
    let bit = |bit| policy.detail & bit != 0;
    let mut data = json!({"enabled": policy.enabled});
    match policy.kind {
        InstancePolicyKind::Rotation if policy.detail > 0 => {
            data["attributes"] = json!({"interval_month": policy.detail});
        }
        InstancePolicyKind::KeyCreateImportAccess => {
            data["attributes"] = json!({
                "create_root_key": bit(InstancePolicy::CREATE_ROOT),
                "create_standard_key": bit(InstancePolicy::CREATE_STANDARD),
                "import_root_key": bit(InstancePolicy::IMPORT_ROOT),
                "import_standard_key": bit(InstancePolicy::IMPORT_STANDARD),
                "enforce_token": bit(InstancePolicy::ENFORCE_TOKEN),
            });
        }
        InstancePolicyKind::Rotation | InstancePolicyKind::DualAuthDelete => {}
    }
    json!({
        "policy_type": policy.kind.as_str(),
        "policy_data": data,
        "createdBy": policy.created_by,
        "creationDate": policy.created_at.to_string(),
        "updatedBy": policy.updated_by,
        "lastUpdated": policy.updated_at.to_string(),
    })
}

/// A key ring.
#[must_use]
pub fn kms_ring_body(ring: &KmsRing) -> Value {
    json!({
        "id": ring.id,
        "creationDate": ring.created_at.to_string(),
        "createdBy": ring.created_by,
    })
}

/// An alias of a key.
#[must_use]
pub fn kms_alias_body(key: &KmsKey, alias: &str, by: &str, at: Timestamp) -> Value {
    json!({
        "keyId": key.id.as_str(),
        "alias": alias,
        "creationDate": at.to_string(),
        "createdBy": by,
    })
}

/// What a key protects.
#[must_use]
pub fn kms_registration(found: &KmsRegistration, version: u32) -> Value {
    let at = found.created_at.to_string();
    json!({
        "keyId": found.key.as_str(),
        "keyName": found.key_name,
        "resourceCrn": found.resource.to_string(),
        "createdBy": "server-protect",
        "creationDate": at,
        "updatedBy": "server-protect",
        "lastUpdated": at,
        "description": format!("The data key of this {} is wrapped by the key.", found.resource.kind),
        "preventKeyDeletion": false,
        "keyVersion": {"id": version_id(&found.key, version), "creationDate": at},
    })
}

/// An instance of Key Protect. Its endpoint is the region's own address.
#[must_use]
pub fn resource_instance(one: &ServiceInstance, region: &RegionName, base_url: &str) -> Value {
    let crn = one.crn(region).to_string();
    let url = format!("/v2/resource_instances/{}", one.id);
    let group = Crn {
        service: "resource-controller".to_owned(),
        location: String::new(),
        account: Some(one.account.clone()),
        instance: String::new(),
        kind: "resource-group".to_owned(),
        resource: one.group.to_string(),
    };
    json!({
        "id": crn,
        "guid": one.id.as_str(),
        "url": url,
        "created_at": one.created_at.to_string(),
        "updated_at": one.updated_at.to_string(),
        "created_by": one.created_by,
        "name": one.name,
        "region_id": region.as_str(),
        "account_id": one.account.as_str(),
        "resource_plan_id": KEY_PROTECT_PLAN,
        "resource_group_id": one.group.as_str(),
        "resource_group_crn": group.to_string(),
        "target_crn": format!(
            "crn:v1:bluemix:public:globalcatalog::::deployment:{KEY_PROTECT_PLAN}%3A{region}",
            region = region.as_str()
        ),
        "parameters": {},
        "allow_cleanup": false,
        "crn": crn,
        "state": "active",
        "type": "service_instance",
        "sub_type": "kms",
        "resource_id": KEY_PROTECT_ID,
        "last_operation": {"type": "create", "state": "succeeded", "async": false,
            "description": "The instance is there."},
        "resource_aliases_url": format!("{url}/resource_aliases"),
        "resource_bindings_url": format!("{url}/resource_bindings"),
        "resource_keys_url": format!("{url}/resource_keys"),
        "plan_history": [{"resource_plan_id": KEY_PROTECT_PLAN,
            "start_date": one.created_at.to_string()}],
        "migrated": false,
        "extensions": {"endpoints": {"public": base_url, "private": base_url}},
        "locked": false,
    })
}

/// A list of resource instances; all on one page.
#[must_use]
pub fn resource_instances(resources: Vec<Value>) -> Value {
    json!({"rows_count": resources.len(), "next_url": null, "resources": resources})
}

//! Bodies and parameters of Key Protect.

use base::Timestamp;
use base64::{Engine, prelude::BASE64_STANDARD};
use model::{
    InstancePolicy, InstancePolicyKind, KmsKeyState, KmsPolicyWant, KmsSearch, KmsSort, KmsSortBy,
};
use serde_json::json;

use super::OffsetPage;
use crate::{ApiError, ErrorCode, Fields, Query};

/// Media type of keys.
pub const KEY_TYPE: &str = "application/vnd.ibm.kms.key+json";
/// Media type of policies.
pub const POLICY_TYPE: &str = "application/vnd.ibm.kms.policy+json";
/// Longest name of a key, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 90;
/// Longest description of a key, in bytes.
pub(crate) const DESCRIPTION_BYTES_MAX: usize = 240;
/// Longest alias, in bytes; the shortest has 2.
pub(crate) const ALIAS_BYTES_MAX: usize = 90;
/// Longest name of a key ring, in bytes; the shortest has 2.
pub(crate) const RING_BYTES_MAX: usize = 100;
/// Longest payload of a key in base64, in bytes.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 10_000;
/// Longest bytes that are wrapped, in base64.
pub(crate) const PLAINTEXT_BYTES_MAX: usize = 4_096;
/// Longest wrapped bytes, in base64.
pub(crate) const CIPHERTEXT_BYTES_MAX: usize = 8_192;
/// Most texts of additional data.
pub(crate) const AAD_ITEMS_MAX: usize = 126;
/// Longest text of additional data, in bytes.
pub(crate) const AAD_BYTES_MAX: usize = 255;
/// Longest rotation interval, in months.
pub(crate) const MONTHS_MAX: u32 = 12;
/// Most keys of one page.
pub const KEYS_PAGE_MAX: u32 = 5_000;
/// Keys of a page when nothing is said.
pub(crate) const KEYS_PAGE_DEFAULT: u32 = 200;
/// Largest offset.
pub(crate) const OFFSET_MAX: u32 = 10_000_000;

/// `POST /api/v2/keys`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsKeyPrototype {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// A standard key.
    pub extractable: bool,
    /// Its material.
    pub payload: Option<Vec<u8>>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// Whether two are needed to delete it.
    pub dual_auth: Option<bool>,
    /// Whether and every how many months it rotates.
    pub rotation: Option<(bool, u32)>,
}

/// The metadata of a body with so many resources, if it has any, says nothing else.
fn metadata(f: &Fields<'_>, media: &str, count: usize) -> Result<(), ApiError> {
    let Some(f) = f.object("metadata")? else { return Ok(()) };
    f.choice("collectionType", media, |text| (text == media).then_some(()))?;
    let total = f.number("collectionTotal", 0, u64::from(u32::MAX))?;
    if total.is_some_and(|total| total != count as u64) {
        let what = "does not match number of resources";
        return Err(f.error(ErrorCode::CollectionTotalMismatch, "collectionTotal", what));
    }
    Ok(())
}

/// The single resource of a body, after its metadata.
fn resource<'a>(f: &Fields<'a>, media: &str) -> Result<Fields<'a>, ApiError> {
    metadata(f, media, 1)?;
    let mut all = f.required("resources", f.objects("resources", 1)?)?;
    all.pop().ok_or_else(|| {
        f.error(ErrorCode::ValidationRequiredField, "resources", "must have one resource")
    })
}

fn base64(f: &Fields<'_>, field: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, ApiError> {
    let Some(text) = f.text_up_to(field, bytes_max)? else { return Ok(None) };
    let what = "must be base64 encoded and not empty";
    let decoded = BASE64_STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty());
    decoded.map(Some).ok_or_else(|| f.error(ErrorCode::InvalidValue, field, what))
}

/// The material of a root key or of a standard key.
fn payload(f: &Fields<'_>, root: bool) -> Result<Option<Vec<u8>>, ApiError> {
    let payload = base64(f, "payload", PAYLOAD_BYTES_MAX)?;
    if root && payload.as_ref().is_some_and(|bytes| ![16, 24, 32].contains(&bytes.len())) {
        let what = "of a root key must have 16, 24 or 32 bytes";
        return Err(f.error(ErrorCode::InvalidValue, "payload", what));
    }
    Ok(payload)
}

/// The name of something of Key Protect.
fn visible_name(f: &Fields<'_>, bytes_max: usize) -> Result<Option<String>, ApiError> {
    let Some(text) = f.text_up_to("name", bytes_max)? else { return Ok(None) };
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        let what = "must have a visible character and no control characters";
        return Err(f.error(ErrorCode::ValidationInvalidName, "name", what));
    }
    Ok(Some(text.to_owned()))
}

/// Reads `POST /api/v2/keys`; with `policies` that of `keys_with_policy_overrides`.
///
/// # Errors
/// Fields that are missing or do not fit; `not_implemented` for import tokens.
pub fn kms_key_prototype(f: &Fields<'_>, policies: bool) -> Result<KmsKeyPrototype, ApiError> {
    let f = &resource(f, KEY_TYPE)?;
    f.unserved(&[
        ("encryptedNonce", None),
        ("iv", None),
        ("encryptionAlgorithm", None),
        ("tags", None),
    ])?;
    f.choice("type", KEY_TYPE, |text| (text == KEY_TYPE).then_some(()))?;
    let extractable = f.flag("extractable")?.unwrap_or(true);
    let payload = payload(f, !extractable)?;
    let name = f.required("name", visible_name(f, NAME_BYTES_MAX)?)?;
    let mut aliases = Vec::new();
    let most = usize::try_from(model::Limit::KEY_ALIASES_MAX.max).unwrap_or(usize::MAX);
    for (at, text) in f.texts("aliases", most)?.unwrap_or_default().into_iter().enumerate() {
        let alias = kms_alias(text).ok_or_else(|| {
            f.error(ErrorCode::ValidationInvalidName, &format!("aliases[{at}]"), ALIAS_RULE)
        })?;
        aliases.push(alias.to_owned());
    }
    let (dual_auth, rotation) = if policies {
        let dual = f.object("dualAuthDelete")?;
        let dual = dual.map(|f| f.required("enabled", f.flag("enabled")?)).transpose()?;
        let rotation = f.object("rotation")?.map(|f| rotation(&f)).transpose()?;
        (dual, rotation.and_then(|(enabled, months)| Some((enabled, months?))))
    } else {
        (None, None)
    };
    Ok(KmsKeyPrototype {
        name,
        description: f
            .text_up_to("description", DESCRIPTION_BYTES_MAX)?
            .unwrap_or_default()
            .to_owned(),
        extractable,
        payload,
        expires_at: f.date("expirationDate")?,
        aliases,
        dual_auth,
        rotation,
    })
}

fn rotation(f: &Fields<'_>) -> Result<(bool, Option<u32>), ApiError> {
    let months = f.small_number("interval_month", 1, MONTHS_MAX)?;
    let enabled = f.flag("enabled")?.unwrap_or(true);
    if months.is_none() && enabled {
        f.required("interval_month", months)?;
    }
    Ok((enabled, months))
}

const ALIAS_RULE: &str =
    "must have 2 to 90 letters, digits, - and _, at least one letter, and not be an id";

/// An alias, if the text is one.
#[must_use]
pub fn kms_alias(text: &str) -> Option<&str> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let id = text.len() == 36 && text.matches('-').count() == 4;
    let ok = (2..=ALIAS_BYTES_MAX).contains(&text.len())
        && text.bytes().all(fits)
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && !id;
    ok.then_some(text)
}

/// A key ring's name, if the text is one.
#[must_use]
pub fn kms_ring(text: &str) -> Option<&str> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let ok = (2..=RING_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits);
    ok.then_some(text)
}

/// Reads `PATCH /api/v2/keys/{id}`: the ring that a key moves to.
///
/// # Errors
/// A ring that is missing or has no ring's name.
pub fn kms_key_patch(f: &Fields<'_>) -> Result<String, ApiError> {
    let ring = f.required("keyRingID", f.text_up_to("keyRingID", RING_BYTES_MAX)?)?;
    let what = "must have 2 to 100 letters, digits and -";
    kms_ring(ring)
        .map(str::to_owned)
        .ok_or_else(|| f.error(ErrorCode::ValidationInvalidName, "keyRingID", what))
}

/// Reads the new material of `POST …/actions/rotate`.
///
/// # Errors
/// Material that is no base64 or has no root key's length; `not_implemented` for import tokens.
pub fn kms_rotation(f: &Fields<'_>) -> Result<Option<Vec<u8>>, ApiError> {
    f.unserved(&[("encryptedNonce", None), ("iv", None), ("encryptionAlgorithm", None)])?;
    payload(f, true)
}

fn aad(f: &Fields<'_>) -> Result<Vec<String>, ApiError> {
    let texts = f.texts("aad", AAD_ITEMS_MAX)?.unwrap_or_default();
    if let Some(at) = texts.iter().position(|text| text.len() > AAD_BYTES_MAX) {
        let what = format!("is longer than {AAD_BYTES_MAX} bytes");
        return Err(f.error(ErrorCode::ValidationMaxValue, &format!("aad[{at}]"), &what));
    }
    Ok(texts.into_iter().map(str::to_owned).collect())
}

/// Reads `POST …/actions/wrap`: the bytes, if there are any, and the additional data.
///
/// # Errors
/// Bytes that are no base64, or too long.
pub fn kms_wrap(f: &Fields<'_>) -> Result<(Option<Vec<u8>>, Vec<String>), ApiError> {
    Ok((base64(f, "plaintext", PLAINTEXT_BYTES_MAX)?, aad(f)?))
}

/// Reads `POST …/actions/unwrap` and `rewrap`: the wrapped bytes and the additional data.
///
/// # Errors
/// Bytes that are missing, no base64, or too long.
pub fn kms_unwrap(f: &Fields<'_>) -> Result<(Vec<u8>, Vec<String>), ApiError> {
    let ciphertext = base64(f, "ciphertext", CIPHERTEXT_BYTES_MAX)?;
    Ok((f.required("ciphertext", ciphertext)?, aad(f)?))
}

/// Reads `PUT /api/v2/keys/{id}/policies`.
///
/// # Errors
/// Policies that are missing, twice there, or do not fit.
pub fn kms_key_policies(f: &Fields<'_>) -> Result<Vec<KmsPolicyWant>, ApiError> {
    let all = resources(f)?;
    let mut wanted = Vec::new();
    for f in &all {
        f.choice("type", POLICY_TYPE, |text| (text == POLICY_TYPE).then_some(()))?;
        if let Some(dual) = f.object("dualAuthDelete")? {
            let on = dual.required("enabled", dual.flag("enabled")?)?;
            wanted.push(KmsPolicyWant::DualAuthDelete(on));
        }
        if let Some(found) = f.object("rotation")? {
            let (enabled, months) = rotation(&found)?;
            wanted.push(KmsPolicyWant::Rotation(enabled, months));
        }
    }
    if wanted.is_empty() {
        let what = "must have dualAuthDelete or rotation";
        return Err(f.error(ErrorCode::ValidationRequiredField, "resources", what));
    }
    Ok(wanted)
}

fn resources<'a>(f: &Fields<'a>) -> Result<Vec<Fields<'a>>, ApiError> {
    let all = f.required("resources", f.objects("resources", POLICIES_MAX)?)?;
    metadata(f, POLICY_TYPE, all.len())?;
    Ok(all)
}

/// Most policies of one request.
pub(crate) const POLICIES_MAX: usize = 6;

/// A policy that is wanted of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KmsInstancePolicy {
    /// Which; none for one that is as IBM's usual, and the only one that is served.
    pub kind: Option<InstancePolicyKind>,
    /// Whether it counts.
    pub enabled: bool,
    /// Months, or which keys may be made.
    pub detail: u32,
}

/// Reads `PUT /api/v2/instance/policies`; `policy` is the one that the query names.
///
/// # Errors
/// Policies that are missing or do not fit; `not_implemented` for those that would narrow
/// networks or addresses, or report figures.
pub fn kms_instance_policies(
    f: &Fields<'_>,
    policy: Option<&str>,
) -> Result<Vec<KmsInstancePolicy>, ApiError> {
    let all = resources(f)?;
    if all.is_empty() {
        let what = "must have a policy";
        return Err(f.error(ErrorCode::ValidationRequiredField, "resources", what));
    }
    if policy.is_some() && all.len() > 1 {
        let message = "Only a single instance policy may be created per query parameter";
        return Err(ApiError::new(ErrorCode::NumCollectionResource, message));
    }
    all.iter().map(|f| instance_policy(f, policy)).collect()
}

/// The kinds of policies of instances, as requests name them.
pub const INSTANCE_POLICIES: [&str; 6] = [
    "dualAuthDelete",
    "rotation",
    "keyCreateImportAccess",
    "allowedNetwork",
    "allowedIP",
    "metrics",
];

fn instance_policy(f: &Fields<'_>, policy: Option<&str>) -> Result<KmsInstancePolicy, ApiError> {
    let kind = f.choice("policy_type", &INSTANCE_POLICIES.join(", "), |text| {
        INSTANCE_POLICIES.iter().find(|known| **known == text).copied()
    })?;
    let kind = f.required("policy_type", kind)?;
    if policy.is_some_and(|policy| policy != kind) {
        let message = "Data in body does not match data required by query parameter";
        return Err(ApiError::new(ErrorCode::BodyQueryParamMismatch, message));
    }
    let data = f.required("policy_data", f.object("policy_data")?)?;
    let enabled = data.required("enabled", data.flag("enabled")?)?;
    let attributes = data.object("attributes")?;
    let mut detail = 0;
    let mut narrowed = false;
    let mut months = None;
    if let Some(f) = &attributes {
        months = f.small_number("interval_month", 1, MONTHS_MAX)?;
        for (field, bit) in [
            ("create_root_key", InstancePolicy::CREATE_ROOT),
            ("create_standard_key", InstancePolicy::CREATE_STANDARD),
            ("import_root_key", InstancePolicy::IMPORT_ROOT),
            ("import_standard_key", InstancePolicy::IMPORT_STANDARD),
        ] {
            detail |= if f.flag(field)?.unwrap_or(true) { bit } else { 0 };
        }
        if f.flag("enforce_token")? == Some(true) {
            detail |= InstancePolicy::ENFORCE_TOKEN;
        }
        let networks = "public-and-private, private-only";
        narrowed = f.choice("allowed_network", networks, |text| match text {
            "public-and-private" => Some(false),
            "private-only" => Some(true),
            _ => None,
        })? == Some(true);
    }
    let path = f.at("policy_data");
    let unserved = |what: &str| {
        Err(ApiError::not_implemented(what).at(crate::TargetKind::Field, path.clone()))
    };
    match (kind, enabled) {
        ("allowedNetwork", true) if narrowed => unserved("A private network"),
        ("allowedIP", true) => unserved("A list of allowed addresses"),
        ("metrics", true) => unserved("Metrics of Key Protect"),
        ("rotation", true) if months.is_none() => {
            let f = attributes.unwrap_or(data);
            Err(f.error(ErrorCode::ValidationRequiredField, "interval_month", "is required"))
        }
        _ => {
            let served = InstancePolicyKind::parse(kind);
            let months = months.unwrap_or_default();
            let rotation = served == Some(InstancePolicyKind::Rotation);
            Ok(KmsInstancePolicy {
                kind: served,
                enabled,
                detail: if rotation { months } else { detail },
            })
        }
    }
}

/// A page of Key Protect's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KmsPage {
    /// Which part.
    pub part: OffsetPage,
    /// Whether the total is told.
    pub total: bool,
}

fn flag(query: &Query, name: &str) -> Result<Option<bool>, ApiError> {
    let Some(text) = query.get(name) else { return Ok(None) };
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => {
            let what = format!("{name} must be true or false.");
            Err(ApiError::parameter(ErrorCode::InvalidValue, name, what))
        }
    }
}

fn part(query: &Query, limit_min: u32) -> Result<OffsetPage, ApiError> {
    let limit = query.number("limit", limit_min, KEYS_PAGE_MAX)?.unwrap_or(KEYS_PAGE_DEFAULT);
    Ok(OffsetPage { offset: query.number("offset", 0, OFFSET_MAX)?.unwrap_or(0), limit })
}

/// Reads `limit`, `offset` and `totalCount`.
///
/// # Errors
/// Numbers out of their bounds.
pub fn kms_page(query: &Query) -> Result<KmsPage, ApiError> {
    Ok(KmsPage { part: part(query, 1)?, total: kms_flag(query, "totalCount")? })
}

/// Reads a flag such as `force`; false when it is not there.
///
/// # Errors
/// Neither true nor false.
pub fn kms_flag(query: &Query, name: &str) -> Result<bool, ApiError> {
    Ok(flag(query, name)?.unwrap_or(false))
}

/// Reads `limit`, `offset`, `totalCount` and `allKeyStates`.
///
/// # Errors
/// Values that do not fit.
pub fn kms_versions(query: &Query) -> Result<(KmsPage, bool), ApiError> {
    Ok((kms_page(query)?, kms_flag(query, "allKeyStates")?))
}

/// Reads the parameters of registrations.
///
/// # Errors
/// Values that do not fit; `not_implemented` for a search by CRN.
pub fn kms_registrations(query: &Query) -> Result<KmsPage, ApiError> {
    if query.any_of(&["urlEncodedResourceCRNQuery", "preventKeyDeletion"]) {
        return Err(ApiError::not_implemented("A search of registrations"));
    }
    kms_page(query)
}

/// Which keys are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsKeyQuery {
    /// In these states.
    pub states: Vec<KmsKeyState>,
    /// Only standard keys, or only root keys.
    pub extractable: Option<bool>,
    /// What is searched for.
    pub search: Option<KmsSearch>,
    /// In this order.
    pub sort: Vec<KmsSort>,
}

/// The fields that keys are sorted by.
pub(crate) fn sorted_by() -> impl Iterator<Item = &'static str> {
    KmsSortBy::ALL.iter().map(|by| by.as_str())
}

/// Reads the parameters of `HEAD /api/v2/keys`.
///
/// # Errors
/// Values that do not fit; `not_implemented` for `filter`.
pub fn kms_key_count(query: &Query) -> Result<KmsKeyQuery, ApiError> {
    if query.any_of(&["filter"]) {
        return Err(ApiError::not_implemented("The parameter filter"));
    }
    let usual = [KmsKeyState::Active, KmsKeyState::Suspended, KmsKeyState::Deactivated];
    let states = match query.list("state") {
        None => usual.to_vec(),
        Some(list) => {
            let state = |text: &str| match text.parse::<u32>() {
                // No key is ever in the state before its activation.
                Ok(0) => Some(None),
                Ok(number) => KmsKeyState::of(number).map(Some),
                Err(_) => None,
            };
            let all: Option<Vec<_>> = list.into_iter().map(state).collect();
            let what = "state must be some of 0,1,2,3,5.";
            let wrong = || ApiError::parameter(ErrorCode::InvalidValue, "state", what);
            all.ok_or_else(wrong)?.into_iter().flatten().collect()
        }
    };
    Ok(KmsKeyQuery {
        states,
        extractable: flag(query, "extractable")?,
        search: None,
        sort: Vec::new(),
    })
}

/// Reads the parameters of `GET /api/v2/keys`.
///
/// # Errors
/// As [`kms_key_count`] and [`kms_page`].
pub fn kms_key_list(query: &Query) -> Result<(KmsKeyQuery, OffsetPage), ApiError> {
    let mut want = kms_key_count(query)?;
    want.search = query.get("search").map(search);
    for text in query.list("sort").unwrap_or_default() {
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let by = KmsSortBy::parse(name).ok_or_else(|| {
            let known: Vec<_> = sorted_by().collect();
            let what = format!("sort must be some of {}.", known.join(", "));
            ApiError::parameter(ErrorCode::InvalidValue, "sort", what)
        })?;
        want.sort.push(KmsSort { by, descending });
    }
    Ok((want, part(query, 0)?))
}

/// `not:exact:name:words`, in any order of the options.
fn search(text: &str) -> KmsSearch {
    let mut found = KmsSearch::default();
    let mut rest = text;
    while let Some((option, after)) = rest.split_once(':') {
        match option {
            "not" => found.not = true,
            "exact" => found.exact = true,
            "name" => found.names = true,
            "alias" => found.aliases = true,
            "escape" => {
                rest = after;
                break;
            }
            _ => break,
        }
        rest = after;
    }
    if !found.names && !found.aliases {
        (found.names, found.aliases) = (true, true);
    }
    rest.clone_into(&mut found.query);
    found
}

/// `POST /v2/resource_instances`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceInstancePrototype {
    /// Its name.
    pub name: String,
    /// Its resource group.
    pub group: String,
    /// The plan.
    pub plan: String,
    /// Where it is wanted.
    pub target: String,
}

/// Longest name of a resource instance, in bytes.
pub(crate) const INSTANCE_NAME_BYTES_MAX: usize = 180;

/// Reads `POST /v2/resource_instances`.
///
/// # Errors
/// Fields that are missing or do not fit; `not_implemented` for parameters of a service.
pub fn resource_instance_prototype(f: &Fields<'_>) -> Result<ResourceInstancePrototype, ApiError> {
    f.unserved(&[("tags", None), ("parameters", Some(json!({})))])?;
    Ok(ResourceInstancePrototype {
        name: f.required("name", instance_name(f)?)?,
        group: f.required("resource_group", f.text("resource_group")?)?.to_owned(),
        plan: f.required("resource_plan_id", f.text("resource_plan_id")?)?.to_owned(),
        target: f.required("target", f.text("target")?)?.to_owned(),
    })
}

/// Reads `PATCH /v2/resource_instances/{id}`: the new name.
///
/// # Errors
/// A name that does not fit; `not_implemented` for another plan.
pub fn resource_instance_patch(f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    f.unserved(&[("resource_plan_id", None), ("parameters", Some(json!({})))])?;
    f.patched_value("name", instance_name)
}

fn instance_name(f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    visible_name(f, INSTANCE_NAME_BYTES_MAX)
}

/// Which resource instances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceInstanceList {
    /// Of this name.
    pub name: Option<String>,
    /// Of this GUID.
    pub guid: Option<String>,
    /// In this resource group.
    pub group: Option<String>,
    /// Of this service.
    pub service: Option<String>,
    /// Of this plan.
    pub plan: Option<String>,
}

/// Reads the parameters of `GET /v2/resource_instances`.
#[must_use]
pub fn resource_instance_list(query: &Query) -> ResourceInstanceList {
    let get = |name| query.get(name).map(str::to_owned);
    ResourceInstanceList {
        name: get("name"),
        guid: get("guid"),
        group: get("resource_group_id"),
        service: get("resource_id"),
        plan: get("resource_plan_id"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::testing::{parse, seen};

    #[test]
    fn aliases_and_rings_at_both_sides_of_their_rules() {
        for ok in ["ab", "a-_1", &"a".repeat(ALIAS_BYTES_MAX)] {
            assert_eq!(kms_alias(ok), Some(ok));
        }
        let id = "2291e4ae-a14c-4af9-88f0-27c0cb2739e2";
        for bad in ["", "a", "12", "a b", "é-a", id, &"a".repeat(ALIAS_BYTES_MAX + 1)] {
            assert_eq!(kms_alias(bad), None, "{bad}");
        }
        assert!(kms_ring("12").is_some() && kms_ring(&"a".repeat(RING_BYTES_MAX)).is_some());
        for bad in ["", "a", "a_b", &"a".repeat(RING_BYTES_MAX + 1)] {
            assert_eq!(kms_ring(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_search_has_options_in_any_order_before_its_words() {
        let exact = search("not:exact:name:escape:alias:x");
        assert!(exact.not && exact.exact && exact.names && !exact.aliases);
        assert_eq!(exact.query, "alias:x");
        let plain = search("a:b");
        assert!(!plain.not && !plain.exact && plain.names && plain.aliases);
        assert_eq!(plain.query, "a:b");
    }

    #[test]
    fn what_narrows_an_instance_is_not_served_and_says_so() {
        let body =
            |kind: &str, data| json!({"resources": [{"policy_type": kind, "policy_data": data}]});
        let read = |body, named| parse(body, |_, f| kms_instance_policies(f, named));
        let refused = seen(read(body("allowedIP", json!({"enabled": true})), None));
        assert_eq!(refused.0, ErrorCode::NotImplemented);
        assert!(read(body("allowedIP", json!({"enabled": false})), None).is_ok());
        let mismatch = read(body("rotation", json!({"enabled": false})), Some("dualAuthDelete"));
        assert_eq!(mismatch.unwrap_err().code, ErrorCode::BodyQueryParamMismatch);
    }

    #[test]
    fn import_tokens_are_not_served() {
        let body = json!({"resources": [{"name": "k", "encryptedNonce": "AAAA"}]});
        let refused = seen(parse(body, |_, f| kms_key_prototype(f, false)));
        assert_eq!(refused.0, ErrorCode::NotImplemented);
    }
}

//! `POST /volumes` and `PATCH /volumes/{id}`.

use base::{ByteCount, ResourceGroupId, ZoneName};
use model::{ResourceName, catalog};

use super::{Asked, allowed_use, allowed_use::AllowedUsePatch, tags};
use crate::{ApiError, ErrorCode, Fields};

/// Largest capacity that is read at all, in GB; profiles have their own bounds.
pub(crate) const CAPACITY_GB_MAX: u64 = 1_000_000;
/// Most operations a second that are read at all; profiles have their own bounds.
pub(crate) const IOPS_MAX: u32 = 10_000_000;

/// Most megabits a second that are read at all; profiles have their own bounds.
pub(crate) const BANDWIDTH_MAX: u32 = 10_000_000;

/// `POST /volumes` by capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumePrototype {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the default one when none.
    pub group: Option<ResourceGroupId>,
    /// Its zone.
    pub zone: ZoneName,
    /// Name of its profile, which exists.
    pub profile: String,
    /// Its size.
    pub capacity: ByteCount,
    /// Operations a second.
    pub iops: Option<u32>,
    /// Megabits a second.
    pub bandwidth: Option<u32>,
    /// User tags.
    pub user_tags: Vec<String>,
}

/// Reads `POST /volumes`.
///
/// # Errors
/// What the body names wrongly; `not_implemented` for snapshots and root keys.
pub fn volume_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<VolumePrototype, ApiError> {
    f.unserved(&[("source_snapshot", None), ("encryption_key", None)])?;
    let capacity = capacity(f)?.ok_or_else(|| {
        f.error(ErrorCode::VolumeCapacityMissing, "capacity", "is required, in gigabytes")
    })?;
    Ok(VolumePrototype {
        zone: f.required("zone", asked.place.zone(f)?)?,
        profile: f.required("profile", profile(asked, f)?)?,
        capacity,
        name: f.name("name")?,
        group: asked.place.group(f)?,
        iops: iops(f)?,
        bandwidth: bandwidth(f)?,
        user_tags: tags::user_tags(f)?.unwrap_or_default(),
    })
}

pub(super) fn capacity(f: &Fields<'_>) -> Result<Option<ByteCount>, ApiError> {
    Ok(f.number("capacity", 1, CAPACITY_GB_MAX)?.map(ByteCount::from_gb))
}

pub(super) fn iops(f: &Fields<'_>) -> Result<Option<u32>, ApiError> {
    f.small_number("iops", 1, IOPS_MAX)
}

pub(super) fn bandwidth(f: &Fields<'_>) -> Result<Option<u32>, ApiError> {
    f.small_number("bandwidth", 1, BANDWIDTH_MAX)
}

/// Reads the field `profile`, which names a volume profile.
pub(super) fn profile(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    let Some(name) = asked.place.by_name(f, "profile", &["volume", "profiles"])? else {
        return Ok(None);
    };
    match catalog::volume_profile(name) {
        Some(profile) => Ok(Some(profile.name.to_owned())),
        None => {
            Err(f.error(ErrorCode::VolumeProfileNotFound, "profile", "names no volume profile"))
        }
    }
}

/// `PATCH /volumes/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumePatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// New tags; replace all, so `If-Match` is needed.
    pub user_tags: Option<Vec<String>>,
    /// New parts of the allowed use.
    pub allowed_use: Option<AllowedUsePatch>,
    /// New size.
    pub capacity: Option<ByteCount>,
    /// New operations a second.
    pub iops: Option<u32>,
    /// New megabits a second.
    pub bandwidth: Option<u32>,
    /// Name of the new profile, which exists.
    pub profile: Option<String>,
}

/// Reads `PATCH /volumes/{id}`.
///
/// # Errors
/// What the body names wrongly.
pub fn volume_patch(asked: &Asked<'_>, f: &Fields<'_>) -> Result<VolumePatch, ApiError> {
    Ok(VolumePatch {
        name: f.patched_value("name", |f| f.name("name"))?,
        user_tags: f.patched_value("user_tags", tags::user_tags)?,
        allowed_use: f.patched_value("allowed_use", |f| allowed_use::patch(asked, f))?,
        capacity: f.patched_value("capacity", capacity)?,
        iops: f.patched_value("iops", iops)?,
        bandwidth: f.patched_value("bandwidth", bandwidth)?,
        profile: f.patched_value("profile", |f| profile(asked, f))?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::testing::{parse, seen};

    fn create(change: impl FnOnce(&mut Value)) -> Result<VolumePrototype, ApiError> {
        let mut body = json!({"zone": {"name": "us-south-1"}, "capacity": 10,
            "profile": {"name": "general-purpose"}});
        change(&mut body);
        parse(body, volume_prototype)
    }

    #[test]
    fn a_volume_needs_zone_profile_and_capacity() {
        assert!(create(|_| ()).is_ok());
        let without = |name: &'static str| seen(create(|b| b[name] = Value::Null));
        assert_eq!(without("zone"), (ErrorCode::ValidationRequiredField, "zone".to_owned()));
        assert_eq!(without("profile"), (ErrorCode::ValidationRequiredField, "profile".to_owned()));
        assert_eq!(without("capacity"), (ErrorCode::VolumeCapacityMissing, "capacity".to_owned()));
    }

    #[test]
    fn capacities_and_profiles_are_checked() {
        let capacity = |value: Value| create(|b| b["capacity"] = value);
        assert_eq!(capacity(json!(1)).unwrap().capacity, ByteCount::from_gb(1));
        assert!(capacity(json!(CAPACITY_GB_MAX)).is_ok());
        assert_eq!(seen(capacity(json!(0))).0, ErrorCode::ValidationMinValue);
        assert_eq!(seen(capacity(json!(CAPACITY_GB_MAX + 1))).0, ErrorCode::ValidationMaxValue);
        assert_eq!(seen(capacity(json!("10"))).0, ErrorCode::ValidationInvalidFieldType);
        let unknown = create(|b| b["profile"]["name"] = json!("fast"));
        assert_eq!(seen(unknown), (ErrorCode::VolumeProfileNotFound, "profile".to_owned()));
        let snapshot = create(|b| b["source_snapshot"] = json!({"id": "r006-1"}));
        assert_eq!(seen(snapshot).0, ErrorCode::NotImplemented);
    }

    #[test]
    fn a_patch_changes_what_a_volume_has() {
        let patch = |body| parse(body, volume_patch);
        assert_eq!(patch(json!({})).unwrap(), VolumePatch::default());
        let tags = patch(json!({"user_tags": []})).unwrap().user_tags;
        assert_eq!(tags, Some(Vec::new()));
        let more = json!({"capacity": 200, "iops": 4_000, "profile": {"name": "custom"}});
        let more = patch(more).unwrap();
        assert_eq!(more.capacity, Some(ByteCount::from_gb(200)));
        assert_eq!((more.iops, more.profile.as_deref()), (Some(4_000), Some("custom")));
        assert_eq!(patch(json!({"bandwidth": 1_000})).unwrap().bandwidth, Some(1_000));
        for (body, code) in [
            (json!({"capacity": 0}), ErrorCode::ValidationMinValue),
            (json!({"capacity": null}), ErrorCode::ValidationFailure),
            (json!({"iops": "many"}), ErrorCode::ValidationInvalidFieldType),
            (json!({"profile": {"name": "fast"}}), ErrorCode::VolumeProfileNotFound),
            (json!({"bandwidth": 0}), ErrorCode::ValidationMinValue),
        ] {
            assert_eq!(seen(patch(body.clone())).0, code, "{body}");
        }
        assert_eq!(seen(patch(json!({"user_tags": null}))).0, ErrorCode::ValidationFailure);
    }
}

//! `POST /images` and `PATCH /images/{id}`.

use base::{ResourceGroupId, Timestamp, VolumeId};
use model::{AllowedUse, ResourceName};

use super::{Asked, allowed_use};
use crate::{ApiError, ErrorCode, Fields, Kind, Named};

/// `POST /images` by source volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePrototype {
    /// The boot volume; S13 is about one that is elsewhere.
    pub source: Named<VolumeId>,
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the default one when none.
    pub group: Option<ResourceGroupId>,
    /// When it becomes deprecated.
    pub deprecation_at: Option<Timestamp>,
    /// When it becomes obsolete.
    pub obsolescence_at: Option<Timestamp>,
    /// What it may be used for; the volume's when none.
    pub allowed_use: Option<AllowedUse>,
}

/// Reads `POST /images`.
///
/// # Errors
/// What the body names wrongly; `not_implemented` for images by file and with a root key.
pub fn image_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<ImagePrototype, ApiError> {
    if f.has("file") && f.has("source_volume") {
        return Err(ApiError::field(
            ErrorCode::ValidationOnlyOne,
            "source_volume",
            "An image is made of either file or source_volume, not of both.",
        ));
    }
    f.unserved(&[("file", None), ("encryption_key", None), ("encrypted_data_key", None)])?;
    let source = f.required("source_volume", f.object("source_volume")?)?;
    Ok(ImagePrototype {
        source: asked.place.named(Kind::VOLUME, &source)?,
        name: f.name_unreserved("name")?,
        group: asked.place.group(f)?,
        deprecation_at: f.date("deprecation_at")?,
        obsolescence_at: f.date("obsolescence_at")?,
        allowed_use: allowed_use::whole(asked, f)?,
    })
}

/// `PATCH /images/{id}`. The outer option says whether the field was there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagePatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// New or cleared date.
    pub deprecation_at: Option<Option<Timestamp>>,
    /// New or cleared date.
    pub obsolescence_at: Option<Option<Timestamp>>,
    /// New parts of the allowed use.
    pub allowed_use: Option<allowed_use::AllowedUsePatch>,
}

/// Reads `PATCH /images/{id}`. An empty patch is fine: Terraform sends one.
///
/// # Errors
/// What the body names wrongly.
pub fn image_patch(asked: &Asked<'_>, f: &Fields<'_>) -> Result<ImagePatch, ApiError> {
    Ok(ImagePatch {
        name: f.patched_value("name", |f| f.name_unreserved("name"))?,
        deprecation_at: f.patched("deprecation_at", |f| f.date("deprecation_at"))?,
        obsolescence_at: f.patched("obsolescence_at", |f| f.date("obsolescence_at"))?,
        allowed_use: f.patched_value("allowed_use", |f| allowed_use::patch(asked, f))?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::testing::{parse, seen};

    fn create(body: Value) -> Result<ImagePrototype, ApiError> {
        parse(body, image_prototype)
    }

    #[test]
    fn an_image_needs_no_more_than_its_volume() {
        let image = create(json!({"source_volume": {"id": "r006-1"}})).unwrap();
        assert_eq!(image.source, Named::Here(VolumeId::parse("r006-1").unwrap()));
        assert_eq!((image.name, image.allowed_use), (None, None));
    }

    #[test]
    fn file_and_volume_exclude_each_other() {
        let volume = json!({"id": "r006-1"});
        let both = create(json!({"file": {"href": "cos://a/b/c"}, "source_volume": volume}));
        assert_eq!(seen(both).0, ErrorCode::ValidationOnlyOne);
        let file = create(json!({"file": {"href": "cos://a/b/c"}}));
        assert_eq!(seen(file), (ErrorCode::NotImplemented, "file".to_owned()));
        let none = create(json!({"name": "a"}));
        assert_eq!(seen(none), (ErrorCode::ValidationRequiredField, "source_volume".to_owned()));
    }

    #[test]
    fn each_wrong_field_is_named() {
        let with = |name: &str, value: Value| {
            let mut body = json!({"source_volume": {"id": "r006-1"}});
            body[name] = value;
            seen(create(body))
        };
        let at = |name: &str, code| (code, name.to_owned());
        assert_eq!(with("name", json!("A")), at("name", ErrorCode::ValidationInvalidName));
        assert_eq!(with("name", json!("ibm-a")), at("name", ErrorCode::ValidationInvalidName));
        assert_eq!(with("name", json!(7)), at("name", ErrorCode::ValidationInvalidFieldType));
        assert_eq!(
            with("source_volume", json!("r006-1")),
            at("source_volume", ErrorCode::ValidationInvalidFieldType)
        );
        assert_eq!(
            with("deprecation_at", json!("soon")),
            at("deprecation_at", ErrorCode::InvalidValue)
        );
        assert_eq!(
            with("resource_group", json!({})),
            at("resource_group.id", ErrorCode::ValidationRequiredField)
        );
        assert_eq!(
            with("encryption_key", json!({"crn": "crn"})),
            at("encryption_key", ErrorCode::NotImplemented)
        );
        assert_eq!(
            with("allowed_use", json!({"instance": "vcpu.counts > 2"})),
            at("allowed_use.instance", ErrorCode::AllowedUseExpressionInvalid)
        );
    }

    #[test]
    fn an_empty_patch_changes_nothing_and_null_clears_a_date() {
        let patch = |body| parse(body, image_patch);
        assert_eq!(patch(json!({})).unwrap(), ImagePatch::default());
        let cleared = patch(json!({"deprecation_at": null})).unwrap();
        assert_eq!(cleared.deprecation_at, Some(None));
        assert_eq!(cleared.obsolescence_at, None);
        let set = patch(json!({"obsolescence_at": "2027-01-01T02:00:00+02:00"})).unwrap();
        let at = Timestamp::parse("2027-01-01T00:00:00Z").unwrap();
        assert_eq!(set.obsolescence_at, Some(Some(at)));
        assert_eq!(seen(patch(json!({"name": null}))).0, ErrorCode::ValidationFailure);
    }
}

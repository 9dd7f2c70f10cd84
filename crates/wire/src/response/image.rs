//! Images.

use model::{ImageEncryption, ImageStatus, ImageStatusReason, ImageView};
use serde::Serialize;

use super::{
    NamedRef, OperatingSystem, Ref, operating_system,
    reference::{Reason, Remote},
    volume::{AllowedUse, EncryptionKey},
};
use crate::{Kind, Render};

/// An image.
#[derive(Debug, Serialize)]
pub struct Image<'a> {
    allowed_use: AllowedUse<'a>,
    catalog_offering: CatalogOffering,
    created_at: String,
    crn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecation_at: Option<String>,
    encryption: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_key: Option<EncryptionKey<'a>>,
    file: File,
    href: String,
    id: &'a str,
    minimum_provisioned_size: u64,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    obsolescence_at: Option<String>,
    operating_system: OperatingSystem<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<Remote<'a>>,
    resource_group: Ref<'a>,
    resource_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_volume: Option<Ref<'a>>,
    status: &'static str,
    status_reasons: Vec<Reason>,
    user_data_format: &'a str,
    visibility: &'static str,
    zones: Vec<NamedRef<'a>>,
}

#[derive(Debug, Serialize)]
struct CatalogOffering {
    managed: bool,
}

/// `checksums` is never sent: nobody has hashed the whole disk, and an empty object would make
/// the Terraform provider fail.
#[derive(Debug, Serialize)]
struct File {
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

/// An image; `zones` are the region's.
#[must_use]
pub fn image<'a>(r: &Render<'_>, view: &'a ImageView, zones: &'a [base::ZoneName]) -> Image<'a> {
    let image = &view.image;
    let head = &image.head;
    let id = head.id.as_str();
    let (encryption, encryption_key) = match &image.encryption {
        ImageEncryption::None => ("none", None),
        ImageEncryption::UserManaged { key_crn } => {
            ("user_managed", Some(EncryptionKey { crn: key_crn }))
        }
    };
    let owner_type = if image.stock() { "provider" } else { "user" };
    let system = operating_system::by_name(r, &image.operating_system);
    let source = image.source_volume.as_ref().map(|source| {
        Ref::zonal(r, Kind::VOLUME, &source.zone, source.id.as_str(), &source.name)
            .typed("volume")
            .deleted(source.deleted)
    });
    let usable = match image.status {
        ImageStatus::Available | ImageStatus::Deprecated | ImageStatus::PartiallyAvailable => zones,
        ImageStatus::Deleting
        | ImageStatus::Failed
        | ImageStatus::Obsolete
        | ImageStatus::Pending
        | ImageStatus::Unusable => &[],
    };
    Image {
        allowed_use: AllowedUse::of(&image.allowed_use),
        catalog_offering: CatalogOffering { managed: false },
        created_at: head.created_at.to_string(),
        crn: r.crn_of(&head.account, Kind::IMAGE, id),
        deprecation_at: image.deprecation_at.map(|at| at.to_string()),
        encryption,
        encryption_key,
        file: File { size: image.logical.map(|bytes| bytes.gb_ceil()) },
        href: r.href_of(Kind::IMAGE, id),
        id,
        minimum_provisioned_size: image.capacity.gb_ceil(),
        name: head.name.as_str(),
        obsolescence_at: image.obsolescence_at.map(|at| at.to_string()),
        user_data_format: user_data_format(&image.operating_system),
        operating_system: system,
        owner_type: (!r.version.has_image_remote()).then_some(owner_type),
        remote: Remote::of(r, &head.account),
        resource_group: Ref::group(r, &head.group, &view.group_name),
        resource_type: "image",
        source_volume: source,
        status: image.status.as_str(),
        status_reasons: image.status_reasons.iter().map(|&code| reason(code)).collect(),
        visibility: image.visibility.as_str(),
        zones: usable.iter().map(|z| NamedRef::zone(r, z)).collect(),
    }
}

fn user_data_format(operating_system: &str) -> &'static str {
    model::catalog::operating_system(operating_system)
        .map_or("cloud_init", |os| os.user_data_format)
}

fn reason(code: ImageStatusReason) -> Reason {
    let message = match code {
        ImageStatusReason::EncryptedDataKeyInvalid => "The wrapped data key cannot be unwrapped.",
        ImageStatusReason::EncryptionKeyDeleted => "The root key of the image was deleted.",
        ImageStatusReason::EncryptionKeyDisabled => "The root key of the image is disabled.",
        ImageStatusReason::ImageDataCorrupted => "The data of the image is damaged.",
        ImageStatusReason::ImageProvisionedSizeUnsupported => {
            "The size of the image is outside the supported bounds."
        }
        ImageStatusReason::ImageRequestInProgress => "The image is being made.",
        ImageStatusReason::ImageRequestQueued => "The image waits to be made.",
    };
    Reason { code: code.as_str(), message }
}

#[cfg(test)]
mod tests {
    use base::{AccountId, RegionName, Timestamp};
    use model::{ImageStatus, ImageStatusReason};

    use super::super::samples;
    use crate::render;

    fn zones() -> Vec<base::ZoneName> {
        RegionName::parse("us-south").unwrap().zones()
    }

    #[test]
    fn a_pending_image_has_an_empty_file_and_no_zones() {
        let mut view = samples::image();
        view.image.status = ImageStatus::Pending;
        view.image.status_reasons = vec![ImageStatusReason::ImageRequestQueued];
        view.image.logical = None;
        let frame = render::for_tests();
        let json = serde_json::to_value(super::image(&frame.render(), &view, &zones())).unwrap();
        assert_eq!(json["file"], serde_json::json!({}));
        assert_eq!(json["zones"], serde_json::json!([]));
        assert_eq!(json["status_reasons"][0]["code"], "image_request_queued");
    }

    /// S27, S28: an obsolete image is in no zone.
    #[test]
    fn only_usable_images_are_in_zones() {
        let frame = render::for_tests();
        let mut view = samples::image();
        for &status in ImageStatus::ALL {
            view.image.status = status;
            let json =
                serde_json::to_value(super::image(&frame.render(), &view, &zones())).unwrap();
            let expected = if view.image.provisionable() { 3 } else { 0 };
            assert_eq!(json["zones"].as_array().unwrap().len(), expected, "{status}");
        }
    }

    /// S7: another's image is shown as remote from 2025-06-30, by `owner_type` before.
    #[test]
    fn ownership_follows_the_version() {
        let mut view = samples::image();
        let json = |view: &model::ImageView, version: &str| {
            let frame = render::for_tests().at(version);
            serde_json::to_value(super::image(&frame.render(), view, &zones())).unwrap()
        };
        let own = json(&view, "2025-06-30");
        assert!(own.get("remote").is_none() && own.get("owner_type").is_none());
        assert_eq!(json(&view, "2025-06-29")["owner_type"], "user");
        view.image.head.account = AccountId::parse("ffffffffffffffffffffffffffffffff").unwrap();
        view.image.visibility = model::Visibility::Public;
        let stock = json(&view, "2025-06-30");
        assert_eq!(stock["remote"]["account"]["id"], "ffffffffffffffffffffffffffffffff");
        assert_eq!(stock["remote"]["account"]["resource_type"], "account");
        let old = json(&view, "2025-06-29");
        assert_eq!(old["owner_type"], "provider");
        assert!(old.get("remote").is_none());
    }

    #[test]
    fn an_image_renders_as_the_golden_text() {
        let mut view = samples::image();
        view.image.deprecation_at = Some(Timestamp::parse("2027-01-01T00:00:00Z").unwrap());
        let frame = render::for_tests();
        let json =
            serde_json::to_string_pretty(&super::image(&frame.render(), &view, &zones())).unwrap();
        samples::golden("image", &json);
        assert!(!json.contains("null") && !json.contains("checksums"));
    }
}

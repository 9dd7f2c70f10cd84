//! Which profiles an image runs on: by what it may be used for, its architecture, and how its
//! first-boot data is read.

use super::Image;
use crate::{
    InstanceFacts, MetadataProtocol,
    catalog::{INSTANCE_PROFILES, InstanceProfile, operating_system},
};

/// The instance profiles that are compatible with an image, by name. What an instance may choose
/// beside its profile does not count: a profile fits if any choice does.
#[must_use]
pub fn image_profiles(image: &Image) -> Vec<&'static InstanceProfile> {
    let system = operating_system(&image.operating_system);
    // A system that the catalogue no longer has was one that instances run.
    let runs =
        system.is_none_or(|os| os.architecture == "amd64" && os.user_data_format == "cloud_init");
    INSTANCE_PROFILES.iter().filter(|profile| runs && fits(image, profile)).collect()
}

fn fits(image: &Image, profile: &InstanceProfile) -> bool {
    [false, true].into_iter().any(|metadata_enabled| {
        MetadataProtocol::ALL.iter().any(|&metadata_protocol| {
            image.allowed_use.allows(&InstanceFacts {
                profile: profile.name,
                vcpus: profile.vcpus,
                metadata_enabled,
                metadata_protocol,
            })
        })
    })
}

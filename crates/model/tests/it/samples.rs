//! One of each resource, as most tests want it.

use base::{
    AccountId, ByteCount, ImageId, InstanceId, RegionName, ResourceGroupId, Timestamp, VolumeId,
    VpcId,
};
use ectype_model::{
    AllowedUse, Head, HostFailurePolicy, Image, ImageEncryption, ImageStatus, Instance,
    InstanceStatus, LifecycleState, MetadataService, ResourceName, Visibility, Volume,
    VolumeEncryption, VolumeStatus, VolumeStorage,
};

/// Seconds since the start of the test's time.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

pub fn region() -> RegionName {
    RegionName::parse("us-south").unwrap()
}

fn head<Id>(id: Id) -> Head<Id> {
    Head {
        id,
        account: AccountId::parse("0123456789abcdef0123456789abcdef").unwrap(),
        group: ResourceGroupId::parse("fedcba9876543210fedcba9876543210").unwrap(),
        name: ResourceName::parse("sample").unwrap(),
        created_at: at(0),
        revision: 1,
    }
}

/// A private image without dates.
pub fn image(status: ImageStatus) -> Image {
    Image {
        head: head(ImageId::parse("r006-image").unwrap()),
        visibility: Visibility::Private,
        status,
        status_reasons: Vec::new(),
        operating_system: "debian-12-amd64".to_owned(),
        source_volume: None,
        encryption: ImageEncryption::None,
        deprecation_at: None,
        obsolescence_at: None,
        capacity: ByteCount::from_gb(100),
        logical: None,
        stored: None,
        allowed_use: AllowedUse::anything("2026-10-06"),
        sealed: None,
        wrapped_data_key: Vec::new(),
    }
}

/// A boot volume that may become an image.
pub fn volume() -> Volume {
    Volume {
        head: head(VolumeId::parse("r006-volume").unwrap()),
        zone: region().zones()[0].clone(),
        profile: "general-purpose".to_owned(),
        capacity: ByteCount::from_gb(100),
        iops: 3_000,
        bandwidth: 393,
        status: VolumeStatus::Available,
        busy: false,
        encryption: VolumeEncryption::ProviderManaged,
        operating_system: Some("debian-12-amd64".to_owned()),
        source_image: None,
        allowed_use: None,
        user_tags: Vec::new(),
        storage: VolumeStorage {
            host: "host-1".to_owned(),
            generation: 0,
            epoch: 0,
            base: None,
            wrapped_data_key: Vec::new(),
        },
    }
}

/// A stopped instance, as a source's must be.
pub fn instance() -> Instance {
    Instance {
        head: head(InstanceId::parse("0717_instance").unwrap()),
        zone: region().zones()[0].clone(),
        vpc: VpcId::parse("r006-vpc").unwrap(),
        profile: "bx2-2x8".to_owned(),
        image: None,
        status: InstanceStatus::Stopped,
        status_reasons: Vec::new(),
        lifecycle_state: LifecycleState::Stable,
        keys: Vec::new(),
        user_data: None,
        metadata_service: MetadataService::default(),
        host_failure: HostFailurePolicy::Restart,
        total_volume_bandwidth: 1_000,
        host: "host-1".to_owned(),
    }
}

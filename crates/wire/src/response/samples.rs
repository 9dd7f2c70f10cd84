//! Views for the tests of this crate.

use std::net::Ipv4Addr;

use base::{
    AccountId, AttachmentId, ByteCount, ImageId, InstanceId, NicId, RegionName, ReservedIpId,
    ResourceGroupId, SecurityGroupId, SubnetId, Timestamp, VniId, VolumeId, VpcId, ZoneName,
};
use model::{
    AllowedUse, Attachment, AttachmentKind, AttachmentStatus, AttachmentView, Head,
    HostFailurePolicy, Image, ImageEncryption, ImageStatus, ImageView, Instance, InstanceStatus,
    InstanceView, IpReference, LifecycleState, MetadataService, Nic, NicView, Reference,
    ResourceName, SourceVolume, StateFiltering, Visibility, Vni, VniRef, VniView, Volume,
    VolumeEncryption, VolumeStatus, VolumeStorage, VolumeView,
};

/// Compares `json` with `tests/golden/{name}.json`; `ECTYPE_GOLDEN=update` writes it instead.
pub(crate) fn golden(name: &str, json: &str) {
    let file = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("ECTYPE_GOLDEN").is_some_and(|v| v == "update") {
        std::fs::write(&file, format!("{json}\n")).unwrap();
    }
    assert_eq!(json.trim(), std::fs::read_to_string(&file).unwrap().trim(), "{file}");
}

fn account() -> AccountId {
    AccountId::parse("0123456789abcdef0123456789abcdef").unwrap()
}

fn name(text: &str) -> ResourceName {
    ResourceName::parse(text).unwrap()
}

fn at() -> Timestamp {
    Timestamp::parse("2026-11-24T10:00:14Z").unwrap()
}

fn zone() -> ZoneName {
    RegionName::parse("us-south").unwrap().zone("us-south-1").unwrap()
}

fn head<Id>(id: Id, text: &str) -> Head<Id> {
    Head {
        id,
        account: account(),
        group: ResourceGroupId::parse("fee82deba12e4c0fb69c3b09d1f12345").unwrap(),
        name: name(text),
        created_at: at(),
        revision: 3,
    }
}

fn reference<Id>(id: Id, name: &str) -> Reference<Id> {
    Reference { id, name: name.to_owned(), deleted: false }
}

fn image_ref() -> (Reference<ImageId>, AccountId) {
    (reference(ImageId::parse("r006-image").unwrap(), "my-image"), account())
}

/// An image made from a volume that is gone.
pub(crate) fn image() -> ImageView {
    let source = SourceVolume {
        id: VolumeId::parse("r006-volume").unwrap(),
        name: "my-boot".to_owned(),
        zone: zone(),
        deleted: true,
    };
    let image = Image {
        head: head(ImageId::parse("r006-image").unwrap(), "my-image"),
        visibility: Visibility::Private,
        status: ImageStatus::Available,
        status_reasons: Vec::new(),
        operating_system: "debian-12-amd64".to_owned(),
        source_volume: Some(source),
        encryption: ImageEncryption::None,
        deprecation_at: None,
        obsolescence_at: None,
        capacity: ByteCount::from_gb(100),
        logical: Some(ByteCount(1)),
        stored: Some(ByteCount(1)),
        allowed_use: AllowedUse::anything("2026-10-06"),
        sealed: None,
        wrapped_data_key: vec![1],
    };
    ImageView { image, group_name: "Default".to_owned() }
}

fn attachment() -> AttachmentView {
    AttachmentView {
        attachment: Attachment {
            id: AttachmentId::parse("0717-attachment").unwrap(),
            name: name("my-attachment"),
            instance: InstanceId::parse("0717_instance").unwrap(),
            volume: VolumeId::parse("r006-volume").unwrap(),
            kind: AttachmentKind::Boot,
            status: AttachmentStatus::Attached,
            delete_volume_on_instance_delete: true,
            position: 0,
            created_at: at(),
        },
        volume: reference(VolumeId::parse("r006-volume").unwrap(), "my-boot"),
        volume_zone: zone(),
        volume_bandwidth: 393,
        instance_name: "my-instance".to_owned(),
        instance_zone: zone(),
        instance_status: InstanceStatus::Running,
    }
}

/// An attached boot volume.
pub(crate) fn volume() -> VolumeView {
    let volume = Volume {
        head: head(VolumeId::parse("r006-volume").unwrap(), "my-boot"),
        zone: zone(),
        profile: "general-purpose".to_owned(),
        capacity: ByteCount::from_gb(100),
        iops: 3_000,
        bandwidth: 393,
        status: VolumeStatus::Available,
        busy: false,
        encryption: VolumeEncryption::ProviderManaged,
        operating_system: Some("debian-12-amd64".to_owned()),
        source_image: Some((ImageId::parse("r006-image").unwrap(), "my-image".to_owned())),
        allowed_use: Some(AllowedUse::anything("2026-10-06")),
        user_tags: vec!["env:dev".to_owned()],
        storage: VolumeStorage {
            host: "host".to_owned(),
            generation: 0,
            epoch: 1,
            base: None,
            wrapped_data_key: vec![1],
        },
    };
    VolumeView {
        volume,
        group_name: "Default".to_owned(),
        attachments: vec![attachment()],
        source_image: Some(image_ref()),
    }
}

/// A running instance.
pub(crate) fn instance() -> InstanceView {
    let instance = Instance {
        head: head(InstanceId::parse("0717_instance").unwrap(), "my-instance"),
        zone: zone(),
        vpc: VpcId::parse("r006-vpc").unwrap(),
        profile: "bx2-2x8".to_owned(),
        image: Some((ImageId::parse("r006-image").unwrap(), "my-image".to_owned())),
        status: InstanceStatus::Running,
        status_reasons: Vec::new(),
        lifecycle_state: LifecycleState::Stable,
        keys: Vec::new(),
        user_data: Some("#!/bin/sh".to_owned()),
        metadata_service: MetadataService::default(),
        host_failure: HostFailurePolicy::Restart,
        total_volume_bandwidth: 1_000,
        host: "host".to_owned(),
    };
    InstanceView {
        instance,
        group_name: "Default".to_owned(),
        vpc: reference(VpcId::parse("r006-vpc").unwrap(), "my-vpc"),
        image: Some(image_ref()),
        attachments: vec![attachment()],
        nics: vec![nic()],
    }
}

/// A running instance with a network attachment.
pub(crate) fn instance_with_attachment() -> InstanceView {
    let mut view = instance();
    view.nics[0].vni = Some(vni_ref());
    view
}

fn vni_ref() -> VniRef {
    VniRef { vni: reference(VniId::parse("0717-vni").unwrap(), "my-vni"), zone: zone() }
}

/// A virtual network interface with two addresses, attached.
pub(crate) fn vni() -> VniView {
    let ip = |id: &str, last: u8| IpReference {
        ip: reference(ReservedIpId::parse(id).unwrap(), id),
        address: Ipv4Addr::new(10, 240, 0, last),
    };
    let vni = Vni {
        head: head(VniId::parse("0717-vni").unwrap(), "my-vni"),
        zone: zone(),
        vpc: VpcId::parse("r006-vpc").unwrap(),
        subnet: SubnetId::parse("0717-subnet").unwrap(),
        primary_ip: ReservedIpId::parse("0717-ip").unwrap(),
        security_groups: Vec::new(),
        allow_ip_spoofing: false,
        auto_delete: true,
        infrastructure_nat: true,
        state_filtering: StateFiltering::Auto,
        mac: "02:00:00:00:00:01".to_owned(),
    };
    VniView {
        vni,
        group_name: "Default".to_owned(),
        vpc: reference(VpcId::parse("r006-vpc").unwrap(), "my-vpc"),
        subnet: reference(SubnetId::parse("0717-subnet").unwrap(), "my-subnet"),
        ips: vec![ip("0717-ip", 4), ip("0717-more", 5)],
        security_groups: vec![reference(SecurityGroupId::parse("r006-sg").unwrap(), "my-sg")],
        target: Some((
            reference(NicId::parse("0717-nic").unwrap(), "eth0"),
            InstanceId::parse("0717_instance").unwrap(),
        )),
    }
}

fn nic() -> NicView {
    NicView {
        floating_ip: None,
        nic: Nic {
            head: head(NicId::parse("0717-nic").unwrap(), "eth0"),
            instance: InstanceId::parse("0717_instance").unwrap(),
            subnet: SubnetId::parse("0717-subnet").unwrap(),
            primary_ip: ReservedIpId::parse("0717-ip").unwrap(),
            security_groups: Vec::new(),
            allow_ip_spoofing: false,
            primary: true,
            mac: "02:00:00:00:00:01".to_owned(),
        },
        subnet: reference(SubnetId::parse("0717-subnet").unwrap(), "my-subnet"),
        subnet_zone: zone(),
        primary_ip: reference(ReservedIpId::parse("0717-ip").unwrap(), "my-ip"),
        address: Ipv4Addr::new(10, 240, 0, 4),
        security_groups: vec![reference(SecurityGroupId::parse("r006-sg").unwrap(), "my-sg")],
        vni: None,
    }
}

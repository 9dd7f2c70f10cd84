//! Instances.

use model::{InstanceStatus, InstanceStatusReason, InstanceView, LifecycleState, catalog};
use serde::Serialize;

use super::{
    NamedRef, Ref, attachment, network_attachment, network_interface, reference::Reason, vpc,
};
use crate::{Kind, Render};

/// An instance.
#[derive(Debug, Serialize)]
pub struct Instance<'a> {
    availability: Availability,
    availability_policy: AvailabilityPolicy,
    bandwidth: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot_volume_attachment: Option<attachment::InInstance<'a>>,
    cluster_network_attachments: [(); 0],
    confidential_compute_mode: &'static str,
    created_at: String,
    crn: String,
    disks: [(); 0],
    enable_secure_boot: bool,
    health_reasons: [(); 0],
    health_state: &'static str,
    href: String,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Ref<'a>>,
    lifecycle_reasons: [(); 0],
    lifecycle_state: &'static str,
    memory: u32,
    metadata_service: MetadataService,
    name: &'a str,
    network_attachments: Vec<network_attachment::InInstance<'a>>,
    network_interfaces: Vec<network_interface::InInstance<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_network_attachment: Option<network_attachment::InInstance<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_network_interface: Option<network_interface::InInstance<'a>>,
    profile: NamedRef<'a>,
    reservation_affinity: ReservationAffinity,
    resource_group: Ref<'a>,
    resource_type: &'static str,
    software_attachments: [(); 0],
    startable: bool,
    status: &'static str,
    status_reasons: Vec<Reason>,
    threads_per_core: u32,
    total_network_bandwidth: u32,
    total_volume_bandwidth: u32,
    vcpu: Vcpu,
    volume_attachments: Vec<attachment::InInstance<'a>>,
    volume_bandwidth_qos_mode: &'static str,
    vpc: Ref<'a>,
    zone: NamedRef<'a>,
}

#[derive(Debug, Serialize)]
struct Availability {
    class: &'static str,
}

#[derive(Debug, Serialize)]
struct AvailabilityPolicy {
    host_failure: &'static str,
    preemption: &'static str,
}

#[derive(Debug, Serialize)]
struct MetadataService {
    enabled: bool,
    protocol: &'static str,
    response_hop_limit: u8,
}

#[derive(Debug, Serialize)]
struct ReservationAffinity {
    policy: &'static str,
    pool: [(); 0],
}

#[derive(Debug, Serialize)]
struct Vcpu {
    architecture: &'static str,
    count: u32,
    manufacturer: &'static str,
    percentage: u32,
}

impl MetadataService {
    const fn of(service: &model::MetadataService) -> Self {
        Self {
            enabled: service.enabled,
            protocol: service.protocol.as_str(),
            response_hop_limit: service.response_hop_limit,
        }
    }
}

/// What follows from the profile.
struct Figures {
    bandwidth: u32,
    network_bandwidth: u32,
    memory: u32,
    vcpu: Vcpu,
}

impl Figures {
    /// A profile that the catalogue no longer has leaves what the instance itself knows.
    fn of(instance: &model::Instance) -> Self {
        let profile = catalog::instance_profile(&instance.profile);
        let volumes = instance.total_volume_bandwidth;
        let bandwidth = profile.map_or(volumes, |p| p.bandwidth);
        Self {
            bandwidth,
            network_bandwidth: bandwidth.saturating_sub(volumes),
            memory: profile.map_or(0, |p| p.memory_gb),
            vcpu: Vcpu {
                architecture: "amd64",
                count: profile.map_or(0, |p| p.vcpus),
                manufacturer: profile.map_or("intel", |p| p.manufacturer),
                percentage: 100,
            },
        }
    }
}

/// An instance. The boot volume is among `volume_attachments` too. `user_data` is never shown.
#[must_use]
pub fn instance<'a>(r: &Render<'_>, view: &'a InstanceView) -> Instance<'a> {
    let instance = &view.instance;
    let head = &instance.head;
    let id = head.id.as_str();
    let figures = Figures::of(instance);
    let primary = view.nics.iter().find(|n| n.nic.primary).or(view.nics.first());
    Instance {
        availability: Availability { class: "standard" },
        availability_policy: AvailabilityPolicy {
            host_failure: instance.host_failure.as_str(),
            preemption: "stop",
        },
        bandwidth: figures.bandwidth,
        boot_volume_attachment: view.boot().map(|a| attachment::in_instance(r, a)),
        cluster_network_attachments: [],
        confidential_compute_mode: "disabled",
        created_at: head.created_at.to_string(),
        crn: r.crn_in(Kind::INSTANCE, instance.zone.as_str(), id),
        disks: [],
        enable_secure_boot: false,
        health_reasons: [],
        health_state: match instance.lifecycle_state {
            LifecycleState::Stable | LifecycleState::Updating => "ok",
            _ => "inapplicable",
        },
        href: r.href_of(Kind::INSTANCE, id),
        id,
        image: view.image.as_ref().map(|(image, owner)| Ref::image(r, image, owner)),
        lifecycle_reasons: [],
        lifecycle_state: instance.lifecycle_state.as_str(),
        memory: figures.memory,
        metadata_service: MetadataService::of(&instance.metadata_service),
        name: head.name.as_str(),
        network_attachments: view
            .nics
            .iter()
            .filter_map(|n| network_attachment::in_instance(r, n))
            .collect(),
        network_interfaces: view
            .nics
            .iter()
            .map(|n| network_interface::in_instance(r, n))
            .collect(),
        primary_network_attachment: primary.and_then(|n| network_attachment::in_instance(r, n)),
        primary_network_interface: primary.map(|n| network_interface::in_instance(r, n)),
        profile: NamedRef::instance_profile(r, &instance.profile),
        reservation_affinity: ReservationAffinity { policy: "disabled", pool: [] },
        resource_group: Ref::group(r, &head.group, &view.group_name),
        resource_type: "instance",
        software_attachments: [],
        startable: instance.status == InstanceStatus::Stopped,
        status: instance.status.as_str(),
        status_reasons: instance.status_reasons.iter().map(|&code| reason(code)).collect(),
        threads_per_core: 2,
        total_network_bandwidth: figures.network_bandwidth,
        total_volume_bandwidth: instance.total_volume_bandwidth,
        vcpu: figures.vcpu,
        volume_attachments: view
            .attachments
            .iter()
            .map(|a| attachment::in_instance(r, a))
            .collect(),
        volume_bandwidth_qos_mode: "pooled",
        vpc: vpc::reference(r, &view.vpc),
        zone: NamedRef::zone(r, &instance.zone),
    }
}

fn reason(code: InstanceStatusReason) -> Reason {
    let message = match code {
        InstanceStatusReason::CannotStart => "The instance could not be started.",
        InstanceStatusReason::CannotStartCapacity => "The host has no room for the instance.",
        InstanceStatusReason::CannotStartCompute => "The hypervisor could not start the instance.",
        InstanceStatusReason::CannotStartStorage => "A volume of the instance could not be opened.",
        InstanceStatusReason::EncryptionKeyDeleted => "The root key of a volume was deleted.",
        InstanceStatusReason::StoppedByHostFailure => "The guest ended without being asked to.",
        InstanceStatusReason::StoppedForImageCreation => {
            "The instance starts when the image of its boot volume has been made."
        }
        InstanceStatusReason::PausedStorageFull => {
            "The guest waits, because the disk of the host is full."
        }
    };
    Reason { code: code.as_str(), message }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use crate::render;

    #[test]
    fn an_instance_renders_as_the_golden_text_without_its_user_data() {
        let view = samples::instance();
        let frame = render::for_tests();
        let json = serde_json::to_string_pretty(&super::instance(&frame.render(), &view)).unwrap();
        samples::golden("instance", &json);
        assert!(!json.contains("null") && !json.contains("user_data"));
    }

    #[test]
    fn an_attachment_is_shown_as_an_interface_too() {
        let view = samples::instance_with_attachment();
        let frame = render::for_tests();
        let json = serde_json::to_value(super::instance(&frame.render(), &view)).unwrap();
        let (attachment, nic) =
            (&json["primary_network_attachment"], &json["primary_network_interface"]);
        for field in ["id", "name", "primary_ip", "subnet"] {
            assert_eq!(attachment[field], nic[field], "{field}");
        }
        let (of, as_nic) = ("/network_attachments/", "/network_interfaces/");
        let href = attachment["href"].as_str().unwrap();
        assert_eq!(nic["href"], href.replace(of, as_nic));
        assert_eq!(json["network_attachments"][0], *attachment);
        assert_eq!(json["network_interfaces"][0], *nic);
        assert_eq!(attachment["virtual_network_interface"]["name"], "my-vni");
    }

    #[test]
    fn addresses_follow_the_version() {
        let view = samples::instance();
        let json = |version: &str| {
            let frame = render::for_tests().at(version);
            serde_json::to_value(super::instance(&frame.render(), &view)).unwrap()
        };
        let new = json("2022-03-29")["primary_network_interface"].clone();
        assert_eq!(new["primary_ip"]["address"], "10.240.0.4");
        assert!(new.get("primary_ipv4_address").is_none());
        let old = json("2022-03-28")["primary_network_interface"].clone();
        assert_eq!(old["primary_ipv4_address"], "10.240.0.4");
        assert!(old.get("primary_ip").is_none());
    }
}

//! Instances, their actions, and templates of them.

use model::{
    ActionKind, ActionStatus, HostFailurePolicy, InstanceStatus, LifecycleState, Limit,
    MetadataProtocol,
};

use super::{
    Schema, Shapes,
    build::{
        Field, any_of, count, date, flag, has, href, id, just, list, may, name, none_yet, number,
        object, one_of, text, text_up_to, to, word,
    },
    operation::{Described, act, begin, change, create, page, read, switch},
    reference::{head, reasons},
};
use crate::request::NICS_MAX;

pub(super) fn operations() -> Vec<Described> {
    let nowhere = "Finds nothing: the region has none of these.";
    let mut list = page("list_instances", "Instance", "instances")
        .by("resource_group.id", id())
        .by("name", text())
        .by("vpc.id", id())
        .by("vpc.crn", text())
        .by("vpc.name", text())
        .by("network_interfaces.subnet.id", id())
        .by("availability.class", word(["standard", "spot"]))
        .by("reservation_affinity.policy", word(["disabled", "automatic", "manual"]));
    for filter in crate::request::INSTANCES_NOWHERE {
        list = list.by(filter, text().about(nowhere));
    }
    vec![
        list,
        create("create_instance", to("InstancePrototype"), to("Instance")).tagged(),
        read("get_instance", to("Instance")).tagged(),
        change("update_instance", to("InstancePatch"), to("Instance")).if_match(),
        act("delete_instance"),
        read("get_instance_initialization", to("InstanceInitialization")),
        begin("create_instance_reinitialization", None).takes(to("InstanceReinitialization")),
        create("create_instance_action", to("InstanceActionPrototype"), to("InstanceAction")),
        read("get_instance_action", to("InstanceAction")),
        change(
            "create_instance_console_access_token",
            to("InstanceConsoleAccessTokenPrototype"),
            to("InstanceConsoleAccessToken"),
        ),
        switch("get_instance_console")
            .about("The serial console, as a WebSocket, at the `href` of a token."),
        page("list_instance_templates", "InstanceTemplate", "templates"),
        create("create_instance_template", to("InstanceTemplatePrototype"), to("InstanceTemplate")),
        read("get_instance_template", to("InstanceTemplate")),
        change("update_instance_template", to("InstanceTemplatePatch"), to("InstanceTemplate")),
        act("delete_instance_template"),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    into.add("Instance", instance());
    into.add(
        "InstanceMetadataService",
        object([
            has("enabled", flag()),
            has("protocol", word(MetadataProtocol::ALL.iter().map(|p| p.as_str()))),
            has("response_hop_limit", number(1_u64, 64_u64)),
        ]),
    );
    into.add("InstanceInitialization", object([has("keys", list(to("KeyReference")))]));
    into.add(
        "InstanceAction",
        object([
            may("completed_at", date()),
            has("created_at", date()),
            has("force", flag()),
            has("href", href()),
            has("id", id()),
            may("started_at", date()),
            has("status", word(ActionStatus::ALL.iter().map(|s| s.as_str()))),
            has("type", word(ActionKind::ALL.iter().map(|k| k.as_str()))),
        ]),
    );
    into.add(
        "InstanceActionPrototype",
        object([
            has("type", word(ActionKind::ALL.iter().map(|k| k.as_str()))),
            may("force", flag().usually(false)),
        ]),
    );
    console(into);
    requests(into);
    templates(into);
}

fn console(into: &mut Shapes) {
    let serial = || word(["serial"]);
    into.add(
        "InstanceConsoleAccessTokenPrototype",
        object([
            has("console_type", serial()),
            may("force", flag().usually(false).about("Takes the console from another session.")),
        ]),
    );
    into.add(
        "InstanceConsoleAccessToken",
        object([
            has("access_token", text().about("Opens one session.")),
            has("console_type", serial()),
            has("created_at", date()),
            has("expires_at", date()),
            has("force", flag()),
            has("href", text().about("Where the session is: ws or wss.")),
        ]),
    );
}

fn instance() -> Schema {
    head().and(state()).and([
        has("boot_volume_attachment", to("VolumeAttachmentReferenceInstanceContext")),
        may("image", to("ImageReference")),
        has("metadata_service", to("InstanceMetadataService")),
        has("network_attachments", list(to("InstanceNetworkAttachmentReference"))),
        has("network_interfaces", list(to("NetworkInterfaceInstanceContextReference"))),
        may("primary_network_attachment", to("InstanceNetworkAttachmentReference")),
        may("primary_network_interface", to("NetworkInterfaceInstanceContextReference")),
        has("profile", to("InstanceProfileReference")),
        has("volume_attachments", list(to("VolumeAttachmentReferenceInstanceContext"))),
        has("vpc", to("VPCReference")),
        has("zone", to("ZoneReference")),
    ])
}

fn state() -> Vec<Field> {
    vec![
        has("availability", object([has("class", just("standard"))])),
        has(
            "availability_policy",
            object([has("host_failure", host_failure()), has("preemption", just("stop"))]),
        ),
        has("bandwidth", count().about("Megabits a second.")),
        has("cluster_network_attachments", none_yet()),
        has("confidential_compute_mode", just("disabled")),
        has("disks", none_yet()),
        has("enable_secure_boot", flag()),
        has("health_reasons", none_yet()),
        has("health_state", word(["ok", "inapplicable"])),
        has("lifecycle_reasons", none_yet()),
        has("lifecycle_state", word(LifecycleState::ALL.iter().map(|s| s.as_str()))),
        has("memory", count().about("Gigabytes.")),
        has(
            "reservation_affinity",
            object([has("policy", just("disabled")), has("pool", none_yet())]),
        ),
        has("resource_type", just("instance")),
        has("software_attachments", none_yet()),
        has("startable", flag()),
        has("status", word(InstanceStatus::ALL.iter().map(|s| s.as_str()))),
        has("status_reasons", reasons()),
        has("threads_per_core", count()),
        has("total_network_bandwidth", count()),
        has("total_volume_bandwidth", count()),
        has(
            "vcpu",
            object([
                has("architecture", text()),
                has("count", count()),
                has("manufacturer", text()),
                has("percentage", count()),
            ]),
        ),
        has("volume_bandwidth_qos_mode", just("pooled")),
    ]
}

fn host_failure() -> Schema {
    word(HostFailurePolicy::ALL.iter().map(|p| p.as_str()))
}

fn user_data() -> Schema {
    text_up_to(usize::try_from(Limit::USER_DATA_BYTES_MAX.max).unwrap_or(usize::MAX))
}

fn keys() -> Schema {
    let max = usize::try_from(Limit::KEYS_PER_INSTANCE_MAX.max).unwrap_or(usize::MAX);
    list(to("KeyIdentity")).at_most(max)
}

fn policies() -> [Field; 3] {
    [
        may("profile", to("InstanceProfileIdentity")),
        may("metadata_service", to("InstanceMetadataServicePrototype")),
        may("availability_policy", object([may("host_failure", host_failure())])),
    ]
}

/// Network interfaces.
fn by_interface() -> [Field; 2] {
    [
        has("primary_network_interface", to("NetworkInterfacePrototype")),
        may("network_interfaces", list(to("NetworkInterfacePrototype")).at_most(NICS_MAX)),
    ]
}

/// Network attachments: instead of network interfaces.
fn by_attachment() -> [Field; 2] {
    let one = || to("InstanceNetworkAttachmentPrototype");
    [
        has("primary_network_attachment", one()),
        may("network_attachments", list(one()).at_most(NICS_MAX)),
    ]
}

/// Both styles of network, each with a title.
fn networked(title: &str, fields: impl Fn() -> Schema) -> [Schema; 2] {
    [
        fields().and(by_interface()).titled(&format!("{title}ByNetworkInterface")),
        fields().and(by_attachment()).titled(&format!("{title}ByNetworkAttachment")),
    ]
}

/// What an instance and a template are made of, besides network and the disk that it boots from.
fn prototype() -> Schema {
    let data = usize::try_from(Limit::DATA_VOLUMES_MAX.max).unwrap_or(usize::MAX);
    let data = list(to("VolumeAttachmentPrototype")).at_most(data);
    object([
        has("zone", to("ZoneIdentity")),
        may("volume_attachments", data),
        may("name", name()),
        may("resource_group", to("ResourceGroupIdentity")),
        may("vpc", to("VPCIdentity")),
        may("keys", keys()),
        may("user_data", user_data()),
    ])
    .and(policies())
}

fn by_image() -> [Field; 2] {
    [
        has("image", to("ImageIdentity")),
        may("boot_volume_attachment", to("VolumeAttachmentPrototypeInstanceByImageContext")),
    ]
}

fn by_volume() -> [Field; 1] {
    [has("boot_volume_attachment", to("VolumeAttachmentPrototypeInstanceByVolumeContext"))]
}

fn requests(into: &mut Shapes) {
    into.add(
        "InstanceMetadataServicePrototype",
        object([
            may("enabled", flag()),
            may("protocol", word(MetadataProtocol::ALL.iter().map(|p| p.as_str()))),
            may("response_hop_limit", number(1_u64, 64_u64)),
        ]),
    );
    into.add(
        "InstancePrototype",
        any_of(
            networked("InstancePrototypeInstanceByImage", || prototype().and(by_image()))
                .into_iter()
                .chain(networked("InstancePrototypeInstanceByVolume", || {
                    prototype().and(by_volume())
                }))
                .chain([over_template().titled("InstancePrototypeInstanceBySourceTemplate")]),
        ),
    );
    into.add("InstancePatch", object([may("name", name())]).and(policies()));
    let first_boot = || [may("keys", keys()), may("user_data", user_data())];
    into.add(
        "InstanceReinitialization",
        one_of([
            object(by_image()).and(first_boot()).titled("InstanceReinitializationByImage"),
            object(by_volume()).and(first_boot()).titled("InstanceReinitializationByVolume"),
        ]),
    );
}

/// All that a template may have is left out or said anew.
fn over_template() -> Schema {
    object([
        has("source_template", to("InstanceTemplateIdentity")),
        may("name", name()),
        may("resource_group", to("ResourceGroupIdentity")),
        may("zone", to("ZoneIdentity")),
        may("vpc", to("VPCIdentity")),
        may("image", to("ImageIdentity")),
        may("keys", keys()),
        may("user_data", user_data()),
        may("primary_network_interface", to("NetworkInterfacePrototype")),
    ])
    .and(policies())
}

fn templates(into: &mut Shapes) {
    let made = || prototype().and(by_image());
    into.add(
        "InstanceTemplatePrototype",
        any_of(
            networked("InstanceTemplatePrototypeInstanceTemplateByImage", made)
                .into_iter()
                .chain([over_template()
                    .titled("InstanceTemplatePrototypeInstanceTemplateBySourceTemplate")]),
        ),
    );
    into.add("InstanceTemplatePatch", object([may("name", name())]));
    into.add(
        "InstanceTemplate",
        any_of(networked("InstanceTemplateInstanceByImage", || {
            made().and(super::reference::head_fields())
        })),
    );
}

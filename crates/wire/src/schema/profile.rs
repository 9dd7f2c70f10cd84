//! Profiles of instances.

use super::{
    Schema, Shapes,
    build::{count, flag, has, href, just, list, may, none_yet, object, text, to},
    operation::{Described, page, read},
};

pub(super) fn operations() -> Vec<Described> {
    vec![
        page("list_instance_profiles", "InstanceProfile", "profiles"),
        read("get_instance_profile", to("InstanceProfile")),
    ]
}

fn fixed(value: Schema) -> Schema {
    object([has("type", just("fixed")), has("value", value)])
}

fn choice(value: &Schema) -> Schema {
    object([
        has("type", just("enum")),
        may("default", value.clone()),
        has("values", list(value.clone())),
    ])
}

fn range() -> Schema {
    object([
        has("type", just("range")),
        may("default", count()),
        has("max", count()),
        has("min", count()),
        may("step", count()),
    ])
}

pub(super) fn shapes(into: &mut Shapes) {
    into.add(
        "InstanceProfile",
        object([
            has("availability_class", fixed(text())),
            has("bandwidth", fixed(count())),
            has("cluster_network_attachment_count", range()),
            has("confidential_compute_modes", choice(&text())),
            has("disks", none_yet()),
            has("family", text()),
            has("href", href()),
            has("memory", fixed(count())),
            has("name", text()),
            has("network_attachment_count", range()),
            has("network_bandwidth_mode", fixed(text())),
            has("network_interface_count", range()),
            has("os_architecture", choice(&text())),
            has("port_speed", fixed(count())),
            has("reservation_terms", choice(&text())),
            has("resource_type", just("instance_profile")),
            has("secure_boot_modes", choice(&flag())),
            has("status", just("current")),
            has("supported_cluster_network_profiles", none_yet()),
            has("threads_per_core", choice(&count())),
            has("total_volume_bandwidth", range()),
            has("vcpu_architecture", fixed(text())),
            has("vcpu_burst_limit", fixed(count())),
            has("vcpu_count", fixed(count())),
            has("vcpu_manufacturer", fixed(text())),
            has("vcpu_percentage", choice(&count())),
            has("volume_bandwidth_qos_modes", choice(&text())),
            has("zones", list(to("ZoneReference"))),
        ]),
    );
}

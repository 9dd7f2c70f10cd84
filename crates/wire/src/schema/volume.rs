//! Volumes, and their attachments to instances.

use model::{AttachmentKind, AttachmentStatus, VolumeStatus};

use super::{
    Schema, Shapes,
    build::{
        Field, count, date, flag, has, href, id, just, list, may, name, none_yet, number, object,
        one_of, text, to, word,
    },
    image::tags,
    operation::{Described, act, all, change, create, page, read},
    reference::{head, reasons},
};
use crate::request::{BANDWIDTH_MAX, CAPACITY_GB_MAX, IOPS_MAX};

pub(super) fn operations() -> Vec<Described> {
    let system = || text().about("Also `null` and `not:null`: volumes without or with one.");
    vec![
        page("list_volumes", "Volume", "volumes")
            .by("resource_group.id", id())
            .by("name", text())
            .by("zone.name", text())
            .by("attachment_state", word(["attached", "unattached", "unusable"]))
            .by("encryption", word(["provider_managed", "user_managed"]))
            .by("operating_system.family", system())
            .by("operating_system.architecture", system())
            .by("tag", text())
            .by("storage_generation", number(1_u64, 2_u64)),
        create("create_volume", to("VolumePrototype"), to("Volume")).tagged(),
        read("get_volume", to("Volume")).tagged(),
        change("update_volume", to("VolumePatch"), to("Volume"))
            .if_match()
            .about("A volume grows also while a guest uses it. `user_tags` need `If-Match`."),
        act("delete_volume"),
        page("list_volume_profiles", "VolumeProfile", "profiles"),
        read("get_volume_profile", to("VolumeProfile")),
        all(
            "list_instance_volume_attachments",
            "VolumeAttachmentCollection",
            "VolumeAttachment",
            "volume_attachments",
        ),
        create(
            "create_instance_volume_attachment",
            to("VolumeAttachmentPrototype"),
            to("VolumeAttachment"),
        ),
        read("get_instance_volume_attachment", to("VolumeAttachment")),
        change(
            "update_instance_volume_attachment",
            to("VolumeAttachmentPatch"),
            to("VolumeAttachment"),
        ),
        act("delete_instance_volume_attachment"),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    into.add("Volume", volume());
    into.add("VolumePrototype", object(new_volume()).and([has("zone", to("ZoneIdentity"))]));
    into.add(
        "VolumePatch",
        object([
            may("name", name()),
            may("user_tags", tags()),
            may("allowed_use", to("AllowedUsePrototype")),
            may("capacity", capacity()),
            may("iops", iops()),
            may("bandwidth", bandwidth()),
            may("profile", to("VolumeProfileIdentity")),
        ]),
    );
    profiles(into);
    attachments(into);
}

fn capacity() -> Schema {
    number(1_u64, CAPACITY_GB_MAX).about("Gigabytes. Profiles have bounds of their own.").like(100)
}

fn iops() -> Schema {
    number(1_u64, IOPS_MAX).about("Operations a second.").like(3_000)
}

fn bandwidth() -> Schema {
    let about = "Megabits a second, where the profile lets one choose.";
    number(1_u64, BANDWIDTH_MAX).about(about).like(1_000)
}

/// The fields of a volume that is made by its capacity.
fn new_volume() -> Vec<Field> {
    vec![
        has("capacity", capacity()),
        has("profile", to("VolumeProfileIdentity")),
        may("name", name()),
        may("resource_group", to("ResourceGroupIdentity")),
        may("iops", iops()),
        may("bandwidth", bandwidth()),
        may("user_tags", tags()),
    ]
}

fn volume() -> Schema {
    head().and([
        has("active", flag().about("A guest uses it.")),
        has("adjustable_capacity_states", states()),
        has("adjustable_iops_states", states()),
        may("allowed_use", to("AllowedUse")),
        has("attachment_state", word(["attached", "unattached", "unusable"])),
        has("bandwidth", count().about("Megabits a second.")),
        has("busy", flag()),
        has("capacity", count().about("Gigabytes.")),
        has("encryption", word(["provider_managed", "user_managed"])),
        may("encryption_key", to("EncryptionKeyReference")),
        has("health_reasons", none_yet()),
        has("health_state", word(["ok", "inapplicable"])),
        has("iops", count()),
        may("operating_system", to("OperatingSystem")),
        has("profile", to("VolumeProfileReference")),
        has("resource_type", just("volume")),
        has("software_attachments", none_yet()),
        may("source_image", to("ImageReference")),
        has("status", word(VolumeStatus::ALL.iter().map(|s| s.as_str()))),
        has("status_reasons", reasons()),
        has("storage_generation", number(1_u64, 2_u64)),
        has("user_tags", list(text())),
        has("volume_attachments", list(to("VolumeAttachmentReferenceVolumeContext"))),
        has("zone", to("ZoneReference")),
    ])
}

fn states() -> Schema {
    list(word(["attached", "unattached"]))
}

fn profiles(into: &mut Shapes) {
    let range = [has("max", count()), has("min", count()), has("step", count())];
    let figure = one_of([
        object([has("type", just("fixed")), has("value", count())]).titled("Fixed"),
        object([has("type", just("range")), has("default", count())])
            .and(range.clone())
            .titled("Range"),
        object([has("type", just("dependent_range"))]).and(range).titled("DependentRange"),
        object([has("type", just("dependent"))]).titled("Dependent"),
    ]);
    into.add("VolumeProfileFigure", figure);
    let adjustable = || object([has("type", just("enum")), has("values", states())]);
    let figure = || to("VolumeProfileFigure");
    into.add(
        "VolumeProfile",
        object([
            has("adjustable_capacity_states", adjustable()),
            has("adjustable_iops_states", adjustable()),
            has("bandwidth", figure()),
            has("boot_capacity", figure()),
            has("capacity", figure()),
            has("family", text()),
            has("href", href()),
            has("iops", figure()),
            has("name", text()),
            has("storage_generation", figure()),
        ]),
    );
}

fn attachments(into: &mut Shapes) {
    into.add("VolumeAttachmentDevice", object([has("id", text())]));
    let kind = || word(AttachmentKind::ALL.iter().map(|k| k.as_str()));
    let common = || {
        object([
            may("device", to("VolumeAttachmentDevice").about("There while it is attached.")),
            has("href", href()),
            has("id", id()),
            has("name", name()),
        ])
    };
    into.add(
        "VolumeAttachment",
        common().and([
            has("bandwidth", count().about("Megabits a second.")),
            has("created_at", date()),
            has("delete_volume_on_instance_delete", flag()),
            has("status", word(AttachmentStatus::ALL.iter().map(|s| s.as_str()))),
            has("type", kind()),
            has("volume", to("VolumeReference")),
        ]),
    );
    into.add(
        "VolumeAttachmentReferenceInstanceContext",
        common().and([has("volume", to("VolumeReference"))]),
    );
    into.add(
        "VolumeAttachmentReferenceVolumeContext",
        common().and([
            has("delete_volume_on_instance_delete", flag()),
            has("instance", to("InstanceReference")),
            has("type", kind()),
        ]),
    );
    attachment_requests(into);
}

fn attachment_requests(into: &mut Shapes) {
    let new = object(new_volume())
        .and([may("allowed_use", to("AllowedUsePrototype"))])
        .titled("VolumeAttachmentPrototypeVolumeByCapacity");
    let named = || [may("name", name()), may("delete_volume_on_instance_delete", flag())];
    let existing = super::reference::identity("VolumeIdentity", crate::Kind::VOLUME, "volumes");
    let volume = one_of(existing.into_iter().chain([new]));
    into.add("VolumeAttachmentPrototype", object([has("volume", volume)]).and(named()));
    into.add("VolumeAttachmentPatch", object(named()));
    let boot = object([
        has("profile", to("VolumeProfileIdentity")),
        may("name", name()),
        may("resource_group", to("ResourceGroupIdentity")),
        may("capacity", capacity()),
        may("iops", iops()),
        may("bandwidth", bandwidth()),
        may("user_tags", tags()),
        may("allowed_use", to("AllowedUsePrototype")),
    ]);
    into.add(
        "VolumeAttachmentPrototypeInstanceByImageContext",
        object([has("volume", boot)]).and(named()),
    );
    into.add(
        "VolumeAttachmentPrototypeInstanceByVolumeContext",
        object([has("volume", to("VolumeIdentity"))]).and(named()),
    );
}

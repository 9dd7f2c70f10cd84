//! Images.

use model::{ImageStatus, Visibility};

use super::{
    Schema, Shapes,
    build::{
        anything, count, crn, date, flag, has, href, id, just, list, may, name, object, text,
        text_up_to, to, word,
    },
    operation::{Described, act, change, create, page, page_of, read},
    reference::{head, reasons},
};

const FORMATS: [&str; 3] = ["cloud_init", "esxi_kickstart", "ipxe"];

pub(super) fn operations() -> Vec<Described> {
    let statuses = list(word(ImageStatus::ALL.iter().map(|s| s.as_str()))).at_least(1);
    vec![
        page("list_images", "Image", "images")
            .about("The caller's images and the stock images, newest first.")
            .by("resource_group.id", id())
            .by("name", text())
            .by("status", statuses)
            .by("visibility", word(Visibility::ALL.iter().map(|v| v.as_str())))
            .by("user_data_format", list(word(FORMATS)).at_least(1))
            .by(
                "remote.account.id",
                text().about("An account's id, `null` for one's own, `not:null` for others'."),
            ),
        create("create_image", to("ImagePrototype"), to("Image")).about(
            "Makes an image from the boot volume of a stopped instance. The image is `pending` \
             until its bytes are sealed.",
        ),
        read("get_image", to("Image")),
        change("update_image", to("ImagePatch"), to("Image")),
        act("delete_image").about("Also cancels an image that is being made."),
        act("deprecate_image"),
        act("obsolete_image"),
        page_of(
            "list_image_instance_profiles",
            "ImageInstanceProfileCollection",
            to("InstanceProfileReference"),
            "instance_profiles",
        ),
        page_of(
            "list_image_bare_metal_server_profiles",
            "ImageBareMetalServerProfileCollection",
            anything(),
            "bare_metal_server_profiles",
        )
        .about("Always empty: the region has no bare metal servers."),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    into.add(
        "AllowedUse",
        object([
            has("api_version", text()),
            has("bare_metal_server", text()),
            has("instance", text()),
        ])
        .about("Expressions that say what may be made of it."),
    );
    let expression = |example: &str| text_up_to(4_096).like(example);
    into.add(
        "AllowedUsePrototype",
        object([
            may("api_version", expression("2026-10-06").about("A date of today or before.")),
            may("bare_metal_server", expression("true")),
            may("instance", expression("gpu.count >= 0")),
        ]),
    );
    into.add("EncryptionKeyReference", object([has("crn", crn())]));
    into.add("Image", image());
    into.add(
        "ImagePrototype",
        object([
            has("source_volume", to("VolumeIdentity")),
            may("name", name()),
            may("resource_group", to("ResourceGroupIdentity")),
            may("deprecation_at", date()),
            may("obsolescence_at", date().like("2099-02-02T03:04:05Z")),
            may("allowed_use", to("AllowedUsePrototype")),
        ])
        .titled("ImagePrototypeImageBySourceVolume"),
    );
    into.add(
        "ImagePatch",
        object([
            may("name", name()),
            may("deprecation_at", date().or_null()),
            may("obsolescence_at", date().like("2099-02-02T03:04:05Z").or_null()),
            may("allowed_use", to("AllowedUsePrototype")),
        ]),
    );
    into.add("OperatingSystem", operating_system());
}

fn image() -> Schema {
    head().and([
        has("allowed_use", to("AllowedUse")),
        has("catalog_offering", object([has("managed", flag())])),
        may("deprecation_at", date()),
        has("encryption", word(["none", "user_managed"])),
        may("encryption_key", to("EncryptionKeyReference")),
        has("file", object([may("size", count().about("Gigabytes, rounded up."))])),
        has("minimum_provisioned_size", count().about("Gigabytes.")),
        may("obsolescence_at", date()),
        has("operating_system", to("OperatingSystem")),
        may("remote", to("Remote")),
        has("resource_type", just("image")),
        may("source_volume", to("VolumeReference")),
        has("status", word(ImageStatus::ALL.iter().map(|s| s.as_str()))),
        has("status_reasons", reasons()),
        has("user_data_format", word(FORMATS)),
        has("visibility", word(Visibility::ALL.iter().map(|v| v.as_str()))),
        has("zones", list(to("ZoneReference"))),
    ])
}

fn operating_system() -> Schema {
    object([
        has("allow_user_image_creation", flag()),
        has("architecture", text()),
        has("dedicated_host_only", flag()),
        has("display_name", text()),
        has("family", text()),
        has("href", href()),
        has("name", text()),
        has("user_data_format", word(FORMATS)),
        has("vendor", text()),
        has("version", text()),
    ])
}

/// User tags of a request.
pub(super) fn tags() -> Schema {
    let tag = text_up_to(model::TAG_LEN_MAX).fits("^ *[-0-9A-Za-z_.:]([-0-9A-Za-z_ .:]*) *$");
    list(tag.like("env:dev")).at_most(1_000)
}

//! Volumes and their profiles; snapshots, which a region may refuse.

use super::{Column, ID_NAME, Kind, Row, See};

pub(crate) static VOLUME: Kind = Kind::new("volume", "volumes", "/v1/volumes", "volumes")
    .by_name()
    .grouped()
    .slow_end()
    .seen(&[
        Column("ID", See::At("/id")),
        Column("Name", See::At("/name")),
        Column("Status", See::At("/status")),
        Column("Capacity", See::At("/capacity")),
        Column("IOPS", See::At("/iops")),
        Column("Profile", See::At("/profile/name")),
        Column("Attachment state", See::At("/attachment_state")),
        Column("Attachment type", See::Each("/volume_attachments", "/type")),
        Column("Zone", See::At("/zone/name")),
        Column("Resource group", See::At("/resource_group/name")),
        Column("Catalog Offering Version", See::At("/catalog_offering/version/crn")),
        Column("Catalog Offering Plan", See::At("/catalog_offering/plan/crn")),
        Column("Storage Generation", See::At("/storage_generation")),
    ])
    .told(&[
        Row::Value("ID", See::At("/id")),
        Row::Value("Name", See::At("/name")),
        Row::Value("CRN", See::At("/crn")),
        Row::Value("Status", See::At("/status")),
        Row::Grid(
            "Status reasons",
            "/status_reasons",
            &[Column("Code", See::At("/code")), Column("Message", See::At("/message"))],
        ),
        Row::Value("Attachment state", See::At("/attachment_state")),
        Row::Value("Capacity", See::At("/capacity")),
        Row::Value("IOPS", See::At("/iops")),
        Row::Value("Bandwidth(Mbps)", See::At("/bandwidth")),
        Row::Value("Profile", See::At("/profile/name")),
        Row::Value("Encryption key", See::At("/encryption_key/crn")),
        Row::Value("Encryption", See::At("/encryption")),
        Row::Value("Resource group", See::At("/resource_group/name")),
        Row::Value("Created", See::At("/created_at")),
        Row::Value("Zone", See::At("/zone/name")),
        Row::Value("Health State", See::At("/health_state")),
        Row::Grid(
            "Volume Attachment Instance Reference",
            "/volume_attachments",
            &[
                Column("Attachment type", See::At("/type")),
                Column("Instance ID", See::At("/instance/id")),
                Column("Instance name", See::At("/instance/name")),
                Column("Auto delete", See::At("/delete_volume_on_instance_delete")),
                Column("Attachment ID", See::At("/id")),
                Column("Attachment name", See::At("/name")),
            ],
        ),
        Row::Value("Source snapshot", See::At("/source_snapshot/id")),
        Row::Grid("Source image", "/source_image", ID_NAME),
        Row::Value("Operating system", See::At("/operating_system/name")),
        Row::Value("Active", See::At("/active")),
        Row::Value("Busy", See::At("/busy")),
        Row::Value("Tags", See::Each("/user_tags", "")),
        Row::Value("Storage Generation", See::At("/storage_generation")),
    ]);

pub(crate) static VOLUME_PROFILE: Kind =
    Kind::new("volume profile", "volume profiles", "/v1/volume/profiles", "profiles")
        .named("name")
        .seen(&[
            Column("Name", See::At("/name")),
            Column("Family", See::At("/family")),
            Column("Boot capacity", See::Range("/boot_capacity")),
            Column("Capacity", See::Range("/capacity")),
            Column("IOPS", See::Range("/iops")),
            Column("Storage Generation", See::At("/storage_generation")),
        ])
        .told(&[
            Row::Value("Name", See::At("/name")),
            Row::Value("Family", See::At("/family")),
            Row::Value("Boot capacity", See::Range("/boot_capacity")),
            Row::Value("Capacity", See::Range("/capacity")),
            Row::Value("IOPS", See::Range("/iops")),
            Row::Value("Storage Generation", See::At("/storage_generation")),
        ]);

pub(crate) static SNAPSHOT: Kind = Kind::new("snapshot", "snapshots", "/v1/snapshots", "snapshots")
    .by_name()
    .grouped()
    .slow_end()
    .seen(&[
        Column("ID", See::At("/id")),
        Column("Name", See::At("/name")),
        Column("Status", See::At("/lifecycle_state")),
        Column("Source Volume", See::At("/source_volume/name")),
        Column("Bootable", See::At("/bootable")),
        Column("Resource group", See::At("/resource_group/name")),
        Column("Created", See::At("/created_at")),
    ]);

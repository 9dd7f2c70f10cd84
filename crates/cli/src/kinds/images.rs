//! Images, what can be made of them, operating systems.

use super::{Column, ID_NAME, Kind, REASONS, Row, See};

const GROUP: Column = Column("Resource group", See::At("/resource_group/name"));

pub(crate) static IMAGE: Kind = Kind::new("image", "images", "/v1/images", "images")
    .by_name()
    .grouped()
    .shared()
    .slow_end()
    .seen(&[
        Column("ID", See::At("/id")),
        Column("Name", See::At("/name")),
        Column("Status", See::At("/status")),
        Column("Arch", See::At("/operating_system/architecture")),
        Column("OS name", See::At("/operating_system/name")),
        Column("OS version", See::At("/operating_system/version")),
        Column("File size(GB)", See::At("/file/size")),
        Column("Visibility", See::At("/visibility")),
        Column("Encryption", See::At("/encryption")),
        GROUP,
        Column("Catalog Offering", See::At("/catalog_offering/version/crn")),
        Column("User Data Format", See::At("/user_data_format")),
        Column("Remote Account ID", See::Other("/remote/account/id")),
    ])
    .told(&[
        Row::Value("ID", See::At("/id")),
        Row::Value("Name", See::At("/name")),
        Row::Value("CRN", See::At("/crn")),
        Row::Value("Status", See::At("/status")),
        Row::Grid("Status reason", "/status_reasons", REASONS),
        Row::Grid(
            "Operating system",
            "/operating_system",
            &[
                Column("Name", See::At("/name")),
                Column("Architecture", See::At("/architecture")),
                Column("Vendor", See::At("/vendor")),
                Column("Version", See::At("/version")),
                Column("Dedicated host only", See::At("/dedicated_host_only")),
            ],
        ),
        Row::Grid("Source volume", "/source_volume", ID_NAME),
        Row::Value("Created", See::At("/created_at")),
        Row::Value("Deprecation Date", See::At("/deprecation_at")),
        Row::Value("Obsolescence Date", See::At("/obsolescence_at")),
        Row::Value("Visibility", See::At("/visibility")),
        Row::Value("Minimum provisioned size(GB)", See::At("/minimum_provisioned_size")),
        Row::Value("SHA256 Checksum", See::At("/file/checksums/sha256")),
        Row::Value("File size(GB)", See::At("/file/size")),
        Row::Value("Encryption", See::At("/encryption")),
        Row::Value("Encryption key", See::At("/encryption_key/crn")),
        Row::Value("Resource group", See::At("/resource_group/name")),
        Row::Value("Resource type", See::At("/resource_type")),
        Row::Value("Catalog Offering Managed", See::At("/catalog_offering/managed")),
        Row::Value("User Data Format", See::At("/user_data_format")),
        Row::Value("Allowed use API version", See::At("/allowed_use/api_version")),
        Row::Value("Allowed use bare metal server", See::At("/allowed_use/bare_metal_server")),
        Row::Value("Allowed use instance", See::At("/allowed_use/instance")),
        Row::Value("Remote Account ID", See::Other("/remote/account/id")),
        Row::Value("Zones", See::Each("/zones", "/name")),
    ]);

pub(crate) static IMAGE_PROFILE: Kind = Kind::new(
    "instance profile",
    "instance profiles",
    "/v1/images/{}/instance_profiles",
    "instance_profiles",
)
.named("name")
.of(&IMAGE)
.seen(&[Column("Name", See::At("/name")), Column("Resource type", See::At("/resource_type"))]);

pub(crate) static IMAGE_BARE_METAL_PROFILE: Kind = Kind::new(
    "bare metal server profile",
    "bare metal server profiles",
    "/v1/images/{}/bare_metal_server_profiles",
    "bare_metal_server_profiles",
)
.named("name")
.of(&IMAGE)
.seen(&[Column("Name", See::At("/name")), Column("Resource type", See::At("/resource_type"))]);

pub(crate) static EXPORT_JOB: Kind =
    Kind::new("image export job", "image export jobs", "/v1/images/{}/export_jobs", "export_jobs")
        .of(&IMAGE)
        .slow_end()
        .seen(&[
            Column("ID", See::At("/id")),
            Column("Name", See::At("/name")),
            Column("Status", See::At("/status")),
            Column("Format", See::At("/format")),
            Column("Storage bucket", See::At("/storage_bucket/name")),
            Column("Storage object", See::At("/storage_object/name")),
            Column("Created", See::At("/created_at")),
            Column("Started", See::At("/started_at")),
            Column("Completed", See::At("/completed_at")),
        ]);

pub(crate) static OPERATING_SYSTEM: Kind = Kind::new(
    "operating system",
    "operating systems",
    "/v1/operating_systems",
    "operating_systems",
)
.named("name")
.seen(&[
    Column("Name", See::At("/name")),
    Column("Display name", See::At("/display_name")),
    Column("Family", See::At("/family")),
    Column("Vendor", See::At("/vendor")),
    Column("Version", See::At("/version")),
    Column("Architecture", See::At("/architecture")),
    Column("Dedicated host only", See::At("/dedicated_host_only")),
])
.told(&[
    Row::Value("Name", See::At("/name")),
    Row::Value("Display name", See::At("/display_name")),
    Row::Value("Family", See::At("/family")),
    Row::Value("Vendor", See::At("/vendor")),
    Row::Value("Version", See::At("/version")),
    Row::Value("Architecture", See::At("/architecture")),
    Row::Value("Dedicated host only", See::At("/dedicated_host_only")),
]);

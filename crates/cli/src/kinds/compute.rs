//! Instances and what hangs on them, SSH keys, regions and zones.

use super::{Column, ID_NAME, Kind, REASONS, Row, See};

/// A volume by its attachment.
const ATTACHED: &[Column] = &[
    Column("ID", See::At("/volume/id")),
    Column("Name", See::At("/volume/name")),
    Column("Attachment ID", See::At("/id")),
    Column("Attachment name", See::At("/name")),
];

pub(crate) static INSTANCE: Kind = Kind::new("instance", "instances", "/v1/instances", "instances")
    .by_name()
    .grouped()
    .slow_end()
    .seen(&[
        Column("ID", See::At("/id")),
        Column("Name", See::At("/name")),
        Column("Status", See::At("/status")),
        Column("Reserved IP", See::At("/primary_network_interface/primary_ip/address")),
        Column("Floating IP", See::Each("/network_interfaces", "/floating_ips/0/address")),
        Column("Profile", See::At("/profile/name")),
        Column("Image", See::At("/image/name")),
        Column("VPC", See::At("/vpc/name")),
        Column("Zone", See::At("/zone/name")),
        Column("Confidential Compute Mode", See::At("/confidential_compute_mode")),
        Column("Enable Secure Boot", See::At("/enable_secure_boot")),
        Column("Resource group", See::At("/resource_group/name")),
        Column("Reservation Name", See::At("/reservation/name")),
        Column("Cluster Network ID", See::At("/cluster_network/id")),
        Column("Cluster Network Name", See::At("/cluster_network/name")),
        Column("Cluster Network Attachments", See::Each("/cluster_network_attachments", "/name")),
    ])
    .told(&[
        Row::Value("ID", See::At("/id")),
        Row::Value("Name", See::At("/name")),
        Row::Value("CRN", See::At("/crn")),
        Row::Value("Status", See::At("/status")),
        Row::Grid("Status reasons", "/status_reasons", REASONS),
        Row::Value(
            "Availability policy on host failure",
            See::At("/availability_policy/host_failure"),
        ),
        Row::Value("Startable", See::At("/startable")),
        Row::Value("Profile", See::At("/profile/name")),
        Row::Value("Architecture", See::At("/vcpu/architecture")),
        Row::Value("vCPU Manufacturer", See::At("/vcpu/manufacturer")),
        Row::Value("vCPUs", See::At("/vcpu/count")),
        Row::Value("Memory(GiB)", See::At("/memory")),
        Row::Value("Bandwidth(Mbps)", See::At("/bandwidth")),
        Row::Value("Volume bandwidth(Mbps)", See::At("/total_volume_bandwidth")),
        Row::Value("Network bandwidth(Mbps)", See::At("/total_network_bandwidth")),
        Row::Value("Lifecycle Reasons", See::Each("/lifecycle_reasons", "/code")),
        Row::Value("Lifecycle State", See::At("/lifecycle_state")),
        Row::Value("Enable Secure Boot", See::At("/enable_secure_boot")),
        Row::Value("Confidential Compute Mode", See::At("/confidential_compute_mode")),
        Row::Grid(
            "Metadata service",
            "/metadata_service",
            &[
                Column("Enabled", See::At("/enabled")),
                Column("Protocol", See::At("/protocol")),
                Column("Response hop limit", See::At("/response_hop_limit")),
            ],
        ),
        Row::Grid("Image", "/image", ID_NAME),
        Row::Grid("VPC", "/vpc", ID_NAME),
        Row::Value("Zone", See::At("/zone/name")),
        Row::Value("Resource group", See::At("/resource_group/name")),
        Row::Value("Created", See::At("/created_at")),
        Row::Grid(
            "Network Interfaces",
            "/network_interfaces",
            &[
                Column("Interface", See::At("/name")),
                Column("ID", See::At("/id")),
                Column("Subnet", See::At("/subnet/name")),
                Column("Private IP", See::At("/primary_ip/address")),
                Column("Floating IP", See::At("/floating_ips/0/address")),
            ],
        ),
        Row::Grid(
            "Network Attachments",
            "/network_attachments",
            &[
                Column("Name", See::At("/name")),
                Column("ID", See::At("/id")),
                Column("Subnet", See::At("/subnet/name")),
                Column("Private IP", See::At("/primary_ip/address")),
                Column("Virtual network interface", See::At("/virtual_network_interface/name")),
            ],
        ),
        Row::Grid("Boot volume", "/boot_volume_attachment", ATTACHED),
        Row::Grid("Data volumes", "/data_volume_attachments", ATTACHED),
    ]);

pub(crate) static INSTANCE_ACTION: Kind =
    Kind::new("instance action", "instance actions", "/v1/instances/{}/actions", "actions")
        .of(&INSTANCE);

pub(crate) static INSTANCE_INITIALIZATION: Kind = Kind::new(
    "initialization values",
    "initialization values",
    "/v1/instances/{}/initialization",
    "initialization",
)
.of(&INSTANCE);

pub(crate) static INSTANCE_TEMPLATE: Kind =
    Kind::new("instance template", "instance templates", "/v1/instance/templates", "templates")
        .grouped()
        .seen(&[
            Column("ID", See::At("/id")),
            Column("Name", See::At("/name")),
            Column("Profile", See::At("/profile/name")),
            Column("Zone", See::At("/zone/name")),
            Column("Resource group", See::At("/resource_group/name")),
            Column("Created", See::At("/created_at")),
        ]);

pub(crate) static INSTANCE_PROFILE: Kind =
    Kind::new("instance profile", "instance profiles", "/v1/instance/profiles", "profiles")
        .named("name")
        .seen(&[
            Column("Name", See::At("/name")),
            Column("vCPU Manufacturer", See::Range("/vcpu_manufacturer")),
            Column("Architecture", See::Range("/vcpu_architecture")),
            Column("Family", See::At("/family")),
            Column("vCPUs", See::Range("/vcpu_count")),
            Column("Memory(GiB)", See::Range("/memory")),
            Column("Bandwidth(Mbps)", See::Range("/bandwidth")),
            Column("Volume bandwidth(Mbps)", See::Range("/total_volume_bandwidth")),
            Column("GPUs", See::Range("/gpu_count")),
            Column("Storage(GB)", See::Each("/disks", "/size/value")),
            Column("Min NIC Count", See::At("/network_interface_count/min")),
            Column("Max NIC Count", See::At("/network_interface_count/max")),
            Column("Status", See::At("/status")),
            Column("Reservation Terms", See::Range("/reservation_terms")),
        ])
        .told(&[
            Row::Value("Name", See::At("/name")),
            Row::Value("Family", See::At("/family")),
            Row::Value("Status", See::At("/status")),
            Row::Value("vCPU Manufacturer", See::Range("/vcpu_manufacturer")),
            Row::Value("Architecture", See::Range("/vcpu_architecture")),
            Row::Value("vCPUs", See::Range("/vcpu_count")),
            Row::Value("Memory(GiB)", See::Range("/memory")),
            Row::Value("Bandwidth(Mbps)", See::Range("/bandwidth")),
            Row::Value("Volume bandwidth(Mbps)", See::Range("/total_volume_bandwidth")),
            Row::Value("Min NIC Count", See::At("/network_interface_count/min")),
            Row::Value("Max NIC Count", See::At("/network_interface_count/max")),
        ]);

pub(crate) static VOLUME_ATTACHMENT: Kind = Kind::new(
    "volume attachment",
    "volume attachments",
    "/v1/instances/{}/volume_attachments",
    "volume_attachments",
)
.of(&INSTANCE)
.slow_end()
.seen(&[
    Column("ID", See::At("/id")),
    Column("Name", See::At("/name")),
    Column("Volume", See::At("/volume/name")),
    Column("Status", See::At("/status")),
    Column("Type", See::At("/type")),
    Column("Device", See::At("/device/id")),
    Column("Auto delete", See::At("/delete_volume_on_instance_delete")),
])
.told(&[
    Row::Value("ID", See::At("/id")),
    Row::Value("Name", See::At("/name")),
    Row::Value("Status", See::At("/status")),
    Row::Value("Type", See::At("/type")),
    Row::Value("Device", See::At("/device/id")),
    Row::Value("Bandwidth(Mbps)", See::At("/bandwidth")),
    Row::Value("Auto delete", See::At("/delete_volume_on_instance_delete")),
    Row::Grid("Volume", "/volume", ID_NAME),
    Row::Value("Created", See::At("/created_at")),
]);

pub(crate) static NETWORK_INTERFACE: Kind = Kind::new(
    "network interface",
    "network interfaces",
    "/v1/instances/{}/network_interfaces",
    "network_interfaces",
)
.of(&INSTANCE)
.seen(&[
    Column("ID", See::At("/id")),
    Column("Name", See::At("/name")),
    Column("Status", See::At("/status")),
    Column("Type", See::At("/type")),
    Column("Subnet", See::At("/subnet/name")),
    Column("Reserved IP", See::At("/primary_ip/address")),
    Column("Floating IPs", See::Each("/floating_ips", "/address")),
    Column("Security groups", See::Each("/security_groups", "/name")),
]);

pub(crate) static NETWORK_ATTACHMENT: Kind = Kind::new(
    "network attachment",
    "network attachments",
    "/v1/instances/{}/network_attachments",
    "network_attachments",
)
.of(&INSTANCE)
.seen(&[
    Column("ID", See::At("/id")),
    Column("Name", See::At("/name")),
    Column("Type", See::At("/type")),
    Column("Lifecycle state", See::At("/lifecycle_state")),
    Column("Subnet", See::At("/subnet/name")),
    Column("Reserved IP", See::At("/primary_ip/address")),
    Column("Virtual network interface", See::At("/virtual_network_interface/name")),
]);

pub(crate) static KEY: Kind = Kind::new("key", "keys", "/v1/keys", "keys")
    .grouped()
    .seen(&[
        Column("ID", See::At("/id")),
        Column("Name", See::At("/name")),
        Column("Type", See::At("/type")),
        Column("Length", See::At("/length")),
        Column("FingerPrint", See::Short("/fingerprint")),
        Column("Resource group", See::At("/resource_group/name")),
    ])
    .told(&[
        Row::Value("ID", See::At("/id")),
        Row::Value("Name", See::At("/name")),
        Row::Value("CRN", See::At("/crn")),
        Row::Value("Type", See::At("/type")),
        Row::Value("Length", See::At("/length")),
        Row::Value("FingerPrint", See::At("/fingerprint")),
        Row::Value("Key", See::At("/public_key")),
        Row::Value("Created", See::At("/created_at")),
        Row::Value("Resource group", See::At("/resource_group/name")),
    ]);

pub(crate) static REGION: Kind = Kind::new("region", "regions", "/v1/regions", "regions")
    .named("name")
    .seen(&[
        Column("Name", See::At("/name")),
        Column("Endpoint", See::At("/endpoint")),
        Column("Status", See::At("/status")),
    ])
    .told(&[
        Row::Value("Name", See::At("/name")),
        Row::Value("Endpoint", See::At("/endpoint")),
        Row::Value("Status", See::At("/status")),
    ]);

pub(crate) static ZONE: Kind = Kind::new("zone", "zones", "/v1/regions/{}/zones", "zones")
    .named("name")
    .of(&REGION)
    .seen(&[
        Column("Name", See::At("/name")),
        Column("Region", See::At("/region/name")),
        Column("Status", See::At("/status")),
    ])
    .told(&[
        Row::Value("Name", See::At("/name")),
        Row::Value("Region", See::At("/region/name")),
        Row::Value("Status", See::At("/status")),
    ]);

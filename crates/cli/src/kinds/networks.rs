//! VPCs, subnets, addresses, security groups, access control lists, routes.

use super::{Column, ID_NAME, Kind, Row, See};

pub(crate) static VPC: Kind = Kind::new("VPC", "VPCs", "/v1/vpcs", "vpcs")
    .grouped()
    .slow_end()
    .seen(&[
        Column("ID", See::At("/id")),
        Column("Name", See::At("/name")),
        Column("Status", See::At("/status")),
        Column("Classic access", See::At("/classic_access")),
        Column("Default network ACL", See::At("/default_network_acl/name")),
        Column("Default security group", See::At("/default_security_group/name")),
        Column("Resource group", See::At("/resource_group/name")),
    ])
    .told(&[
        Row::Value("ID", See::At("/id")),
        Row::Value("Name", See::At("/name")),
        Row::Value("CRN", See::At("/crn")),
        Row::Value("Status", See::At("/status")),
        Row::Value("Classic access", See::At("/classic_access")),
        Row::Value("Created", See::At("/created_at")),
        Row::Grid("Default network ACL", "/default_network_acl", ID_NAME),
        Row::Grid("Default security group", "/default_security_group", ID_NAME),
        Row::Grid("Default routing table", "/default_routing_table", ID_NAME),
        Row::Value("Resource group", See::At("/resource_group/name")),
        Row::Grid(
            "Cloud Service Endpoint source IPs",
            "/cse_source_ips",
            &[Column("Zone", See::At("/zone/name")), Column("Address", See::At("/ip/address"))],
        ),
    ]);

pub(crate) static ADDRESS_PREFIX: Kind = Kind::new(
    "address prefix",
    "address prefixes",
    "/v1/vpcs/{}/address_prefixes",
    "address_prefixes",
)
.of(&VPC)
.seen(&[
    Column("ID", See::At("/id")),
    Column("Name", See::At("/name")),
    Column("CIDR block", See::At("/cidr")),
    Column("Zone", See::At("/zone/name")),
    Column("Is default", See::At("/is_default")),
    Column("Has subnets", See::At("/has_subnets")),
    Column("Created", See::At("/created_at")),
]);

pub(crate) static SUBNET: Kind = Kind::new("subnet", "subnets", "/v1/subnets", "subnets")
    .grouped()
    .within("vpc", "/vpc")
    .slow_end()
    .seen(&[
        Column("ID", See::At("/id")),
        Column("Name", See::At("/name")),
        Column("Status", See::At("/status")),
        Column("Subnet CIDR", See::At("/ipv4_cidr_block")),
        Column(
            "Addresses",
            See::Pair("/available_ipv4_address_count", "/total_ipv4_address_count"),
        ),
        Column("ACL", See::At("/network_acl/name")),
        Column("Public Gateway", See::At("/public_gateway/name")),
        Column("VPC", See::At("/vpc/name")),
        Column("Zone", See::At("/zone/name")),
        Column("Resource group", See::At("/resource_group/name")),
    ])
    .told(&[
        Row::Value("ID", See::At("/id")),
        Row::Value("Name", See::At("/name")),
        Row::Value("CRN", See::At("/crn")),
        Row::Value("Status", See::At("/status")),
        Row::Value("IPv4 CIDR", See::At("/ipv4_cidr_block")),
        Row::Value("Address available", See::At("/available_ipv4_address_count")),
        Row::Value("Address total", See::At("/total_ipv4_address_count")),
        Row::Grid("ACL", "/network_acl", ID_NAME),
        Row::Grid("Routing table", "/routing_table", ID_NAME),
        Row::Grid("Public Gateway", "/public_gateway", ID_NAME),
        Row::Value("Created", See::At("/created_at")),
        Row::Value("Zone", See::At("/zone/name")),
        Row::Grid("VPC", "/vpc", ID_NAME),
        Row::Value("Resource group", See::At("/resource_group/name")),
    ]);

pub(crate) static RESERVED_IP: Kind =
    Kind::new("reserved IP", "reserved IPs", "/v1/subnets/{}/reserved_ips", "reserved_ips")
        .of(&SUBNET)
        .seen(&[
            Column("ID", See::At("/id")),
            Column("Name", See::At("/name")),
            Column("Address", See::At("/address")),
            Column("Auto delete", See::At("/auto_delete")),
            Column("Owner", See::At("/owner")),
            Column("Target", See::At("/target/name")),
            Column("Created", See::At("/created_at")),
        ]);

pub(crate) static FLOATING_IP: Kind =
    Kind::new("floating IP", "floating IPs", "/v1/floating_ips", "floating_ips").grouped().seen(&[
        Column("ID", See::At("/id")),
        Column("Address", See::At("/address")),
        Column("Name", See::At("/name")),
        Column("Status", See::At("/status")),
        Column("Zone", See::At("/zone/name")),
        Column("Target", See::At("/target/name")),
        Column("Target type", See::At("/target/resource_type")),
        Column("Target IP", See::At("/target/primary_ip/address")),
        Column("Created", See::At("/created_at")),
        Column("Resource group", See::At("/resource_group/name")),
    ]);

pub(crate) static PUBLIC_GATEWAY: Kind =
    Kind::new("public gateway", "public gateways", "/v1/public_gateways", "public_gateways")
        .grouped()
        .within("vpc", "/vpc")
        .seen(&[
            Column("ID", See::At("/id")),
            Column("Name", See::At("/name")),
            Column("Status", See::At("/status")),
            Column("Floating IP", See::At("/floating_ip/address")),
            Column("VPC", See::At("/vpc/name")),
            Column("Zone", See::At("/zone/name")),
            Column("Resource group", See::At("/resource_group/name")),
        ]);

pub(crate) static SECURITY_GROUP: Kind =
    Kind::new("security group", "security groups", "/v1/security_groups", "security_groups")
        .grouped()
        .within("vpc", "/vpc")
        .seen(&[
            Column("ID", See::At("/id")),
            Column("Name", See::At("/name")),
            Column("Rules", See::Each("/rules", "/direction")),
            Column("Targets", See::Each("/targets", "/name")),
            Column("VPC", See::At("/vpc/name")),
            Column("Resource group", See::At("/resource_group/name")),
        ])
        .told(&[
            Row::Value("ID", See::At("/id")),
            Row::Value("Name", See::At("/name")),
            Row::Value("CRN", See::At("/crn")),
            Row::Value("Created", See::At("/created_at")),
            Row::Grid("VPC", "/vpc", ID_NAME),
            Row::Grid("Rules", "/rules", RULES),
            Row::Value("Targets", See::Each("/targets", "/name")),
            Row::Value("Resource group", See::At("/resource_group/name")),
        ]);

const RULES: &[Column] = &[
    Column("ID", See::At("/id")),
    Column("Direction", See::At("/direction")),
    Column("IP version", See::At("/ip_version")),
    Column("Protocol", See::At("/protocol")),
    Column("Port min", See::First(&["/port_min", "/type"])),
    Column("Port max", See::First(&["/port_max", "/code"])),
    Column("Remote", See::First(&["/remote/cidr_block", "/remote/address", "/remote/name"])),
];

pub(crate) static SECURITY_GROUP_RULE: Kind = Kind::new(
    "security group rule",
    "security group rules",
    "/v1/security_groups/{}/rules",
    "rules",
)
.of(&SECURITY_GROUP)
.seen(RULES);

pub(crate) static SECURITY_GROUP_TARGET: Kind = Kind::new(
    "security group target",
    "security group targets",
    "/v1/security_groups/{}/targets",
    "targets",
)
.of(&SECURITY_GROUP)
.seen(&[
    Column("ID", See::At("/id")),
    Column("Name", See::At("/name")),
    Column("Resource type", See::At("/resource_type")),
]);

pub(crate) static NETWORK_ACL: Kind =
    Kind::new("network ACL", "network ACLs", "/v1/network_acls", "network_acls")
        .grouped()
        .within("vpc", "/vpc")
        .seen(&[
            Column("ID", See::At("/id")),
            Column("Name", See::At("/name")),
            Column("Rules", See::Each("/rules", "/name")),
            Column("Subnets", See::Each("/subnets", "/name")),
            Column("VPC", See::At("/vpc/name")),
            Column("Resource group", See::At("/resource_group/name")),
        ]);

pub(crate) static NETWORK_ACL_RULE: Kind =
    Kind::new("network ACL rule", "network ACL rules", "/v1/network_acls/{}/rules", "rules")
        .of(&NETWORK_ACL)
        .seen(&[
            Column("ID", See::At("/id")),
            Column("Name", See::At("/name")),
            Column("Action", See::At("/action")),
            Column("Direction", See::At("/direction")),
            Column("Protocol", See::At("/protocol")),
            Column("Source", See::At("/source")),
            Column("Destination", See::At("/destination")),
        ]);

pub(crate) static ROUTING_TABLE: Kind =
    Kind::new("routing table", "routing tables", "/v1/vpcs/{}/routing_tables", "routing_tables")
        .of(&VPC)
        .seen(&[
            Column("ID", See::At("/id")),
            Column("Name", See::At("/name")),
            Column("Lifecycle state", See::At("/lifecycle_state")),
            Column("Is default", See::At("/is_default")),
            Column("Subnets", See::Each("/subnets", "/name")),
            Column("Created", See::At("/created_at")),
        ]);

pub(crate) static ROUTE: Kind =
    Kind::new("route", "routes", "/v1/vpcs/{}/routes", "routes").of(&VPC).seen(&[
        Column("ID", See::At("/id")),
        Column("Name", See::At("/name")),
        Column("Destination", See::At("/destination")),
        Column("Zone", See::At("/zone/name")),
    ]);

pub(crate) static VIRTUAL_NETWORK_INTERFACE: Kind = Kind::new(
    "virtual network interface",
    "virtual network interfaces",
    "/v1/virtual_network_interfaces",
    "virtual_network_interfaces",
)
.grouped()
.within("vpc", "/vpc")
.slow_end()
.seen(&[
    Column("ID", See::At("/id")),
    Column("Name", See::At("/name")),
    Column("Lifecycle state", See::At("/lifecycle_state")),
    Column("Subnet", See::At("/subnet/name")),
    Column("Primary IP", See::At("/primary_ip/address")),
    Column("Target", See::At("/target/name")),
    Column("VPC", See::At("/vpc/name")),
    Column("Zone", See::At("/zone/name")),
    Column("Resource group", See::At("/resource_group/name")),
]);

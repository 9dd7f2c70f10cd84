//! Handlers of the VPC API, one file for each resource: parse, control, render.

pub(crate) mod address_prefixes;
pub(crate) mod attachments;
pub(crate) mod console;
pub(crate) mod floating_ips;
pub(crate) mod geography;
pub(crate) mod images;
pub(crate) mod instances;
pub(crate) mod keys;
pub(crate) mod network_acls;
pub(crate) mod network_attachments;
pub(crate) mod network_interfaces;
pub(crate) mod operating_systems;
pub(crate) mod profiles;
pub(crate) mod public_gateways;
pub(crate) mod reserved_ips;
pub(crate) mod routing_tables;
pub(crate) mod security_groups;
pub(crate) mod subnets;
pub(crate) mod templates;
pub(crate) mod virtual_network_interfaces;
pub(crate) mod volumes;
pub(crate) mod vpcs;

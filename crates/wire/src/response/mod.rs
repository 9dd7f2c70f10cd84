//! Answers, with every field that IBM's SDKs require. Each function takes a view of `model` and
//! gives something to serialize; an optional field is left out, never `null`.
//!
//! Next to read: `image` for the heart of it.

mod access_group;
mod acl;
mod action;
mod attachment;
mod extension;
mod floating_ip;
mod geography;
mod identity;
mod image;
mod instance;
mod instance_profile;
mod instance_template;
mod key;
mod key_protect;
mod network_attachment;
mod network_interface;
mod operating_system;
mod operator;
mod policy;
mod reference;
mod resource_group;
mod routing_table;
mod search;
mod security_group;
mod subnet;
mod tagging;
mod virtual_network_interface;
mod volume;
mod volume_profile;
mod vpc;

#[cfg(test)]
pub(crate) mod samples;

pub use access_group::{
    access_group, access_group_settings, by_offset, group_rule, group_rules, member,
    member_in_groups, members_added, members_removed,
};
pub use acl::{NetworkAcl, NetworkAclRule, network_acl, network_acl_rule};
pub use action::{
    ConsoleAccessToken, ConsoleTokenFacts, Initialization, InstanceAction, console_access_token,
    initialization, instance_action,
};
pub use attachment::{VolumeAttachment, volume_attachment, volume_attachments};
pub use extension::{
    ConsoleLog, Isolation, Progress, ProgressFigures, StorageFigures, console_log,
};
pub use floating_ip::{
    FloatingIp, FloatingIps, PublicGateway, floating_ip, floating_ips, public_gateway,
};
pub use geography::{Region, Zone, region, regions, zone, zones};
pub use identity::{
    Activity, ApiKey, History, Identity, api_key, history, identity, identity_page, invited,
    profile_identities, profile_identity, profile_part, user, users,
};
pub use image::{Image, image};
pub use instance::{Instance, instance};
pub use instance_profile::{
    InstanceProfile, instance_profile, instance_profile_reference, instance_profiles_unpaginated,
};
pub use instance_template::{Template, instance_template};
pub use key::{Key, key};
pub use key_protect::{
    ACTION_TYPE, ALIAS_TYPE, KEY_PROTECT_ID, KEY_PROTECT_PLAN, REGISTRATION_TYPE, RING_TYPE,
    kms_alias_body, kms_collection, kms_instance_policy, kms_key, kms_key_policies,
    kms_registration, kms_ring_body, kms_unwrapped, kms_version, kms_wrapped, resource_instance,
    resource_instances,
};
pub use network_attachment::{
    NetworkAttachment, NetworkAttachments, network_attachment, network_attachments,
};
pub use network_interface::{
    GroupTargetRef, IpRef, NetworkInterface, group_target, network_interface, network_interfaces,
};
pub use operating_system::{OperatingSystem, operating_system};
pub use operator::{
    Clock, Fault, Faults, Lineage, Transitions, call_fault, clock, lineage, status_fault,
    transitions,
};
pub use policy::{
    PolicyPage, RoleFacts, RolesBy, custom_role, policies, policy_v1, policy_v2, roles,
};
pub use reference::{NamedRef, Ref};
pub use resource_group::{
    CreatedGroup, QuotaDefinition, ResourceGroup, created_group, quota_definition,
    quota_definitions, resource_group, resource_groups,
};
pub use routing_table::{RoutingTable, routing_table};
pub use search::{SearchResult, search_result};
pub use security_group::{
    GroupRule, GroupRules, SecurityGroup, security_group, security_group_rule, security_group_rules,
};
pub use subnet::{ReservedIp, Subnet, reserved_ip, subnet};
pub use tagging::{
    CreatedTag, DeletedTag, DeletedTags, Results, TagNames, TagResult, created_tags, deleted_tag,
    deleted_tags, tag_names, tag_results,
};
pub use virtual_network_interface::{VirtualNetworkInterface, virtual_network_interface, vni_ip};
pub use volume::{Volume, volume};
pub use volume_profile::{VolumeProfile, volume_profile};
pub use vpc::{AddressPrefix, Vpc, address_prefix, vpc};

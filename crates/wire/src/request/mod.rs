//! Requests, parsed at the door: after this, names are names, ids are ids, and bounds hold.
//!
//! Whether what a request names exists, and whether its state allows the request, is `control`'s
//! to say.
//!
//! Next to read: `image`, then `instance`.

mod access_group;
mod acl;
mod allowed_use;
mod floating_ip;
mod identity;
mod image;
mod instance;
mod instance_patch;
mod instance_template;
mod key;
mod key_protect;
mod list;
mod list_network;
mod network;
mod network_interface;
mod operator;
mod policy;
mod resource_group;
mod rule;
mod search;
mod security_group;
mod tagging;
mod tags;
mod virtual_network_interface;
mod volume;

pub use access_group::{
    ACCESS_GROUP_PAGE_MAX, ACCESS_ITEMS_MAX, AccessGroupBody, AccessGroupList, GroupRuleBody,
    OffsetPage, access_group_body, access_group_force, access_group_list, access_group_prototype,
    group_rule, member_groups, member_list, members, members_gone,
};
pub use acl::{acl_prototype, acl_rule_patch, acl_rule_prototype};
pub use allowed_use::AllowedUsePatch;
pub use floating_ip::{
    FloatingIpList, FloatingIpPatch, FloatingIpPrototype, GatewayIp, GatewayPrototype,
    floating_ip_list, floating_ip_patch, floating_ip_prototype, gateway_identity, gateway_patch,
    gateway_prototype,
};
pub use identity::{
    ApiKeyChange, ApiKeyList, ApiKeyPrototype, IdentityList, PartPrototype, PrincipalChange,
    PrincipalPrototype, api_key_change, api_key_list, api_key_prototype, claim_rule, identity_list,
    is_email, named_list, principal_change, profile_identities, profile_identity, profile_link,
    profile_prototype, service_id_prototype, user_change, user_invitations, user_list,
};
pub use image::{ImagePatch, ImagePrototype, image_patch, image_prototype};
pub use instance::{
    BootVolume, DataVolume, InstanceNetwork, InstancePrototype, NewVolume, Reinitialization,
    VolumeSource, attachment_prototype, instance_prototype, reinitialization,
};
pub use instance_patch::{
    ActionPrototype, AttachmentPatch, ConsoleAccessToken, InstancePatch, MetadataServicePatch,
    action_prototype, attachment_patch, console_access_token, instance_patch,
};
pub use instance_template::{
    TemplatePrototype, over_template, source_template, template_prototype,
};
pub use key::{KeyPrototype, key_prototype, rename};
pub use key_protect::{
    INSTANCE_POLICIES, KEY_TYPE, KEYS_PAGE_MAX, KmsInstancePolicy, KmsKeyPrototype, KmsKeyQuery,
    KmsPage, POLICY_TYPE, ResourceInstanceList, ResourceInstancePrototype, kms_alias, kms_flag,
    kms_instance_policies, kms_key_count, kms_key_list, kms_key_patch, kms_key_policies,
    kms_key_prototype, kms_page, kms_registrations, kms_ring, kms_rotation, kms_unwrap,
    kms_versions, kms_wrap, resource_instance_list, resource_instance_patch,
    resource_instance_prototype,
};
pub use list::{ImageList, InstanceList, VolumeList, image_list, instance_list, volume_list};
pub use list_network::{
    GroupedList, KeyList, ReservedIpList, ResourceGroupList, SecurityGroupList, SubnetList,
    VpcList, direction, grouped_list, ip_sort, is_default, key_list, reserved_ip_list,
    resource_group_list, security_group_list, subnet_list, vpc_list,
};
pub use network::{
    PrefixPatch, PrefixPrototype, ReservedIpPatch, ReservedIpPrototype, SubnetPrototype,
    SubnetRange, VpcPrototype, acl_identity, prefix_patch, prefix_prototype, reserved_ip_patch,
    reserved_ip_prototype, routing_table_identity, routing_table_patch, subnet_patch,
    subnet_prototype, vpc_prototype,
};
pub use network_interface::{NicPrototype, nic_patch, nic_prototype};
pub use operator::{
    ADVANCE_SECONDS_MAX, CallFault, ClockRequest, FAULT_CALLS_MAX, FAULT_DELAY_MS_MAX,
    FAULT_RETRY_AFTER_MAX, FaultRequest, clock_request, fault_request,
};
pub use policy::{
    POLICY_ITEMS_MAX, POLICY_PAGE_MAX, PolicyBody, PolicyList, ROLE_ACTIONS_MAX, RoleBody,
    RolePrototype, account_of, policy_format, policy_list, policy_state, policy_v1, policy_v2,
    role_body, role_prototype,
};
pub use resource_group::{GroupPatch, GroupPrototype, group_patch, group_prototype};
pub use search::{SEARCH_LIMIT_DEFAULT, Search, search};
pub use security_group::{
    security_group_prototype, security_group_rule_patch, security_group_rule_prototype,
};
pub use tagging::{
    AttachTags, DetachTags, TAG_LIST_LIMIT_MAX, TAGGED_RESOURCES_MAX, TagList, TagResources,
    attach_tags, create_tags, detach_tags, tag_account, tag_kind, tag_list,
};
pub use virtual_network_interface::{
    network_attachment_patch, network_attachment_prototype, vni_patch, vni_prototype,
};
pub use volume::{VolumePatch, VolumePrototype, volume_patch, volume_prototype};

pub(crate) use identity::{
    DESCRIPTION_BYTES_MAX, EMAIL_BYTES_MAX, ENTRIES_MAX, EXPIRATION_MAX, IDENTIFIER_BYTES_MAX,
    KEY_BYTES, NAME_BYTES_MAX, NAME_PART_BYTES_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX,
};
pub(crate) use instance::NICS_MAX;
pub(crate) use key::PUBLIC_KEY_BYTES_MAX;
pub(crate) use key_protect::{
    AAD_BYTES_MAX, AAD_ITEMS_MAX, ALIAS_BYTES_MAX, CIPHERTEXT_BYTES_MAX,
    DESCRIPTION_BYTES_MAX as KMS_DESCRIPTION_BYTES_MAX, INSTANCE_NAME_BYTES_MAX, KEYS_PAGE_DEFAULT,
    MONTHS_MAX, NAME_BYTES_MAX as KMS_NAME_BYTES_MAX, OFFSET_MAX, PAYLOAD_BYTES_MAX,
    PLAINTEXT_BYTES_MAX, POLICIES_MAX, RING_BYTES_MAX, sorted_by,
};
pub(crate) use list::INSTANCES_NOWHERE;
pub(crate) use network::{COUNT_MAX as SUBNET_ADDRESSES_MAX, COUNT_MIN as SUBNET_ADDRESSES_MIN};
pub(crate) use resource_group::NAME_LEN_MAX as GROUP_NAME_LEN_MAX;
pub(crate) use rule::{ICMP_CODE_MAX, ICMP_TYPE_MAX, PORT_MAX, PORT_MIN};
pub(crate) use search::{CURSOR_BYTES_MAX, FIELDS_MAX as SEARCH_FIELDS_MAX};
pub(crate) use tagging::{CRN_BYTES_MAX, TAGS_MAX as TAG_NAMES_MAX};
pub(crate) use volume::{BANDWIDTH_MAX, CAPACITY_GB_MAX, IOPS_MAX};

use crate::{ApiVersion, Place};

/// Where and in which version a request is understood.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Region, account and our address.
    pub place: Place<'a>,
    /// Version of the request.
    pub version: ApiVersion,
    /// Today, as dates of versions are judged.
    pub today: ApiVersion,
}

#[cfg(test)]
pub(crate) mod testing {
    use base::{AccountId, RegionName};
    use serde_json::{Map, Value};

    use super::Asked;
    use crate::{ApiError, ApiVersion, ErrorCode, Fields, Place};

    /// Parses `body` in us-south with the newest version.
    pub(crate) fn parse<T>(
        body: Value,
        read: impl FnOnce(&Asked<'_>, &Fields<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let region = RegionName::parse("us-south").unwrap();
        let account = AccountId::parse("0123456789abcdef0123456789abcdef").unwrap();
        let place = Place { region: &region, account: &account, base_url: "http://127.0.0.1:9000" };
        let version = ApiVersion::newest();
        let asked = Asked { place, version, today: version };
        let Value::Object(map) = body else { panic!("not an object") };
        let map: Map<String, Value> = map;
        read(&asked, &Fields::root(&map))
    }

    /// Code and target of an error.
    pub(crate) fn seen<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (ErrorCode, String) {
        let error = result.unwrap_err();
        (error.code, error.target.map(|t| t.name).unwrap_or_default())
    }
}

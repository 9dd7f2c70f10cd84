//! Which actions each operation asks for: one table, beside that of the operations.
//!
//! `needs` are asked for on every call; `also` only when the request names what they are about
//! (a date, an image, a key). An operation that needs none is open to every signed-in caller,
//! since what it shows is no one's: the reason stands in the row's group.
//!
//! The table is what `docs/access-matrix.md` is made of, and a test fails for an operation that
//! has no row.

use policy::Action;

/// A row of the table.
#[derive(Debug)]
pub struct Actions {
    /// Name of the operation.
    pub operation: &'static str,
    /// What every call asks for.
    pub needs: &'static [Action],
    /// What a call asks for besides, by what it names.
    pub also: &'static [Action],
}

macro_rules! asks {
    ($($name:ident: [$($need:ident)*] $(also [$($also:ident)*])?;)*) => {
        /// The table.
        pub static ACTIONS: &[Actions] = &[$(Actions {
            operation: stringify!($name),
            needs: &[$(Action::$need),*],
            also: &[$($(Action::$also),*)?],
        },)*];
    };
}

asks! {
    list_images: [ImageList];
    create_image: [ImageCreate VolumeRead VolumeOperate ResourceGroupRead]
        also [ImageDeprecate ImageObsolete ImageManageAllowedUse];
    get_image: [ImageRead];
    update_image: [ImageRead ImageUpdate]
        also [ImageDeprecate ImageObsolete ImageManageAllowedUse];
    delete_image: [ImageRead ImageDelete];
    deprecate_image: [ImageRead ImageDeprecate];
    obsolete_image: [ImageRead ImageObsolete];
    list_image_instance_profiles: [ImageRead];
    list_image_bare_metal_server_profiles: [ImageRead];

    list_volumes: [VolumeList];
    create_volume: [VolumeCreate ResourceGroupRead] also [ImageRead ImageProvision];
    get_volume: [VolumeRead];
    update_volume: [VolumeRead VolumeUpdate];
    delete_volume: [VolumeRead VolumeDelete];
    list_volume_profiles: [];
    get_volume_profile: [];

    list_instances: [InstanceList];
    create_instance: [
        InstanceCreate VolumeCreate VpcRead VpcOperate ResourceGroupRead
    ] also [
        ImageRead ImageProvision VolumeRead VolumeOperate KeyRead KeyOperate SubnetRead
        SubnetOperate SecurityGroupRead SecurityGroupOperate VniRead VniOperate VniCreate
        TemplateRead
    ];
    get_instance: [InstanceRead];
    update_instance: [InstanceRead InstanceUpdate];
    delete_instance: [InstanceRead InstanceDelete];
    get_instance_initialization: [InstanceRead];
    create_instance_console_access_token: [InstanceRead InstanceConsole];
    create_instance_reinitialization: [InstanceRead InstanceOperate InstanceUpdate]
        also [ImageRead ImageProvision VolumeRead VolumeOperate KeyRead KeyOperate];
    create_instance_action: [InstanceRead InstanceUpdate InstanceOperate];
    get_instance_action: [InstanceRead];
    list_instance_volume_attachments: [InstanceRead];
    create_instance_volume_attachment: [InstanceRead InstanceUpdate]
        also [VolumeRead VolumeOperate VolumeCreate];
    get_instance_volume_attachment: [InstanceRead];
    update_instance_volume_attachment: [InstanceRead InstanceUpdate];
    delete_instance_volume_attachment: [InstanceRead InstanceUpdate];
    list_instance_network_interfaces: [InstanceRead];
    create_instance_network_interface: [InstanceRead InstanceUpdate SubnetRead SubnetOperate VpcRead]
        also [SecurityGroupRead SecurityGroupOperate];
    get_instance_network_interface: [InstanceRead];
    update_instance_network_interface: [InstanceRead InstanceUpdate];
    delete_instance_network_interface: [InstanceRead InstanceUpdate];
    list_instance_network_attachments: [InstanceRead];
    create_instance_network_attachment: [InstanceRead InstanceUpdate] also [
        VniRead VniOperate VniCreate SubnetRead SubnetOperate VpcRead SecurityGroupRead
        SecurityGroupOperate ResourceGroupRead
    ];
    get_instance_network_attachment: [InstanceRead];
    update_instance_network_attachment: [InstanceRead InstanceUpdate];
    delete_instance_network_attachment: [InstanceRead InstanceUpdate VniRead];
    list_instance_profiles: [];
    get_instance_profile: [];

    list_instance_templates: [TemplateList];
    create_instance_template: [TemplateCreate ResourceGroupRead]
        also [TemplateRead ImageRead SubnetRead VpcRead KeyRead];
    get_instance_template: [TemplateRead];
    update_instance_template: [TemplateRead TemplateUpdate];
    delete_instance_template: [TemplateRead TemplateDelete];

    list_keys: [KeyList];
    create_key: [KeyCreate ResourceGroupRead];
    get_key: [KeyRead];
    update_key: [KeyRead KeyUpdate];
    delete_key: [KeyRead KeyDelete];

    list_vpcs: [VpcList];
    create_vpc: [VpcCreate ResourceGroupRead];
    get_vpc: [VpcRead];
    update_vpc: [VpcRead VpcUpdate];
    delete_vpc: [VpcRead VpcDelete];
    get_vpc_default_network_acl: [VpcRead AclRead];
    get_vpc_default_security_group: [VpcRead SecurityGroupRead];
    get_vpc_default_routing_table: [VpcRead];
    list_vpc_address_prefixes: [VpcRead];
    create_vpc_address_prefix: [VpcRead VpcUpdate];
    get_vpc_address_prefix: [VpcRead];
    update_vpc_address_prefix: [VpcRead VpcUpdate];
    delete_vpc_address_prefix: [VpcRead VpcUpdate];

    list_subnets: [SubnetList];
    create_subnet: [SubnetCreate VpcRead VpcOperate ResourceGroupRead] also [AclRead AclOperate];
    get_subnet: [SubnetRead];
    update_subnet: [SubnetRead SubnetUpdate] also [AclRead AclOperate];
    delete_subnet: [SubnetRead SubnetDelete];
    list_subnet_reserved_ips: [SubnetRead];
    create_subnet_reserved_ip: [SubnetRead SubnetOperate] also [VniRead VniUpdate];
    get_subnet_reserved_ip: [SubnetRead];
    update_subnet_reserved_ip: [SubnetRead SubnetUpdate];
    delete_subnet_reserved_ip: [SubnetRead SubnetUpdate];
    get_subnet_network_acl: [SubnetRead AclRead];
    replace_subnet_network_acl: [SubnetRead SubnetUpdate AclRead AclOperate];
    get_subnet_routing_table: [SubnetRead VpcRead];
    replace_subnet_routing_table: [SubnetRead SubnetUpdate VpcRead];

    list_virtual_network_interfaces: [VniList];
    create_virtual_network_interface: [VniCreate SubnetRead SubnetOperate ResourceGroupRead]
        also [VpcRead SecurityGroupRead SecurityGroupOperate];
    get_virtual_network_interface: [VniRead];
    update_virtual_network_interface: [VniRead VniUpdate];
    delete_virtual_network_interfaces: [VniRead VniDelete];
    list_virtual_network_interface_ips: [VniRead];
    get_virtual_network_interface_ip: [VniRead];
    add_virtual_network_interface_ip: [VniRead VniUpdate SubnetRead SubnetOperate];
    remove_virtual_network_interface_ip: [VniRead VniUpdate SubnetRead SubnetOperate];

    list_security_groups: [SecurityGroupList];
    create_security_group: [SecurityGroupCreate VpcRead VpcOperate ResourceGroupRead];
    get_security_group: [SecurityGroupRead];
    update_security_group: [SecurityGroupRead SecurityGroupUpdate];
    delete_security_group: [SecurityGroupRead SecurityGroupDelete];
    list_security_group_rules: [SecurityGroupRead];
    create_security_group_rule: [SecurityGroupRead SecurityGroupUpdate];
    get_security_group_rule: [SecurityGroupRead];
    update_security_group_rule: [SecurityGroupRead SecurityGroupUpdate];
    delete_security_group_rule: [SecurityGroupRead SecurityGroupUpdate];
    list_security_group_targets: [SecurityGroupRead];
    get_security_group_target: [SecurityGroupRead];
    create_security_group_target_binding: [SecurityGroupRead SecurityGroupOperate];
    delete_security_group_target_binding: [SecurityGroupRead SecurityGroupOperate];
    list_network_acls: [AclList];
    create_network_acl: [AclCreate VpcRead VpcOperate ResourceGroupRead];
    get_network_acl: [AclRead];
    update_network_acl: [AclRead AclUpdate];
    delete_network_acl: [AclRead AclDelete];
    list_network_acl_rules: [AclRead];
    create_network_acl_rule: [AclRead AclUpdate];
    get_network_acl_rule: [AclRead];
    update_network_acl_rule: [AclRead AclUpdate];
    delete_network_acl_rule: [AclRead AclUpdate];
    list_vpc_routing_tables: [VpcRead];
    get_vpc_routing_table: [VpcRead];
    update_vpc_routing_table: [VpcRead VpcUpdate];
    list_vpc_routing_table_routes: [VpcRead];

    list_floating_ips: [FloatingIpList];
    create_floating_ip: [FloatingIpCreate ResourceGroupRead] also [InstanceRead InstanceUpdate];
    get_floating_ip: [FloatingIpRead];
    update_floating_ip: [FloatingIpRead FloatingIpUpdate] also [InstanceRead InstanceUpdate];
    delete_floating_ip: [FloatingIpRead FloatingIpDelete];
    list_instance_network_interface_floating_ips: [InstanceRead FloatingIpList];
    get_instance_network_interface_floating_ip: [InstanceRead FloatingIpRead];
    add_instance_network_interface_floating_ip:
        [InstanceRead InstanceUpdate FloatingIpRead FloatingIpUpdate];
    remove_instance_network_interface_floating_ip: [InstanceRead FloatingIpRead FloatingIpUpdate];
    list_public_gateways: [GatewayList];
    create_public_gateway: [GatewayCreate VpcRead VpcOperate ResourceGroupRead]
        also [FloatingIpCreate FloatingIpRead FloatingIpOperate];
    get_public_gateway: [GatewayRead];
    update_public_gateway: [GatewayRead GatewayUpdate];
    delete_public_gateway: [GatewayRead GatewayDelete];
    get_subnet_public_gateway: [SubnetRead GatewayRead];
    set_subnet_public_gateway: [SubnetRead SubnetUpdate GatewayRead GatewayOperate];
    unset_subnet_public_gateway: [SubnetRead SubnetUpdate];
    list_instance_network_interface_ips: [InstanceRead];
    get_instance_network_interface_ip: [InstanceRead];

    list_regions: [];
    get_region: [];
    list_region_zones: [];
    get_region_zone: [];
    list_operating_systems: [];
    get_operating_system: [];

    list_resource_groups: [ResourceGroupRead];
    create_resource_group: [ResourceGroupCreate];
    get_resource_group: [ResourceGroupRead];
    update_resource_group: [ResourceGroupRead ResourceGroupUpdate];
    delete_resource_group: [ResourceGroupRead ResourceGroupDelete];
    list_quota_definitions: [];
    get_quota_definition: [];
    list_resource_instances: [ResourceInstanceRead];
    get_resource_instance: [ResourceInstanceRead];
    create_resource_instance: [ResourceInstanceCreate ResourceGroupRead];
    update_resource_instance: [ResourceInstanceUpdate];
    delete_resource_instance: [ResourceInstanceDelete];

    get_key_collection_metadata: [KmsKeyList];
    get_keys: [KmsKeyList];
    create_kms_key: [KmsKeyCreate] also [KmsKeyRead];
    create_key_with_policies_overrides: [KmsKeyCreate] also [KmsKeyRead];
    get_registrations_all_keys: [KmsRegistrationList];
    get_kms_key: [KmsKeyRead];
    action_on_key: [] also [
        KmsKeyWrap KmsKeyUnwrap KmsKeyRewrap KmsKeyRotate KmsKeyDisable KmsKeyEnable KmsKeyRestore
        KmsKeySetForDeletion KmsKeyUnsetForDeletion
    ];
    patch_key: [KmsKeyUpdate];
    delete_kms_key: [KmsKeyDelete];
    get_key_metadata: [KmsKeyMetadata];
    get_key_versions: [KmsKeyVersions];
    purge_key: [KmsKeyPurge];
    restore_key: [KmsKeyRestore];
    wrap_key: [KmsKeyWrap];
    unwrap_key: [KmsKeyUnwrap];
    rewrap_key: [KmsKeyRewrap];
    rotate_key: [KmsKeyRotate];
    disable_key: [KmsKeyDisable];
    enable_key: [KmsKeyEnable];
    set_key_for_deletion: [KmsKeySetForDeletion];
    unset_key_for_deletion: [KmsKeyUnsetForDeletion];
    sync_associated_resources: [KmsKeySync];
    get_kms_key_policy: [KmsPolicyRead];
    put_kms_key_policy: [KmsPolicyWrite];
    get_registrations: [KmsRegistrationList];
    create_key_alias: [KmsAliasCreate];
    delete_key_alias: [KmsAliasDelete];
    get_instance_policy: [KmsInstancePolicyRead];
    put_instance_policy: [KmsInstancePolicyWrite];
    list_key_rings: [KmsRingList];
    create_key_ring: [KmsRingCreate];
    delete_key_ring: [KmsRingDelete];
    list_tags: [TagRead];
    create_tag: [TagCreateAccess];
    delete_tag_all: [] also [TagDeleteUser TagDeleteAccess];
    delete_tag: [] also [TagDeleteUser TagDeleteAccess];
    attach_tag: [] also [TagRead TagAttachUser TagAttachAccess];
    detach_tag: [] also [TagRead TagDetachUser TagDetachAccess];
    search: [ResourceSearch];

    list_policies: [PolicyRead];
    create_policy: [PolicyCreate];
    get_policy: [PolicyRead];
    replace_policy: [PolicyRead PolicyUpdate];
    update_policy_state: [PolicyRead PolicyUpdate];
    delete_policy: [PolicyDelete];
    list_v2_policies: [PolicyRead];
    create_v2_policy: [PolicyCreate];
    get_v2_policy: [PolicyRead];
    replace_v2_policy: [PolicyRead PolicyUpdate];
    delete_v2_policy: [PolicyDelete];
    list_roles: [] also [RoleRead];
    create_role: [RoleCreate];
    get_role: [RoleRead];
    replace_role: [RoleRead RoleUpdate];
    delete_role: [RoleRead RoleDelete];
    list_access_groups: [AccessGroupList];
    create_access_group: [AccessGroupCreate];
    get_access_group: [AccessGroupRead];
    update_access_group: [AccessGroupRead AccessGroupUpdate];
    delete_access_group: [AccessGroupDelete];
    get_account_settings: [AccessGroupRead];
    list_access_group_members: [MemberRead];
    is_member_of_access_group: [MemberRead];
    add_members_to_access_group: [MemberAdd];
    remove_member_from_access_group: [MemberRemove];
    remove_members_from_access_group: [MemberRemove];
    add_member_to_multiple_access_groups: [MemberAdd];
    remove_member_from_all_access_groups: [MemberRemove AccessGroupList];
    list_access_group_rules: [GroupRuleRead];
    add_access_group_rule: [GroupRuleCreate];
    get_access_group_rule: [GroupRuleRead];
    replace_access_group_rule: [GroupRuleRead GroupRuleUpdate];
    remove_access_group_rule: [GroupRuleDelete];

    list_api_keys: [] also [ApiKeyList];
    create_api_key: [] also [ApiKeyCreate];
    get_api_keys_details: [] also [ApiKeyRead];
    get_api_key: [] also [ApiKeyRead];
    update_api_key: [] also [ApiKeyUpdate];
    delete_api_key: [] also [ApiKeyDelete];
    lock_api_key: [] also [ApiKeyUpdate];
    unlock_api_key: [] also [ApiKeyUpdate];
    disable_api_key: [] also [ApiKeyUpdate];
    enable_api_key: [] also [ApiKeyUpdate];
    list_service_ids: [ServiceIdList];
    create_service_id: [ServiceIdCreate] also [ApiKeyCreate];
    get_service_id: [] also [ServiceIdRead];
    update_service_id: [ServiceIdUpdate] also [ServiceIdRead];
    delete_service_id: [ServiceIdDelete] also [ServiceIdRead];
    lock_service_id: [ServiceIdUpdate] also [ServiceIdRead];
    unlock_service_id: [ServiceIdUpdate] also [ServiceIdRead];
    list_profiles: [ProfileList];
    create_profile: [ProfileCreate];
    get_profile: [] also [ProfileRead];
    update_profile: [ProfileUpdate] also [ProfileRead];
    delete_profile: [ProfileDelete] also [ProfileRead];
    list_claim_rules: [ProfileRead];
    create_claim_rule: [ProfileUpdate];
    get_claim_rule: [ProfileRead];
    update_claim_rule: [ProfileRead ProfileUpdate];
    delete_claim_rule: [ProfileUpdate];
    list_links: [ProfileRead];
    create_link: [ProfileUpdate];
    get_link: [ProfileRead];
    delete_link: [ProfileUpdate];
    get_profile_identities: [ProfileRead];
    set_profile_identities: [ProfileUpdate] also [ProfileRead];
    set_profile_identity: [ProfileUpdate];
    get_profile_identity: [ProfileRead];
    delete_profile_identity: [ProfileUpdate];
    list_users: [UserRead];
    invite_users: [UserCreate];
    get_user_profile: [] also [UserRead];
    update_user_profile: [UserUpdate] also [UserRead];
    remove_user: [UserDelete] also [UserRead];

    ectype_image_progress: [ImageRead];
    ectype_image_storage: [ImageRead];
    ectype_image_isolate: [ImageRead ImageUpdate];
    ectype_image_isolation: [ImageRead];
    ectype_instance_console_log: [InstanceRead InstanceConsole];
    ectype_image_lineage: [ImageRead];
    ectype_api_key_rotate: [] also [ApiKeyUpdate];
    ectype_transitions: [];
}

/// What an operation asks for.
#[must_use]
pub fn actions_of(operation: &str) -> Option<&'static Actions> {
    ACTIONS.iter().find(|row| row.operation == operation)
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fmt::Write as _, fs, path::PathBuf};

    use policy::Role;

    use super::*;
    use crate::operations::OPERATIONS;

    /// Operations that every signed-in caller may do: what they show is the region's own, or is
    /// decided by what the call names (of tags, for each resource alone); API keys of one's own, and oneself.
    const NEEDS_NOTHING: [&str; 33] = [
        "action_on_key",
        "list_volume_profiles",
        "get_volume_profile",
        "list_instance_profiles",
        "get_instance_profile",
        "list_regions",
        "get_region",
        "list_region_zones",
        "get_region_zone",
        "list_operating_systems",
        "get_operating_system",
        "list_quota_definitions",
        "get_quota_definition",
        "delete_tag_all",
        "delete_tag",
        "attach_tag",
        "detach_tag",
        "list_roles",
        "list_api_keys",
        "create_api_key",
        "get_api_keys_details",
        "get_api_key",
        "update_api_key",
        "delete_api_key",
        "lock_api_key",
        "unlock_api_key",
        "disable_api_key",
        "enable_api_key",
        "get_service_id",
        "get_profile",
        "get_user_profile",
        "ectype_api_key_rotate",
        "ectype_transitions",
    ];

    #[test]
    fn every_operation_behind_a_token_has_its_actions() {
        let rows: HashSet<_> = ACTIONS.iter().map(|row| row.operation).collect();
        assert_eq!(rows.len(), ACTIONS.len(), "each has one row");
        let behind: HashSet<_> =
            OPERATIONS.iter().filter(|o| o.needs_token()).map(|o| o.name).collect();
        let missing: Vec<_> = behind.difference(&rows).collect();
        assert!(missing.is_empty(), "no actions: {missing:?}");
        let stray: Vec<_> = rows.difference(&behind).collect();
        assert!(stray.is_empty(), "no such operation: {stray:?}");
        for row in ACTIONS {
            let nothing = NEEDS_NOTHING.contains(&row.operation);
            assert_eq!(row.needs.is_empty(), nothing, "{}", row.operation);
        }
    }

    /// What of the columns a role does: everything, only what names nothing more, nothing.
    fn cell(row: &Actions, role: Role) -> &'static str {
        let holds = |actions: &[Action]| actions.iter().all(|a| a.roles().has(role));
        match (holds(row.needs), holds(row.also)) {
            (true, true) => "yes",
            (true, false) => "in part",
            (false, _) => "",
        }
    }

    fn line(text: &mut String, name: &str, row: &Actions) {
        let cells = Role::PLATFORM.map(|role| cell(row, role)).join(" | ");
        let names = |actions: &[Action]| {
            actions.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(" ")
        };
        let also = match row.also {
            [] => String::new(),
            also => format!("; by what it names {}", names(also)),
        };
        writeln!(text, "| {name} | {cells} | {}{also} |", names(row.needs)).unwrap();
    }

    /// S12: the matrix of roles and operations is kept in the repository, its seven rows first.
    #[test]
    fn the_matrix_of_roles_and_operations_is_the_kept_one() {
        const HEAD: &str = "| | Administrator | Editor | Operator | Viewer | asks for |\n\
                            |---|---|---|---|---|---|\n";
        let mut text = String::from(
            "# Who may do what\n\nGenerated from the tables of `crates/policy/src/action.rs` and \
             `crates/server/src/actions.rs`; a test compares. A role counts where a policy gives \
             it. \"In part\": what the request names may ask for more than the role holds. Reads \
             and lists show what the role's policies speak of.\n\n## The image story\n\n",
        );
        text.push_str(HEAD);
        let whole = |operation| actions_of(operation).unwrap();
        let only = |operation, needs| Actions { operation, needs, also: &[] };
        let schedule = |needs| only("update_image", needs);
        for (name, row) in [
            ("create instance", &only("create_instance", whole("create_instance").needs)),
            ("list instances", whole("list_instances")),
            ("create image", &only("create_image", whole("create_image").needs)),
            ("list images", whole("list_images")),
            ("delete image", whole("delete_image")),
            (
                "schedule deprecation",
                &schedule(&[Action::ImageRead, Action::ImageUpdate, Action::ImageDeprecate]),
            ),
            (
                "schedule obsolescence",
                &schedule(&[Action::ImageRead, Action::ImageUpdate, Action::ImageObsolete]),
            ),
        ] {
            line(&mut text, name, row);
        }
        text.push_str("\n## Every operation\n\n");
        text.push_str(HEAD);
        for row in ACTIONS {
            line(&mut text, &format!("`{}`", row.operation), row);
        }
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/access-matrix.md");
        if std::env::var("ECTYPE_UPDATE_GOLDEN").as_deref() == Ok("1") {
            fs::write(&path, &text).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "the matrix changed; ECTYPE_UPDATE_GOLDEN=1 writes it");
    }
}

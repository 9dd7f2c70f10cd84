//! The one table of operations: what is routed, what it is called, and who serves it.
//!
//! Names are IBM's `operationId`s. `NotYet` rows are operations of IBM's API on paths that are
//! served otherwise; whole families that are not served are in [`KNOWN`].

use axum::http::Method;
use futures::future::BoxFuture;

use crate::{
    access_management::{groups, members, policies, roles, rules},
    answer::{OpenCall, UpgradeCall},
    call::Call,
    extensions, health, iam, key_protect, openapi,
    operator::{self, OperatorCall},
    platform::{
        identity::{api_keys, profiles, service_ids, users},
        resource_groups, resource_instances, search, tags,
    },
    reply::Answer,
    vpc,
};

pub(crate) type Handler = fn(Call) -> BoxFuture<'static, Answer>;
pub(crate) type OperatorHandler = fn(OperatorCall) -> BoxFuture<'static, Answer>;
pub(crate) type UpgradeHandler = fn(UpgradeCall) -> BoxFuture<'static, Answer>;
pub(crate) type OpenHandler = fn(OpenCall) -> BoxFuture<'static, Answer>;

/// Which checks a request passes before its handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Token, version, generation.
    Vpc,
    /// Token: IBM's platform services.
    Platform,
    /// Token: Ectype's own extensions.
    Extension,
}

/// Who answers.
#[derive(Clone, Copy)]
pub(crate) enum Served {
    /// A handler, after the checks of its family.
    By(Family, Handler),
    /// A handler without token.
    Open(OpenHandler),
    /// A handler that switches the connection, by a token in the query.
    Upgraded(UpgradeHandler),
    /// A handler for the operator alone, through its socket.
    ByOperator(OperatorHandler),
    /// Nobody yet: `not_implemented`.
    NotYet,
}

/// A row of the table.
pub struct Operation {
    /// Method.
    pub method: Method,
    /// Path with its parameters in braces.
    pub path: &'static str,
    /// IBM's name of the operation.
    pub name: &'static str,
    pub(crate) served: Served,
}

impl Operation {
    /// Whether a handler answers it.
    #[must_use]
    pub const fn is_served(&self) -> bool {
        !matches!(self.served, Served::NotYet)
    }

    /// Whether a caller of an account asks for it.
    #[cfg(test)]
    pub(crate) const fn needs_token(&self) -> bool {
        matches!(self.served, Served::By(..))
    }

    /// Whether it is the operator's.
    pub(crate) const fn is_operators(&self) -> bool {
        matches!(self.served, Served::ByOperator(_))
    }
}

macro_rules! operations {
    ($($method:ident $path:literal $name:ident: $served:tt $(($family:ident $handler:path))?;)*) => {
        /// The table.
        pub static OPERATIONS: &[Operation] = &[$(Operation {
            method: Method::$method,
            path: $path,
            name: stringify!($name),
            served: operations!(@$served $(($family $handler))?),
        },)*];
    };
    (@by ($family:ident $handler:path)) => {
        Served::By(Family::$family, |call| Box::pin($handler(call)))
    };
    (@open (Open $handler:path)) => { Served::Open(|call| Box::pin($handler(call))) };
    (@upgraded (Upgraded $handler:path)) => {
        Served::Upgraded(|call| Box::pin($handler(call)))
    };
    (@operator (Operator $handler:path)) => {
        Served::ByOperator(|call| Box::pin($handler(call)))
    };
    (@not_yet) => { Served::NotYet };
}

operations! {
    GET "/v1/images" list_images: by (Vpc vpc::images::list);
    POST "/v1/images" create_image: by (Vpc vpc::images::create);
    GET "/v1/images/{id}" get_image: by (Vpc vpc::images::get);
    PATCH "/v1/images/{id}" update_image: by (Vpc vpc::images::update);
    DELETE "/v1/images/{id}" delete_image: by (Vpc vpc::images::delete);
    POST "/v1/images/{id}/deprecate" deprecate_image: by (Vpc vpc::images::deprecate);
    POST "/v1/images/{id}/obsolete" obsolete_image: by (Vpc vpc::images::obsolete);
    GET "/v1/images/{id}/instance_profiles" list_image_instance_profiles:
        by (Vpc vpc::images::instance_profiles);
    GET "/v1/images/{id}/bare_metal_server_profiles" list_image_bare_metal_server_profiles:
        by (Vpc vpc::images::bare_metal_server_profiles);

    GET "/v1/volumes" list_volumes: by (Vpc vpc::volumes::list);
    POST "/v1/volumes" create_volume: by (Vpc vpc::volumes::create);
    GET "/v1/volumes/{id}" get_volume: by (Vpc vpc::volumes::get);
    PATCH "/v1/volumes/{id}" update_volume: by (Vpc vpc::volumes::update);
    DELETE "/v1/volumes/{id}" delete_volume: by (Vpc vpc::volumes::delete);
    GET "/v1/volume/profiles" list_volume_profiles: by (Vpc vpc::profiles::volume_list);
    GET "/v1/volume/profiles/{name}" get_volume_profile: by (Vpc vpc::profiles::volume_get);

    GET "/v1/instances" list_instances: by (Vpc vpc::instances::list);
    POST "/v1/instances" create_instance: by (Vpc vpc::instances::create);
    GET "/v1/instances/{id}" get_instance: by (Vpc vpc::instances::get);
    PATCH "/v1/instances/{id}" update_instance: by (Vpc vpc::instances::update);
    DELETE "/v1/instances/{id}" delete_instance: by (Vpc vpc::instances::delete);
    GET "/v1/instances/{id}/initialization" get_instance_initialization:
        by (Vpc vpc::instances::initialization);
    POST "/v1/instances/{id}/console_access_token" create_instance_console_access_token:
        by (Vpc vpc::console::token_create);
    GET "/v1/instances/{id}/console" get_instance_console: upgraded (Upgraded vpc::console::open);
    POST "/v1/instances/{id}/reinitialize" create_instance_reinitialization:
        by (Vpc vpc::instances::reinitialize);
    POST "/v1/instances/{id}/actions" create_instance_action: by (Vpc vpc::instances::action);
    GET "/v1/instances/{id}/actions/{action_id}" get_instance_action:
        by (Vpc vpc::instances::action_get);
    GET "/v1/instances/{id}/volume_attachments" list_instance_volume_attachments:
        by (Vpc vpc::attachments::list);
    POST "/v1/instances/{id}/volume_attachments" create_instance_volume_attachment:
        by (Vpc vpc::attachments::create);
    GET "/v1/instances/{id}/volume_attachments/{attachment_id}" get_instance_volume_attachment:
        by (Vpc vpc::attachments::get);
    PATCH "/v1/instances/{id}/volume_attachments/{attachment_id}"
        update_instance_volume_attachment: by (Vpc vpc::attachments::update);
    DELETE "/v1/instances/{id}/volume_attachments/{attachment_id}"
        delete_instance_volume_attachment: by (Vpc vpc::attachments::delete);
    GET "/v1/instances/{id}/network_interfaces" list_instance_network_interfaces:
        by (Vpc vpc::network_interfaces::list);
    POST "/v1/instances/{id}/network_interfaces" create_instance_network_interface:
        by (Vpc vpc::network_interfaces::create);
    GET "/v1/instances/{id}/network_interfaces/{nic_id}" get_instance_network_interface:
        by (Vpc vpc::network_interfaces::get);
    PATCH "/v1/instances/{id}/network_interfaces/{nic_id}" update_instance_network_interface:
        by (Vpc vpc::network_interfaces::update);
    DELETE "/v1/instances/{id}/network_interfaces/{nic_id}" delete_instance_network_interface:
        by (Vpc vpc::network_interfaces::delete);
    GET "/v1/instances/{id}/network_attachments" list_instance_network_attachments:
        by (Vpc vpc::network_attachments::list);
    POST "/v1/instances/{id}/network_attachments" create_instance_network_attachment:
        by (Vpc vpc::network_attachments::create);
    GET "/v1/instances/{id}/network_attachments/{attachment_id}"
        get_instance_network_attachment: by (Vpc vpc::network_attachments::get);
    PATCH "/v1/instances/{id}/network_attachments/{attachment_id}"
        update_instance_network_attachment: by (Vpc vpc::network_attachments::update);
    DELETE "/v1/instances/{id}/network_attachments/{attachment_id}"
        delete_instance_network_attachment: by (Vpc vpc::network_attachments::delete);
    GET "/v1/instance/profiles" list_instance_profiles: by (Vpc vpc::profiles::instance_list);
    GET "/v1/instance/profiles/{name}" get_instance_profile:
        by (Vpc vpc::profiles::instance_get);

    GET "/v1/instance/templates" list_instance_templates: by (Vpc vpc::templates::list);
    POST "/v1/instance/templates" create_instance_template: by (Vpc vpc::templates::create);
    GET "/v1/instance/templates/{id}" get_instance_template: by (Vpc vpc::templates::get);
    PATCH "/v1/instance/templates/{id}" update_instance_template:
        by (Vpc vpc::templates::update);
    DELETE "/v1/instance/templates/{id}" delete_instance_template:
        by (Vpc vpc::templates::delete);

    GET "/v1/keys" list_keys: by (Vpc vpc::keys::list);
    POST "/v1/keys" create_key: by (Vpc vpc::keys::create);
    GET "/v1/keys/{id}" get_key: by (Vpc vpc::keys::get);
    PATCH "/v1/keys/{id}" update_key: by (Vpc vpc::keys::update);
    DELETE "/v1/keys/{id}" delete_key: by (Vpc vpc::keys::delete);

    GET "/v1/vpcs" list_vpcs: by (Vpc vpc::vpcs::list);
    POST "/v1/vpcs" create_vpc: by (Vpc vpc::vpcs::create);
    GET "/v1/vpcs/{id}" get_vpc: by (Vpc vpc::vpcs::get);
    PATCH "/v1/vpcs/{id}" update_vpc: by (Vpc vpc::vpcs::update);
    DELETE "/v1/vpcs/{id}" delete_vpc: by (Vpc vpc::vpcs::delete);
    GET "/v1/vpcs/{id}/default_network_acl" get_vpc_default_network_acl:
        by (Vpc vpc::vpcs::default_network_acl);
    GET "/v1/vpcs/{id}/default_security_group" get_vpc_default_security_group:
        by (Vpc vpc::vpcs::default_security_group);
    GET "/v1/vpcs/{id}/default_routing_table" get_vpc_default_routing_table:
        by (Vpc vpc::vpcs::default_routing_table);
    GET "/v1/vpcs/{id}/address_prefixes" list_vpc_address_prefixes:
        by (Vpc vpc::address_prefixes::list);
    POST "/v1/vpcs/{id}/address_prefixes" create_vpc_address_prefix:
        by (Vpc vpc::address_prefixes::create);
    GET "/v1/vpcs/{id}/address_prefixes/{prefix_id}" get_vpc_address_prefix:
        by (Vpc vpc::address_prefixes::get);
    PATCH "/v1/vpcs/{id}/address_prefixes/{prefix_id}" update_vpc_address_prefix:
        by (Vpc vpc::address_prefixes::update);
    DELETE "/v1/vpcs/{id}/address_prefixes/{prefix_id}" delete_vpc_address_prefix:
        by (Vpc vpc::address_prefixes::delete);

    GET "/v1/subnets" list_subnets: by (Vpc vpc::subnets::list);
    POST "/v1/subnets" create_subnet: by (Vpc vpc::subnets::create);
    GET "/v1/subnets/{id}" get_subnet: by (Vpc vpc::subnets::get);
    PATCH "/v1/subnets/{id}" update_subnet: by (Vpc vpc::subnets::update);
    DELETE "/v1/subnets/{id}" delete_subnet: by (Vpc vpc::subnets::delete);
    GET "/v1/subnets/{id}/reserved_ips" list_subnet_reserved_ips:
        by (Vpc vpc::reserved_ips::list);
    POST "/v1/subnets/{id}/reserved_ips" create_subnet_reserved_ip:
        by (Vpc vpc::reserved_ips::create);
    GET "/v1/subnets/{id}/reserved_ips/{ip_id}" get_subnet_reserved_ip:
        by (Vpc vpc::reserved_ips::get);
    PATCH "/v1/subnets/{id}/reserved_ips/{ip_id}" update_subnet_reserved_ip:
        by (Vpc vpc::reserved_ips::update);
    DELETE "/v1/subnets/{id}/reserved_ips/{ip_id}" delete_subnet_reserved_ip:
        by (Vpc vpc::reserved_ips::delete);

    GET "/v1/virtual_network_interfaces" list_virtual_network_interfaces:
        by (Vpc vpc::virtual_network_interfaces::list);
    POST "/v1/virtual_network_interfaces" create_virtual_network_interface:
        by (Vpc vpc::virtual_network_interfaces::create);
    GET "/v1/virtual_network_interfaces/{id}" get_virtual_network_interface:
        by (Vpc vpc::virtual_network_interfaces::get);
    PATCH "/v1/virtual_network_interfaces/{id}" update_virtual_network_interface:
        by (Vpc vpc::virtual_network_interfaces::update);
    DELETE "/v1/virtual_network_interfaces/{id}" delete_virtual_network_interfaces:
        by (Vpc vpc::virtual_network_interfaces::delete);
    GET "/v1/virtual_network_interfaces/{id}/ips" list_virtual_network_interface_ips:
        by (Vpc vpc::virtual_network_interfaces::ip_list);
    GET "/v1/virtual_network_interfaces/{id}/ips/{ip_id}" get_virtual_network_interface_ip:
        by (Vpc vpc::virtual_network_interfaces::ip_get);
    PUT "/v1/virtual_network_interfaces/{id}/ips/{ip_id}" add_virtual_network_interface_ip:
        by (Vpc vpc::virtual_network_interfaces::ip_add);
    DELETE "/v1/virtual_network_interfaces/{id}/ips/{ip_id}"
        remove_virtual_network_interface_ip: by (Vpc vpc::virtual_network_interfaces::ip_remove);

    GET "/v1/security_groups" list_security_groups: by (Vpc vpc::security_groups::list);
    POST "/v1/security_groups" create_security_group: by (Vpc vpc::security_groups::create);
    GET "/v1/security_groups/{id}" get_security_group: by (Vpc vpc::security_groups::get);
    PATCH "/v1/security_groups/{id}" update_security_group: by (Vpc vpc::security_groups::update);
    DELETE "/v1/security_groups/{id}" delete_security_group: by (Vpc vpc::security_groups::delete);
    GET "/v1/security_groups/{id}/rules" list_security_group_rules: by (Vpc vpc::security_groups::rule_list);
    POST "/v1/security_groups/{id}/rules" create_security_group_rule: by (Vpc vpc::security_groups::rule_create);
    GET "/v1/security_groups/{id}/rules/{rule_id}" get_security_group_rule: by (Vpc vpc::security_groups::rule_get);
    PATCH "/v1/security_groups/{id}/rules/{rule_id}" update_security_group_rule: by (Vpc vpc::security_groups::rule_update);
    DELETE "/v1/security_groups/{id}/rules/{rule_id}" delete_security_group_rule: by (Vpc vpc::security_groups::rule_delete);
    GET "/v1/security_groups/{id}/targets" list_security_group_targets: by (Vpc vpc::security_groups::target_list);
    GET "/v1/security_groups/{id}/targets/{target_id}" get_security_group_target: by (Vpc vpc::security_groups::target_get);
    PUT "/v1/security_groups/{id}/targets/{target_id}" create_security_group_target_binding: by (Vpc vpc::security_groups::target_add);
    DELETE "/v1/security_groups/{id}/targets/{target_id}" delete_security_group_target_binding: by (Vpc vpc::security_groups::target_remove);
    GET "/v1/network_acls" list_network_acls: by (Vpc vpc::network_acls::list);
    POST "/v1/network_acls" create_network_acl: by (Vpc vpc::network_acls::create);
    GET "/v1/network_acls/{id}" get_network_acl: by (Vpc vpc::network_acls::get);
    PATCH "/v1/network_acls/{id}" update_network_acl: by (Vpc vpc::network_acls::update);
    DELETE "/v1/network_acls/{id}" delete_network_acl: by (Vpc vpc::network_acls::delete);
    GET "/v1/network_acls/{id}/rules" list_network_acl_rules: by (Vpc vpc::network_acls::rule_list);
    POST "/v1/network_acls/{id}/rules" create_network_acl_rule: by (Vpc vpc::network_acls::rule_create);
    GET "/v1/network_acls/{id}/rules/{rule_id}" get_network_acl_rule: by (Vpc vpc::network_acls::rule_get);
    PATCH "/v1/network_acls/{id}/rules/{rule_id}" update_network_acl_rule: by (Vpc vpc::network_acls::rule_update);
    DELETE "/v1/network_acls/{id}/rules/{rule_id}" delete_network_acl_rule: by (Vpc vpc::network_acls::rule_delete);
    GET "/v1/subnets/{id}/network_acl" get_subnet_network_acl: by (Vpc vpc::subnets::acl_get);
    PUT "/v1/subnets/{id}/network_acl" replace_subnet_network_acl: by (Vpc vpc::subnets::acl_replace);
    GET "/v1/subnets/{id}/routing_table" get_subnet_routing_table: by (Vpc vpc::subnets::routing_table_get);
    PUT "/v1/subnets/{id}/routing_table" replace_subnet_routing_table: by (Vpc vpc::subnets::routing_table_replace);
    GET "/v1/vpcs/{id}/routing_tables" list_vpc_routing_tables: by (Vpc vpc::routing_tables::list);
    POST "/v1/vpcs/{id}/routing_tables" create_vpc_routing_table: not_yet;
    GET "/v1/vpcs/{id}/routing_tables/{table_id}" get_vpc_routing_table: by (Vpc vpc::routing_tables::get);
    PATCH "/v1/vpcs/{id}/routing_tables/{table_id}" update_vpc_routing_table: by (Vpc vpc::routing_tables::update);
    DELETE "/v1/vpcs/{id}/routing_tables/{table_id}" delete_vpc_routing_table: not_yet;
    GET "/v1/vpcs/{id}/routing_tables/{table_id}/routes" list_vpc_routing_table_routes: by (Vpc vpc::routing_tables::route_list);
    POST "/v1/vpcs/{id}/routing_tables/{table_id}/routes" create_vpc_routing_table_route: not_yet;

    GET "/v1/floating_ips" list_floating_ips: by (Vpc vpc::floating_ips::list);
    POST "/v1/floating_ips" create_floating_ip: by (Vpc vpc::floating_ips::create);
    GET "/v1/floating_ips/{id}" get_floating_ip: by (Vpc vpc::floating_ips::get);
    PATCH "/v1/floating_ips/{id}" update_floating_ip: by (Vpc vpc::floating_ips::update);
    DELETE "/v1/floating_ips/{id}" delete_floating_ip: by (Vpc vpc::floating_ips::delete);
    GET "/v1/instances/{id}/network_interfaces/{nic_id}/floating_ips" list_instance_network_interface_floating_ips: by (Vpc vpc::floating_ips::nic_list);
    GET "/v1/instances/{id}/network_interfaces/{nic_id}/floating_ips/{ip_id}" get_instance_network_interface_floating_ip: by (Vpc vpc::floating_ips::nic_get);
    PUT "/v1/instances/{id}/network_interfaces/{nic_id}/floating_ips/{ip_id}" add_instance_network_interface_floating_ip: by (Vpc vpc::floating_ips::nic_add);
    DELETE "/v1/instances/{id}/network_interfaces/{nic_id}/floating_ips/{ip_id}" remove_instance_network_interface_floating_ip: by (Vpc vpc::floating_ips::nic_remove);
    GET "/v1/public_gateways" list_public_gateways: by (Vpc vpc::public_gateways::list);
    POST "/v1/public_gateways" create_public_gateway: by (Vpc vpc::public_gateways::create);
    GET "/v1/public_gateways/{id}" get_public_gateway: by (Vpc vpc::public_gateways::get);
    PATCH "/v1/public_gateways/{id}" update_public_gateway: by (Vpc vpc::public_gateways::update);
    DELETE "/v1/public_gateways/{id}" delete_public_gateway: by (Vpc vpc::public_gateways::delete);
    GET "/v1/subnets/{id}/public_gateway" get_subnet_public_gateway: by (Vpc vpc::public_gateways::subnet_get);
    PUT "/v1/subnets/{id}/public_gateway" set_subnet_public_gateway: by (Vpc vpc::public_gateways::subnet_set);
    DELETE "/v1/subnets/{id}/public_gateway" unset_subnet_public_gateway: by (Vpc vpc::public_gateways::subnet_unset);
    GET "/v1/instances/{id}/network_interfaces/{nic_id}/ips" list_instance_network_interface_ips: by (Vpc vpc::floating_ips::address_list);
    GET "/v1/instances/{id}/network_interfaces/{nic_id}/ips/{ip_id}" get_instance_network_interface_ip: by (Vpc vpc::floating_ips::address_get);

    GET "/v1/regions" list_regions: by (Vpc vpc::geography::region_list);
    GET "/v1/regions/{name}" get_region: by (Vpc vpc::geography::region_get);
    GET "/v1/regions/{name}/zones" list_region_zones: by (Vpc vpc::geography::zone_list);
    GET "/v1/regions/{name}/zones/{zone}" get_region_zone: by (Vpc vpc::geography::zone_get);
    GET "/v1/operating_systems" list_operating_systems: by (Vpc vpc::operating_systems::list);
    GET "/v1/operating_systems/{name}" get_operating_system:
        by (Vpc vpc::operating_systems::get);

    GET "/v2/resource_groups" list_resource_groups: by (Platform resource_groups::list);
    POST "/v2/resource_groups" create_resource_group: by (Platform resource_groups::create);
    GET "/v2/resource_groups/{id}" get_resource_group: by (Platform resource_groups::get);
    PATCH "/v2/resource_groups/{id}" update_resource_group:
        by (Platform resource_groups::update);
    DELETE "/v2/resource_groups/{id}" delete_resource_group:
        by (Platform resource_groups::delete);
    GET "/v2/quota_definitions" list_quota_definitions: by (Platform resource_groups::quota_list);
    GET "/v2/quota_definitions/{id}" get_quota_definition:
        by (Platform resource_groups::quota_get);
    GET "/v2/resource_instances" list_resource_instances: by (Platform resource_instances::list);
    POST "/v2/resource_instances" create_resource_instance:
        by (Platform resource_instances::create);
    GET "/v2/resource_instances/{id}" get_resource_instance:
        by (Platform resource_instances::get);
    PATCH "/v2/resource_instances/{id}" update_resource_instance:
        by (Platform resource_instances::update);
    DELETE "/v2/resource_instances/{id}" delete_resource_instance:
        by (Platform resource_instances::delete);

    HEAD "/api/v2/keys" get_key_collection_metadata:
        by (Platform key_protect::keys::count);
    GET "/api/v2/keys" get_keys:
        by (Platform key_protect::keys::list);
    POST "/api/v2/keys" create_kms_key:
        by (Platform key_protect::keys::create);
    POST "/api/v2/keys_with_policy_overrides" create_key_with_policies_overrides:
        by (Platform key_protect::keys::create_with_policies);
    GET "/api/v2/keys/registrations" get_registrations_all_keys:
        by (Platform key_protect::others::registrations_all);
    GET "/api/v2/keys/{id}" get_kms_key:
        by (Platform key_protect::keys::get);
    POST "/api/v2/keys/{id}" action_on_key:
        by (Platform key_protect::actions::any);
    PATCH "/api/v2/keys/{id}" patch_key:
        by (Platform key_protect::keys::update);
    DELETE "/api/v2/keys/{id}" delete_kms_key:
        by (Platform key_protect::keys::delete);
    GET "/api/v2/keys/{id}/metadata" get_key_metadata:
        by (Platform key_protect::keys::metadata);
    GET "/api/v2/keys/{id}/versions" get_key_versions:
        by (Platform key_protect::keys::versions);
    DELETE "/api/v2/keys/{id}/purge" purge_key:
        by (Platform key_protect::keys::purge);
    POST "/api/v2/keys/{id}/restore" restore_key:
        by (Platform key_protect::keys::restore);
    POST "/api/v2/keys/{id}/actions/wrap" wrap_key:
        by (Platform key_protect::actions::wrap);
    POST "/api/v2/keys/{id}/actions/unwrap" unwrap_key:
        by (Platform key_protect::actions::unwrap);
    POST "/api/v2/keys/{id}/actions/rewrap" rewrap_key:
        by (Platform key_protect::actions::rewrap);
    POST "/api/v2/keys/{id}/actions/rotate" rotate_key:
        by (Platform key_protect::actions::rotate);
    POST "/api/v2/keys/{id}/actions/disable" disable_key:
        by (Platform key_protect::actions::disable);
    POST "/api/v2/keys/{id}/actions/enable" enable_key:
        by (Platform key_protect::actions::enable);
    POST "/api/v2/keys/{id}/actions/setKeyForDeletion" set_key_for_deletion:
        by (Platform key_protect::actions::set_for_deletion);
    POST "/api/v2/keys/{id}/actions/unsetKeyForDeletion" unset_key_for_deletion:
        by (Platform key_protect::actions::unset_for_deletion);
    POST "/api/v2/keys/{id}/actions/sync" sync_associated_resources:
        by (Platform key_protect::actions::sync);
    GET "/api/v2/keys/{id}/policies" get_kms_key_policy:
        by (Platform key_protect::keys::policies);
    PUT "/api/v2/keys/{id}/policies" put_kms_key_policy:
        by (Platform key_protect::keys::policies_set);
    GET "/api/v2/keys/{id}/registrations" get_registrations:
        by (Platform key_protect::others::registrations);
    POST "/api/v2/keys/{id}/aliases/{alias}" create_key_alias:
        by (Platform key_protect::others::alias_create);
    DELETE "/api/v2/keys/{id}/aliases/{alias}" delete_key_alias:
        by (Platform key_protect::others::alias_delete);
    GET "/api/v2/instance/policies" get_instance_policy:
        by (Platform key_protect::others::instance_policies);
    PUT "/api/v2/instance/policies" put_instance_policy:
        by (Platform key_protect::others::instance_policies_set);
    GET "/api/v2/key_rings" list_key_rings:
        by (Platform key_protect::others::ring_list);
    POST "/api/v2/key_rings/{ring}" create_key_ring:
        by (Platform key_protect::others::ring_create);
    DELETE "/api/v2/key_rings/{ring}" delete_key_ring:
        by (Platform key_protect::others::ring_delete);

    GET "/v3/tags" list_tags: by (Platform tags::list);
    POST "/v3/tags" create_tag: by (Platform tags::create);
    DELETE "/v3/tags" delete_tag_all: by (Platform tags::delete_unused);
    DELETE "/v3/tags/{tag_name}" delete_tag: by (Platform tags::delete);
    POST "/v3/tags/attach" attach_tag: by (Platform tags::attach);
    POST "/v3/tags/detach" detach_tag: by (Platform tags::detach);
    POST "/v3/resources/search" search: by (Platform search::search);

    GET "/v1/apikeys" list_api_keys: by (Platform api_keys::list);
    POST "/v1/apikeys" create_api_key: by (Platform api_keys::create);
    GET "/v1/apikeys/details" get_api_keys_details: by (Platform api_keys::details);
    GET "/v1/apikeys/{id}" get_api_key: by (Platform api_keys::get);
    PUT "/v1/apikeys/{id}" update_api_key: by (Platform api_keys::update);
    DELETE "/v1/apikeys/{id}" delete_api_key: by (Platform api_keys::delete);
    POST "/v1/apikeys/{id}/lock" lock_api_key: by (Platform api_keys::lock);
    DELETE "/v1/apikeys/{id}/lock" unlock_api_key: by (Platform api_keys::unlock);
    POST "/v1/apikeys/{id}/disable" disable_api_key: by (Platform api_keys::disable);
    DELETE "/v1/apikeys/{id}/disable" enable_api_key: by (Platform api_keys::enable);
    POST "/_ectype/v1/apikeys/{id}/rotate" ectype_api_key_rotate:
        by (Extension api_keys::rotate);
    GET "/v1/serviceids/" list_service_ids: by (Platform service_ids::list);
    POST "/v1/serviceids/" create_service_id: by (Platform service_ids::create);
    GET "/v1/serviceids/{id}" get_service_id: by (Platform service_ids::get);
    PUT "/v1/serviceids/{id}" update_service_id: by (Platform service_ids::update);
    DELETE "/v1/serviceids/{id}" delete_service_id: by (Platform service_ids::delete);
    POST "/v1/serviceids/{id}/lock" lock_service_id: by (Platform service_ids::lock);
    DELETE "/v1/serviceids/{id}/lock" unlock_service_id: by (Platform service_ids::unlock);
    GET "/v1/profiles" list_profiles: by (Platform profiles::list);
    POST "/v1/profiles" create_profile: by (Platform profiles::create);
    GET "/v1/profiles/{id}" get_profile: by (Platform profiles::get);
    PUT "/v1/profiles/{id}" update_profile: by (Platform profiles::update);
    DELETE "/v1/profiles/{id}" delete_profile: by (Platform profiles::delete);
    GET "/v1/profiles/{id}/rules" list_claim_rules: by (Platform profiles::rule_list);
    POST "/v1/profiles/{id}/rules" create_claim_rule: by (Platform profiles::rule_create);
    GET "/v1/profiles/{id}/rules/{rule_id}" get_claim_rule: by (Platform profiles::rule_get);
    PUT "/v1/profiles/{id}/rules/{rule_id}" update_claim_rule:
        by (Platform profiles::rule_update);
    DELETE "/v1/profiles/{id}/rules/{rule_id}" delete_claim_rule:
        by (Platform profiles::rule_delete);
    GET "/v1/profiles/{id}/links" list_links: by (Platform profiles::link_list);
    POST "/v1/profiles/{id}/links" create_link: by (Platform profiles::link_create);
    GET "/v1/profiles/{id}/links/{link_id}" get_link: by (Platform profiles::link_get);
    DELETE "/v1/profiles/{id}/links/{link_id}" delete_link: by (Platform profiles::link_delete);
    GET "/v1/profiles/{id}/identities" get_profile_identities:
        by (Platform profiles::identity_list);
    PUT "/v1/profiles/{id}/identities" set_profile_identities:
        by (Platform profiles::identities_replace);
    POST "/v1/profiles/{id}/identities/{identity_type}" set_profile_identity:
        by (Platform profiles::identity_add);
    GET "/v1/profiles/{id}/identities/{identity_type}/{identifier}" get_profile_identity:
        by (Platform profiles::identity_get);
    DELETE "/v1/profiles/{id}/identities/{identity_type}/{identifier}" delete_profile_identity:
        by (Platform profiles::identity_delete);
    GET "/v2/accounts/{account_id}/users" list_users: by (Platform users::list);
    POST "/v2/accounts/{account_id}/users" invite_users: by (Platform users::invite);
    GET "/v2/accounts/{account_id}/users/{iam_id}" get_user_profile: by (Platform users::get);
    PATCH "/v2/accounts/{account_id}/users/{iam_id}" update_user_profile:
        by (Platform users::update);
    DELETE "/v2/accounts/{account_id}/users/{iam_id}" remove_user: by (Platform users::remove);
    GET "/v1/policies" list_policies: by (Platform policies::list_v1);
    POST "/v1/policies" create_policy: by (Platform policies::create_v1);
    GET "/v1/policies/{id}" get_policy: by (Platform policies::get_v1);
    PUT "/v1/policies/{id}" replace_policy: by (Platform policies::replace_v1);
    PATCH "/v1/policies/{id}" update_policy_state: by (Platform policies::restore);
    DELETE "/v1/policies/{id}" delete_policy: by (Platform policies::delete);
    GET "/v2/policies" list_v2_policies: by (Platform policies::list_v2);
    POST "/v2/policies" create_v2_policy: by (Platform policies::create_v2);
    GET "/v2/policies/{id}" get_v2_policy: by (Platform policies::get_v2);
    PUT "/v2/policies/{id}" replace_v2_policy: by (Platform policies::replace_v2);
    DELETE "/v2/policies/{id}" delete_v2_policy: by (Platform policies::delete);
    GET "/v2/roles" list_roles: by (Platform roles::list);
    POST "/v2/roles" create_role: by (Platform roles::create);
    GET "/v2/roles/{id}" get_role: by (Platform roles::get);
    PUT "/v2/roles/{id}" replace_role: by (Platform roles::replace);
    DELETE "/v2/roles/{id}" delete_role: by (Platform roles::delete);
    GET "/v2/groups" list_access_groups: by (Platform groups::list);
    POST "/v2/groups" create_access_group: by (Platform groups::create);
    GET "/v2/groups/settings" get_account_settings: by (Platform groups::settings);
    PATCH "/v2/groups/settings" update_account_settings: not_yet;
    GET "/v2/groups/{id}" get_access_group: by (Platform groups::get);
    PATCH "/v2/groups/{id}" update_access_group: by (Platform groups::update);
    DELETE "/v2/groups/{id}" delete_access_group: by (Platform groups::delete);
    GET "/v2/groups/{id}/members" list_access_group_members: by (Platform members::list);
    PUT "/v2/groups/{id}/members" add_members_to_access_group: by (Platform members::add);
    POST "/v2/groups/{id}/members/delete" remove_members_from_access_group:
        by (Platform members::remove_several);
    HEAD "/v2/groups/{id}/members/{iam_id}" is_member_of_access_group:
        by (Platform members::is_member);
    DELETE "/v2/groups/{id}/members/{iam_id}" remove_member_from_access_group:
        by (Platform members::remove);
    PUT "/v2/groups/_allgroups/members/{iam_id}" add_member_to_multiple_access_groups:
        by (Platform members::add_to_several);
    DELETE "/v2/groups/_allgroups/members/{iam_id}" remove_member_from_all_access_groups:
        by (Platform members::remove_from_all);
    GET "/v2/groups/{id}/rules" list_access_group_rules: by (Platform rules::list);
    POST "/v2/groups/{id}/rules" add_access_group_rule: by (Platform rules::create);
    GET "/v2/groups/{id}/rules/{rule_id}" get_access_group_rule: by (Platform rules::get);
    PUT "/v2/groups/{id}/rules/{rule_id}" replace_access_group_rule:
        by (Platform rules::replace);
    DELETE "/v2/groups/{id}/rules/{rule_id}" remove_access_group_rule:
        by (Platform rules::delete);

    POST "/identity/token" get_token: open (Open iam::token);
    POST "/oidc/token" get_token_oidc: open (Open iam::token);
    GET "/identity/keys" get_token_keys: open (Open iam::keys);
    GET "/identity/.well-known/openid-configuration" get_discovery: open (Open iam::discovery);

    GET "/_ectype/v1/images/{id}/progress" ectype_image_progress:
        by (Extension extensions::image_progress);
    GET "/_ectype/v1/images/{id}/storage" ectype_image_storage:
        by (Extension extensions::image_storage);
    POST "/_ectype/v1/images/{id}/isolate" ectype_image_isolate:
        by (Extension extensions::image_isolate);
    GET "/_ectype/v1/images/{id}/isolate" ectype_image_isolation:
        by (Extension extensions::image_isolation);
    GET "/_ectype/v1/instances/{id}/console_log" ectype_instance_console_log:
        by (Extension extensions::instance_console_log);

    GET "/_ectype/v1/images/{id}/lineage" ectype_image_lineage:
        by (Extension extensions::image_lineage);
    GET "/_ectype/v1/transitions" ectype_transitions: by (Extension extensions::transitions);
    GET "/_ectype/v1/openapi.json" ectype_openapi: open (Open openapi::openapi);
    GET "/_ectype/v1/clock" ectype_clock: operator (Operator operator::clock_get);
    POST "/_ectype/v1/clock" ectype_clock_move: operator (Operator operator::clock_move);
    GET "/_ectype/v1/faults" ectype_faults: operator (Operator operator::fault_list);
    POST "/_ectype/v1/faults" ectype_fault_create: operator (Operator operator::fault_create);
    DELETE "/_ectype/v1/faults" ectype_faults_delete:
        operator (Operator operator::faults_delete);
    DELETE "/_ectype/v1/faults/{id}" ectype_fault_delete:
        operator (Operator operator::fault_delete);

    GET "/healthz" healthz: open (Open health::healthz);
    GET "/metrics" metrics: open (Open health::metrics);
}

/// Families of IBM's API that are known and not served: everything below these paths. A part
/// in braces stands for any one part.
pub const KNOWN: &[&str] = &[
    "/v1/action_control_assignments",
    "/v1/action_control_templates",
    "/api/v2/import_token",
    "/api/v2/instance/allowed_ip_port",
    "/api/v2/kmip_adapters",
    "/v1/backup_policies",
    "/v1/bare_metal_server/capacities",
    "/v1/bare_metal_server/profiles",
    "/v1/bare_metal_servers",
    "/v1/cluster_network/profiles",
    "/v1/cluster_networks",
    "/v1/dedicated_host/groups",
    "/v1/dedicated_host/profiles",
    "/v1/dedicated_hosts",
    "/v1/endpoint_gateways",
    "/v1/flow_log_collectors",
    "/v1/ike_policies",
    "/v1/group_assignments",
    "/v1/group_templates",
    "/v1/images/{id}/export_jobs",
    "/v1/instance_groups",
    "/v1/instances/{id}/cluster_network_attachments",
    "/v1/instances/{id}/disks",
    "/v1/instances/{id}/software_attachments",
    "/v1/ipsec_policies",
    "/v1/load_balancer/profiles",
    "/v1/load_balancers",
    "/v1/placement_groups",
    "/v1/policy_assignments",
    "/v1/policy_templates",
    "/v1/private_path_service_gateways",
    "/v1/public_address_ranges",
    "/v1/reclamations",
    "/v1/reservations",
    "/v1/share/profiles",
    "/v1/role_templates",
    "/v1/shares",
    "/v1/snapshot_consistency_groups",
    "/v1/snapshots",
    "/v1/virtual_network_interfaces/{id}/floating_ips",
    "/v1/volumes/{id}/instance_profiles",
    "/v1/volumes/{id}/jobs",
    "/v1/vpcs/{id}/dns_resolution_bindings",
    "/v1/vpcs/{id}/routes",
    "/v1/vpcs/{id}/routing_tables/{table_id}/routes",
    "/v1/vpn_gateways",
    "/v1/vpn_servers",
    "/v2/resource_aliases",
    "/v2/resource_bindings",
    "/v2/resource_instances/{id}/lock",
    "/v2/resource_keys",
];

/// Whether a path that is not in the table belongs to IBM's API.
pub(crate) fn is_known(path: &str) -> bool {
    KNOWN.iter().any(|known| {
        let mut parts = path.split('/');
        known.split('/').all(|want| match parts.next() {
            Some(part) => want == part || (want.starts_with('{') && !part.is_empty()),
            None => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_operation_is_there_once() {
        let names: HashSet<_> = OPERATIONS.iter().map(|o| o.name).collect();
        let places: HashSet<_> = OPERATIONS.iter().map(|o| (&o.method, o.path)).collect();
        assert_eq!((names.len(), places.len()), (OPERATIONS.len(), OPERATIONS.len()));
    }

    #[test]
    fn known_families_are_known_with_all_that_is_below_them() {
        for known in [
            "/v1/snapshots",
            "/v1/snapshots/x",
            "/v1/images/x/export_jobs/y",
            "/v1/instance_groups",
            "/v1/vpcs/x/routing_tables/y/routes",
        ] {
            assert!(is_known(known), "{known}");
        }
        for unknown in [
            "/",
            "/v1",
            "/v1/nothing",
            "/v1/snapshotsx",
            "/v2/snapshots",
            "/v1/images//export_jobs",
        ] {
            assert!(!is_known(unknown), "{unknown}");
        }
    }
}

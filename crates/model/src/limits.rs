//! Every limit of the region, by name.

/// A named limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name, as errors and docs show it.
    pub name: &'static str,
    /// Largest allowed number.
    pub max: u64,
    /// What it counts.
    pub of: &'static str,
    /// The error code a caller sees.
    pub code: &'static str,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $max:literal, $of:literal, $code:literal;)*) => {
        impl Limit {
            $($(#[$doc])* pub const $name: Self = Self {
                name: stringify!($name), max: $max, of: $of, code: $code,
            };)*
        }

        /// All of them, for the docs page.
        pub const LIMITS: &[Limit] = &[$(Limit::$name,)*];
    };
}

limits! {
    /// Users of an account. IBM publishes none that applies here; ours bounds a list.
    USERS_MAX = 10_000, "users in the account", "over_quota";
    /// Service IDs of an account.
    SERVICE_IDS_MAX = 2_000, "service IDs in the account", "over_quota";
    /// Trusted profiles of an account.
    PROFILES_MAX = 2_000, "trusted profiles in the account", "over_quota";
    /// Rules, links or identities of a trusted profile.
    PROFILE_PARTS_MAX = 100, "parts of one kind in the trusted profile", "over_quota";
    /// API keys of a user or a service ID.
    API_KEYS_MAX = 1_000, "API keys of the identity", "over_quota";
    /// Volumes of an account in a region.
    VOLUMES_MAX = 300, "volumes in the region", "volume_quota_reached";
    /// Images of an account. IBM publishes none; ours bounds a list's counter.
    IMAGES_MAX = 200_000, "custom images in the region", "over_quota";
    /// Instances of an account.
    INSTANCES_MAX = 1_000, "instances in the region", "over_quota";
    /// Statuses that the operator forces at the same time.
    FORCED_STATUSES_MAX = 100, "forced statuses", "over_quota";
    /// vCPUs of an account's instances.
    VCPUS_MAX = 200, "vCPUs in the region", "over_quota";
    /// SSH keys of an account.
    KEYS_MAX = 200, "SSH keys in the region", "over_quota";
    /// VPCs of an account.
    VPCS_MAX = 10, "VPCs in the region", "over_quota";
    /// Subnets of a VPC.
    SUBNETS_PER_VPC_MAX = 100, "subnets in the VPC", "over_quota";
    /// Address prefixes of a VPC.
    PREFIXES_PER_VPC_MAX = 25, "address prefixes in the VPC", "over_quota";
    /// Security groups of a VPC.
    SECURITY_GROUPS_PER_VPC_MAX = 100, "security groups in the VPC", "over_quota";
    /// Rules of a security group.
    SECURITY_GROUP_RULES_MAX = 250, "rules in the security group", "over_quota";
    /// Security groups of a network interface.
    SECURITY_GROUPS_PER_NIC_MAX = 25, "security groups of the network interface", "over_quota";
    /// Virtual network interfaces of an account. IBM publishes none; ours bounds a count.
    VNIS_MAX = 1_000, "virtual network interfaces in the region", "over_quota";
    /// Addresses of a virtual network interface, the primary one among them. Ours.
    IPS_PER_VNI_MAX = 8, "reserved IPs of the virtual network interface", "over_quota";
    /// Network ACLs of a VPC.
    ACLS_PER_VPC_MAX = 100, "network ACLs in the VPC", "over_quota";
    /// Rules of a network ACL.
    ACL_RULES_MAX = 200, "rules in the network ACL", "over_quota";
    /// Floating IPs of an account in a zone.
    FLOATING_IPS_PER_ZONE_MAX = 40, "floating IPs in the zone", "over_quota";
    /// Data volumes of an instance.
    DATA_VOLUMES_MAX = 12, "data volumes on the instance", "volume_attachment_over_quota";
    /// Actions that wait for an instance. IBM publishes none; ours bounds a queue.
    ACTIONS_QUEUED_MAX = 8, "actions that wait for the instance", "over_quota";
    /// Instance templates of an account. IBM publishes none; ours bounds a count.
    INSTANCE_TEMPLATES_MAX = 200, "instance templates in the region", "over_quota";
    /// Bytes of user data.
    USER_DATA_BYTES_MAX = 65_536, "bytes of user data", "validation_max_value";
    /// User tags of a resource.
    USER_TAGS_MAX = 1_000, "user tags of a resource", "over_quota";
    /// Service tags of a resource.
    SERVICE_TAGS_MAX = 1_000, "service tags of a resource", "over_quota";
    /// Access tags of an account, and so of a resource.
    ACCESS_TAGS_MAX = 250, "access tags in the account", "over_quota";
    /// Resource groups of an account. IBM publishes none; ours bounds a list without pages.
    RESOURCE_GROUPS_MAX = 500, "resource groups in the account", "over_quota";
    /// Policies of an account.
    POLICIES_MAX = 4_020, "policies in the account", "over_quota";
    /// Custom roles of an account.
    CUSTOM_ROLES_MAX = 40, "custom roles in the account", "over_quota";
    /// Access groups of an account.
    ACCESS_GROUPS_MAX = 500, "access groups in the account", "over_quota";
    /// Members of an access group.
    ACCESS_GROUP_MEMBERS_MAX = 2_500, "members of the access group", "over_quota";
    /// Rules of an access group.
    ACCESS_GROUP_RULES_MAX = 5, "rules of the access group", "over_quota";
    /// Instances of Key Protect of an account. IBM publishes none; ours bounds a list.
    SERVICE_INSTANCES_MAX = 100, "service instances in the account", "over_quota";
    /// Key rings of an instance of Key Protect.
    KEY_RINGS_MAX = 50, "key rings in the instance", "over_quota";
    /// Aliases of a key.
    KEY_ALIASES_MAX = 5, "aliases of the key", "over_quota";
    /// Keys of an instance of Key Protect. IBM publishes none; ours bounds a count.
    KMS_KEYS_MAX = 100_000, "keys in the instance", "over_quota";
    /// SSH keys of one instance.
    KEYS_PER_INSTANCE_MAX = 100, "SSH keys of the instance", "over_quota";
}

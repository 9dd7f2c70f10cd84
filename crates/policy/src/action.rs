//! The actions of the region, as IBM names them, and the roles that hold each: one table.
//!
//! Letters: `A`dministrator, `E`ditor, `O`perator, `V`iewer of the platform; `M`anager, `W`riter,
//! `R`eader of a service; `C`onsole Administrator, IP `S`poofing Operator and Configuration
//! Reader (`F`) of VPC; Reader`P`lus and `K`eyPurge of Key Protect.
//!
//! Next to read: `role`, then `access`.

use std::fmt;

use crate::role::{Role, RoleSet};

macro_rules! actions {
    ($($variant:ident = $text:literal [$($role:ident)*],)*) => {
        /// What a caller wants to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is IBM's own name, in `as_str`")]
        pub enum Action { $($variant,)* }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// IBM's name, such as `is.image.image.create`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The roles that hold it.
            #[must_use]
            pub const fn roles(self) -> RoleSet {
                match self { $(Self::$variant => RoleSet::NONE$(.with(letter::$role))*,)* }
            }

            /// The action of that name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

/// The letters of the table.
mod letter {
    use super::Role;

    pub(super) const A: Role = Role::Administrator;
    pub(super) const E: Role = Role::Editor;
    pub(super) const O: Role = Role::Operator;
    pub(super) const V: Role = Role::Viewer;
    pub(super) const M: Role = Role::Manager;
    pub(super) const W: Role = Role::Writer;
    pub(super) const C: Role = Role::ConsoleAdministrator;
    pub(super) const R: Role = Role::Reader;
    pub(super) const P: Role = Role::ReaderPlus;
    pub(super) const K: Role = Role::KeyPurge;
}

actions! {
    ImageCreate = "is.image.image.create" [A E],
    ImageRead = "is.image.image.read" [A E O V],
    ImageList = "is.image.image.list" [A E O V],
    ImageUpdate = "is.image.image.update" [A E],
    ImageDelete = "is.image.image.delete" [A E],
    ImageDeprecate = "is.image.image.deprecate" [A E M W],
    ImageObsolete = "is.image.image.obsolete" [A E M W],
    ImageManageAllowedUse = "is.image.image.manage-allowed-use" [A E M W],
    ImageProvision = "is.image.image.provision" [A E O],
    VolumeCreate = "is.volume.volume.create" [A E],
    VolumeRead = "is.volume.volume.read" [A E O V],
    VolumeList = "is.volume.volume.list" [A E O V],
    VolumeUpdate = "is.volume.volume.update" [A E],
    VolumeDelete = "is.volume.volume.delete" [A E],
    VolumeOperate = "is.volume.volume.operate" [A E O],
    InstanceCreate = "is.instance.instance.create" [A E],
    InstanceRead = "is.instance.instance.read" [A E O V],
    InstanceList = "is.instance.instance.list" [A E O V],
    InstanceUpdate = "is.instance.instance.update" [A E],
    InstanceDelete = "is.instance.instance.delete" [A E],
    InstanceOperate = "is.instance.instance.operate" [A E O],
    InstanceConsole = "is.instance.instance.console" [C],
    TemplateCreate = "is.instance.instance-template.create" [A E],
    TemplateRead = "is.instance.instance-template.read" [A E O V],
    TemplateList = "is.instance.instance-template.list" [A E O V],
    TemplateUpdate = "is.instance.instance-template.update" [A E],
    TemplateDelete = "is.instance.instance-template.delete" [A E],
    KeyCreate = "is.key.key.create" [A E],
    KeyRead = "is.key.key.read" [A E O V],
    KeyList = "is.key.key.list" [A E O V],
    KeyUpdate = "is.key.key.update" [A E],
    KeyDelete = "is.key.key.delete" [A E],
    KeyOperate = "is.key.key.operate" [A E O],
    VpcCreate = "is.vpc.vpc.create" [A E],
    VpcRead = "is.vpc.vpc.read" [A E O V],
    VpcList = "is.vpc.vpc.list" [A E O V],
    VpcUpdate = "is.vpc.vpc.update" [A E],
    VpcDelete = "is.vpc.vpc.delete" [A E],
    VpcOperate = "is.vpc.vpc.operate" [A E O],
    SubnetCreate = "is.subnet.subnet.create" [A E],
    SubnetRead = "is.subnet.subnet.read" [A E O V],
    SubnetList = "is.subnet.subnet.list" [A E O V],
    SubnetUpdate = "is.subnet.subnet.update" [A E],
    SubnetDelete = "is.subnet.subnet.delete" [A E],
    SubnetOperate = "is.subnet.subnet.operate" [A E O],
    AclCreate = "is.network-acl.network-acl.create" [A E],
    AclRead = "is.network-acl.network-acl.read" [A E O V],
    AclList = "is.network-acl.network-acl.list" [A E O V],
    AclUpdate = "is.network-acl.network-acl.update" [A E],
    AclDelete = "is.network-acl.network-acl.delete" [A E],
    AclOperate = "is.network-acl.network-acl.operate" [A E O],
    SecurityGroupCreate = "is.security-group.security-group.create" [A E],
    SecurityGroupRead = "is.security-group.security-group.read" [A E O V],
    SecurityGroupList = "is.security-group.security-group.list" [A E O V],
    SecurityGroupUpdate = "is.security-group.security-group.update" [A E],
    SecurityGroupDelete = "is.security-group.security-group.delete" [A E],
    SecurityGroupOperate = "is.security-group.security-group.operate" [A E O],
    FloatingIpCreate = "is.floating-ip.floating-ip.create" [A E],
    FloatingIpRead = "is.floating-ip.floating-ip.read" [A E O V],
    FloatingIpList = "is.floating-ip.floating-ip.list" [A E O V],
    FloatingIpUpdate = "is.floating-ip.floating-ip.update" [A E],
    FloatingIpDelete = "is.floating-ip.floating-ip.delete" [A E],
    FloatingIpOperate = "is.floating-ip.floating-ip.operate" [A E O],
    GatewayCreate = "is.public-gateway.public-gateway.create" [A E],
    GatewayRead = "is.public-gateway.public-gateway.read" [A E O V],
    GatewayList = "is.public-gateway.public-gateway.list" [A E O V],
    GatewayUpdate = "is.public-gateway.public-gateway.update" [A E],
    GatewayDelete = "is.public-gateway.public-gateway.delete" [A E],
    GatewayOperate = "is.public-gateway.public-gateway.operate" [A E O],
    VniCreate = "is.virtual-network-interface.virtual-network-interface.create" [A E],
    VniRead = "is.virtual-network-interface.virtual-network-interface.read" [A E O V],
    VniList = "is.virtual-network-interface.virtual-network-interface.list" [A E O V],
    VniUpdate = "is.virtual-network-interface.virtual-network-interface.update" [A E],
    VniDelete = "is.virtual-network-interface.virtual-network-interface.delete" [A E],
    VniOperate = "is.virtual-network-interface.virtual-network-interface.operate" [A E O],
    ResourceGroupRead = "resource-controller.group.retrieve" [A E O V],
    ResourceGroupCreate = "resource-controller.group.create" [A E],
    ResourceGroupUpdate = "resource-controller.group.update" [A E],
    ResourceGroupDelete = "resource-controller.group.delete" [A E],
    ResourceInstanceRead = "resource-controller.instance.retrieve" [A E O V],
    ResourceSearch = "global-search-tagging.resource.read" [A E O V],
    TagRead = "global-search-tagging.tag.read" [A E O V],
    TagAttachUser = "global-search-tagging.tag.attach-user-tag" [A E],
    TagDetachUser = "global-search-tagging.tag.detach-user-tag" [A E],
    TagDeleteUser = "global-search-tagging.tag.delete-user-tag" [A E],
    TagAttachAccess = "global-search-tagging.tag.attach-access-tag" [A],
    TagDetachAccess = "global-search-tagging.tag.detach-access-tag" [A],
    TagCreateAccess = "global-search-tagging.tag.create-access-tag" [A],
    TagDeleteAccess = "global-search-tagging.tag.delete-access-tag" [A],
    PolicyCreate = "iam.policy.create" [A],
    PolicyRead = "iam.policy.read" [A E O V],
    PolicyUpdate = "iam.policy.update" [A],
    PolicyDelete = "iam.policy.delete" [A],
    RoleCreate = "iam-access-management.customRole.create" [A],
    RoleRead = "iam-access-management.customRole.read" [A E O V],
    RoleUpdate = "iam-access-management.customRole.update" [A],
    RoleDelete = "iam-access-management.customRole.delete" [A],
    AccessGroupCreate = "iam-groups.groups.create" [A E],
    AccessGroupRead = "iam-groups.groups.read" [A E O V],
    AccessGroupList = "iam-groups.groups.list" [A E O V],
    AccessGroupUpdate = "iam-groups.groups.update" [A E],
    AccessGroupDelete = "iam-groups.groups.delete" [A E],
    MemberRead = "iam-groups.members.read" [A E O V],
    MemberAdd = "iam-groups.members.add" [A E],
    MemberRemove = "iam-groups.members.remove" [A E],
    GroupRuleRead = "iam-groups.rules.read" [A E O V],
    GroupRuleCreate = "iam-groups.rules.create" [A E],
    GroupRuleUpdate = "iam-groups.rules.update" [A E],
    GroupRuleDelete = "iam-groups.rules.delete" [A E],
    ApiKeyCreate = "iam-identity.apikey.create" [A E O],
    ApiKeyRead = "iam-identity.apikey.get" [A E O],
    ApiKeyList = "iam-identity.apikey.list" [A E O],
    ApiKeyUpdate = "iam-identity.apikey.update" [A E O],
    ApiKeyDelete = "iam-identity.apikey.delete" [A O],
    ServiceIdCreate = "iam-identity.serviceid.create" [A E O],
    ServiceIdRead = "iam-identity.serviceid.get" [A E O V],
    ServiceIdList = "iam-identity.serviceid.list" [A E O V],
    ServiceIdUpdate = "iam-identity.serviceid.update" [A E O],
    ServiceIdDelete = "iam-identity.serviceid.delete" [A O],
    ProfileCreate = "iam-identity.profile.create" [A],
    ProfileRead = "iam-identity.profile.get" [A E O V],
    ProfileList = "iam-identity.profile.list" [A E O V],
    ProfileUpdate = "iam-identity.profile.update" [A E],
    ProfileDelete = "iam-identity.profile.delete" [A O],
    UserCreate = "user-management.user.create" [A E],
    UserRead = "user-management.user.retrieve" [A E O V],
    UserUpdate = "user-management.user.update" [A E],
    UserDelete = "user-management.user.delete" [A E],
    ResourceInstanceCreate = "resource-controller.instance.create" [A E],
    ResourceInstanceUpdate = "resource-controller.instance.update" [A E],
    ResourceInstanceDelete = "resource-controller.instance.delete" [A E],
    KmsKeyCreate = "kms.secrets.create" [M W],
    KmsKeyRead = "kms.secrets.read" [M W P],
    KmsKeyMetadata = "kms.secrets.readmetadata" [M W R P],
    KmsKeyList = "kms.secrets.list" [M W R P],
    KmsKeyUpdate = "kms.secrets.patch" [M W],
    KmsKeyDelete = "kms.secrets.delete" [M],
    KmsKeyPurge = "kms.secrets.purge" [K],
    KmsKeyRestore = "kms.secrets.restore" [M],
    KmsKeyWrap = "kms.secrets.wrap" [M W R P],
    KmsKeyUnwrap = "kms.secrets.unwrap" [M W R P],
    KmsKeyRewrap = "kms.secrets.rewrap" [M W R P],
    KmsKeyRotate = "kms.secrets.rotate" [M W],
    KmsKeyDisable = "kms.secrets.disable" [M],
    KmsKeyEnable = "kms.secrets.enable" [M],
    KmsKeySetForDeletion = "kms.secrets.setkeyfordeletion" [M W],
    KmsKeyUnsetForDeletion = "kms.secrets.unsetkeyfordeletion" [M W],
    KmsKeyVersions = "kms.secrets.listkeyversions" [M W R P],
    KmsKeySync = "kms.secrets.sync" [M W],
    KmsPolicyRead = "kms.policies.read" [M],
    KmsPolicyWrite = "kms.policies.write" [M],
    KmsInstancePolicyRead = "kms.instancepolicies.read" [M],
    KmsInstancePolicyWrite = "kms.instancepolicies.write" [M],
    KmsRegistrationList = "kms.registrations.list" [M W R P],
    KmsAliasCreate = "kms.secrets-alias.create" [M W],
    KmsAliasDelete = "kms.secrets-alias.delete" [M W],
    KmsRingCreate = "kms.keyrings.create" [M W],
    KmsRingList = "kms.keyrings.list" [M W R P],
    KmsRingDelete = "kms.keyrings.delete" [M W],
}

/// Where an action happens, as policies tell places apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Such as `is`.
    pub service: &'static str,
    /// Such as `image`; empty where a service has no types.
    pub kind: &'static str,
}

impl Action {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// Where it happens. None when that is the tagged resource's place.
    #[must_use]
    pub fn place(self) -> Option<Place> {
        if self.is_of_any_resource() {
            return None;
        }
        let mut parts = self.as_str().split('.');
        let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (service, kind) = match (first, second) {
            ("is", kind) => ("is", kind),
            ("resource-controller", "group") => ("resource-controller", "resource-group"),
            ("iam-identity", kind) => ("iam-identity", kind),
            ("kms", "secrets" | "secrets-alias" | "policies") => ("kms", "key"),
            // Policies of IAM are the business of its access management.
            ("iam", _) => ("iam-access-management", ""),
            (service, _) => (service, ""),
        };
        Some(Place { service, kind })
    }

    /// Tags are put on resources of any service and type.
    pub(crate) const fn is_of_any_resource(self) -> bool {
        matches!(
            self,
            Self::TagAttachUser
                | Self::TagDetachUser
                | Self::TagAttachAccess
                | Self::TagDetachAccess
        )
    }

    /// What every platform role carries wherever it is given: what it shows is narrowed further.
    pub(crate) const fn is_carried(self) -> bool {
        matches!(self, Self::ResourceInstanceRead | Self::ResourceSearch | Self::TagRead)
    }

    /// The types of resources that have a CRN.
    pub const KINDS: &'static [&'static str] = &[
        "image",
        "instance",
        "instance-template",
        "volume",
        "key",
        "subnet",
        "vpc",
        "routing-table",
        "security-group",
        "network-acl",
        "floating-ip",
        "public-gateway",
        "virtual-network-interface",
        "resource-group",
    ];

    /// What a caller must be allowed to see resources of this type, one of [`Self::KINDS`].
    #[must_use]
    pub fn to_see(kind: &str) -> Option<Self> {
        Some(match kind {
            "image" => Self::ImageRead,
            "instance" => Self::InstanceRead,
            "instance-template" => Self::TemplateRead,
            "volume" => Self::VolumeRead,
            "key" => Self::KeyRead,
            "subnet" => Self::SubnetRead,
            "vpc" | "routing-table" => Self::VpcRead,
            "security-group" => Self::SecurityGroupRead,
            "network-acl" => Self::AclRead,
            "floating-ip" => Self::FloatingIpRead,
            "public-gateway" => Self::GatewayRead,
            "virtual-network-interface" => Self::VniRead,
            "resource-group" => Self::ResourceGroupRead,
            _ => return None,
        })
    }
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ActionSet([u64; Action::COUNT.div_ceil(64)]);

impl ActionSet {
    pub(crate) const EMPTY: Self = Self([0; Action::COUNT.div_ceil(64)]);

    pub(crate) fn insert(&mut self, action: Action) {
        let at = action as usize;
        self.0[at / 64] |= 1 << (at % 64);
    }

    pub(crate) const fn has(&self, action: Action) -> bool {
        let at = action as usize;
        self.0[at / 64] & (1 << (at % 64)) != 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }

    pub(crate) fn of(fits: impl Fn(Action) -> bool) -> Self {
        let mut set = Self::default();
        Action::ALL.iter().filter(|a| fits(**a)).for_each(|a| set.insert(*a));
        set
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_action_has_a_name_of_its_own_that_reads_back() {
        let names: HashSet<_> = Action::ALL.iter().map(|a| a.as_str()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        for &action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(action));
        }
        assert_eq!(Action::parse("is.image.image.paint"), None);
    }

    #[test]
    fn every_action_is_held_by_a_role_and_has_a_place() {
        for &action in Action::ALL {
            assert!(!action.roles().is_empty(), "{action}");
            match action.place() {
                None => assert!(action.is_of_any_resource()),
                Some(place) => assert!(!place.service.is_empty(), "{action}"),
            }
        }
        let place = Action::TemplateCreate.place().unwrap();
        assert_eq!((place.service, place.kind), ("is", "instance"));
    }

    #[test]
    fn every_type_of_resource_is_seen_by_an_action() {
        assert!(Action::KINDS.iter().all(|kind| Action::to_see(kind).is_some()));
        assert_eq!(Action::to_see("moon"), None);
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut set = ActionSet::default();
        assert!(set.is_empty());
        let last = *Action::ALL.last().unwrap();
        set.insert(last);
        assert!(set.has(last) && !set.has(Action::ImageCreate) && !set.is_empty());
    }
}

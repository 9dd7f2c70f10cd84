//! The actions of the region, as IBM names them.

use std::fmt;

macro_rules! actions {
    ($($variant:ident = $text:literal,)*) => {
        /// What a caller wants to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
        }
    };
}

actions! {
    ImageCreate = "is.image.image.create",
    ImageRead = "is.image.image.read",
    ImageList = "is.image.image.list",
    ImageUpdate = "is.image.image.update",
    ImageDelete = "is.image.image.delete",
    ImageDeprecate = "is.image.image.deprecate",
    ImageObsolete = "is.image.image.obsolete",
    ImageManageAllowedUse = "is.image.image.manage-allowed-use",
    ImageProvision = "is.image.image.provision",
    VolumeCreate = "is.volume.volume.create",
    VolumeRead = "is.volume.volume.read",
    VolumeList = "is.volume.volume.list",
    VolumeUpdate = "is.volume.volume.update",
    VolumeDelete = "is.volume.volume.delete",
    VolumeOperate = "is.volume.volume.operate",
    InstanceCreate = "is.instance.instance.create",
    InstanceRead = "is.instance.instance.read",
    InstanceList = "is.instance.instance.list",
    InstanceUpdate = "is.instance.instance.update",
    InstanceDelete = "is.instance.instance.delete",
    InstanceOperate = "is.instance.instance.operate",
    InstanceConsole = "is.instance.instance.console",
    TemplateCreate = "is.instance-template.instance-template.create",
    TemplateRead = "is.instance-template.instance-template.read",
    TemplateList = "is.instance-template.instance-template.list",
    TemplateUpdate = "is.instance-template.instance-template.update",
    TemplateDelete = "is.instance-template.instance-template.delete",
    KeyCreate = "is.key.key.create",
    KeyRead = "is.key.key.read",
    KeyList = "is.key.key.list",
    KeyUpdate = "is.key.key.update",
    KeyDelete = "is.key.key.delete",
    KeyOperate = "is.key.key.operate",
    VpcCreate = "is.vpc.vpc.create",
    VpcRead = "is.vpc.vpc.read",
    VpcList = "is.vpc.vpc.list",
    VpcUpdate = "is.vpc.vpc.update",
    VpcDelete = "is.vpc.vpc.delete",
    VpcOperate = "is.vpc.vpc.operate",
    SubnetCreate = "is.subnet.subnet.create",
    SubnetRead = "is.subnet.subnet.read",
    SubnetList = "is.subnet.subnet.list",
    SubnetUpdate = "is.subnet.subnet.update",
    SubnetDelete = "is.subnet.subnet.delete",
    SubnetOperate = "is.subnet.subnet.operate",
    AclCreate = "is.network-acl.network-acl.create",
    AclRead = "is.network-acl.network-acl.read",
    AclList = "is.network-acl.network-acl.list",
    AclUpdate = "is.network-acl.network-acl.update",
    AclDelete = "is.network-acl.network-acl.delete",
    AclOperate = "is.network-acl.network-acl.operate",
    SecurityGroupCreate = "is.security-group.security-group.create",
    SecurityGroupRead = "is.security-group.security-group.read",
    SecurityGroupList = "is.security-group.security-group.list",
    SecurityGroupUpdate = "is.security-group.security-group.update",
    SecurityGroupDelete = "is.security-group.security-group.delete",
    SecurityGroupOperate = "is.security-group.security-group.operate",
    FloatingIpCreate = "is.floating-ip.floating-ip.create",
    FloatingIpRead = "is.floating-ip.floating-ip.read",
    FloatingIpList = "is.floating-ip.floating-ip.list",
    FloatingIpUpdate = "is.floating-ip.floating-ip.update",
    FloatingIpDelete = "is.floating-ip.floating-ip.delete",
    FloatingIpOperate = "is.floating-ip.floating-ip.operate",
    GatewayCreate = "is.public-gateway.public-gateway.create",
    GatewayRead = "is.public-gateway.public-gateway.read",
    GatewayList = "is.public-gateway.public-gateway.list",
    GatewayUpdate = "is.public-gateway.public-gateway.update",
    GatewayDelete = "is.public-gateway.public-gateway.delete",
    GatewayOperate = "is.public-gateway.public-gateway.operate",
    VniCreate = "is.virtual-network-interface.virtual-network-interface.create",
    VniRead = "is.virtual-network-interface.virtual-network-interface.read",
    VniList = "is.virtual-network-interface.virtual-network-interface.list",
    VniUpdate = "is.virtual-network-interface.virtual-network-interface.update",
    VniDelete = "is.virtual-network-interface.virtual-network-interface.delete",
    VniOperate = "is.virtual-network-interface.virtual-network-interface.operate",
    ResourceGroupRead = "resource-controller.group.retrieve",
    ResourceGroupCreate = "resource-controller.group.create",
    ResourceGroupUpdate = "resource-controller.group.update",
    ResourceGroupDelete = "resource-controller.group.delete",
    ResourceInstanceRead = "resource-controller.instance.retrieve",
    ResourceSearch = "global-search-tagging.resource.read",
    TagRead = "global-search-tagging.tag.read",
    TagAttachUser = "global-search-tagging.tag.attach-user-tag",
    TagDetachUser = "global-search-tagging.tag.detach-user-tag",
    TagDeleteUser = "global-search-tagging.tag.delete-user-tag",
    TagAttachAccess = "global-search-tagging.tag.attach-access-tag",
    TagDetachAccess = "global-search-tagging.tag.detach-access-tag",
    TagCreateAccess = "global-search-tagging.tag.create-access-tag",
    TagDeleteAccess = "global-search-tagging.tag.delete-access-tag",
    ApiKeyCreate = "iam-identity.apikey.create",
    ApiKeyRead = "iam-identity.apikey.get",
    ApiKeyList = "iam-identity.apikey.list",
    ApiKeyUpdate = "iam-identity.apikey.update",
    ApiKeyDelete = "iam-identity.apikey.delete",
    ServiceIdCreate = "iam-identity.serviceid.create",
    ServiceIdRead = "iam-identity.serviceid.get",
    ServiceIdList = "iam-identity.serviceid.list",
    ServiceIdUpdate = "iam-identity.serviceid.update",
    ServiceIdDelete = "iam-identity.serviceid.delete",
    ProfileCreate = "iam-identity.profile.create",
    ProfileRead = "iam-identity.profile.get",
    ProfileList = "iam-identity.profile.list",
    ProfileUpdate = "iam-identity.profile.update",
    ProfileDelete = "iam-identity.profile.delete",
    UserCreate = "user-management.user.create",
    UserRead = "user-management.user.retrieve",
    UserUpdate = "user-management.user.update",
    UserDelete = "user-management.user.delete",
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
    fn every_action_has_a_name_of_its_own() {
        let names: HashSet<_> = Action::ALL.iter().map(|a| a.as_str()).collect();
        assert_eq!(names.len(), Action::ALL.len());
    }
}

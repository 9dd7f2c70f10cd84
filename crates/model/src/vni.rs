//! Virtual network interfaces: interfaces that are resources of their own, and what ties one to an
//! instance, the network attachment.
//!
//! An attachment is a network interface of the instance too: old clients read it as one, and do
//! not change it.

use base::{
    InstanceId, NicId, ReservedIpId, ResourceGroupId, SecurityGroupId, SubnetId, VniId, VpcId,
    ZoneName,
};

use crate::{Head, IpRequest, Refusal, ResourceName, VniRefusal, text_enum};

text_enum! {
    /// Whether packets that fit no connection are dropped.
    StateFiltering {
        /// As the target's type has it; an instance's attachment has it on.
        Auto = "auto",
        /// They are not.
        Disabled = "disabled",
        /// They are.
        Enabled = "enabled",
    }
}

/// A virtual network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vni {
    /// Id, account, group, name (unique in the VPC).
    pub head: Head<VniId>,
    /// The zone of its subnet.
    pub zone: ZoneName,
    /// The VPC of its subnet.
    pub vpc: VpcId,
    /// Its subnet.
    pub subnet: SubnetId,
    /// Its primary address.
    pub primary_ip: ReservedIpId,
    /// Its security groups.
    pub security_groups: Vec<SecurityGroupId>,
    /// May send from other addresses.
    pub allow_ip_spoofing: bool,
    /// Goes with its target.
    pub auto_delete: bool,
    /// The VPC translates addresses for it.
    pub infrastructure_nat: bool,
    /// Whether packets that fit no connection are dropped.
    pub state_filtering: StateFiltering,
    /// MAC address, such as `02:00:…`.
    pub mac: String,
}

impl Vni {
    /// Whether the settings go together, for one that is attached to an instance or to nothing.
    ///
    /// # Errors
    /// [`VniRefusal::AutoDeleteUnbound`], [`VniRefusal::Settings`], [`VniRefusal::WithoutNat`].
    pub fn check(&self, attached: bool) -> Result<(), Refusal> {
        if self.auto_delete && !attached {
            return Err(Refusal::Vni(VniRefusal::AutoDeleteUnbound {
                what: "virtual network interface",
            }));
        }
        if !self.infrastructure_nat && self.allow_ip_spoofing {
            return Err(Refusal::Vni(VniRefusal::Settings {
                field: "allow_ip_spoofing",
                why: "it must be false where enable_infrastructure_nat is false",
            }));
        }
        if !self.infrastructure_nat && attached {
            return Err(Refusal::Vni(VniRefusal::WithoutNat { vni: self.head.id.clone() }));
        }
        Ok(())
    }
}

/// What a PATCH of a virtual network interface changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VniPatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// May, or may no longer, send from other addresses.
    pub allow_ip_spoofing: Option<bool>,
    /// Goes, or no longer goes, with its target.
    pub auto_delete: Option<bool>,
    /// The VPC translates, or no longer translates, addresses for it.
    pub infrastructure_nat: Option<bool>,
    /// Another way to treat packets that fit no connection.
    pub state_filtering: Option<StateFiltering>,
}

/// A virtual network interface that a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VniCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the instance's, or the account's default one, when none.
    pub group: Option<ResourceGroupId>,
    /// Its subnet; that of the reserved IP which `primary_ip` names when none.
    pub subnet: Option<SubnetId>,
    /// Its primary address.
    pub primary_ip: IpRequest,
    /// Its further addresses.
    pub ips: Vec<IpRequest>,
    /// Its security groups; the VPC's default one when empty.
    pub security_groups: Vec<SecurityGroupId>,
    /// May send from other addresses.
    pub allow_ip_spoofing: bool,
    /// Goes with its target.
    pub auto_delete: bool,
    /// The VPC translates addresses for it.
    pub infrastructure_nat: bool,
    /// Whether packets that fit no connection are dropped.
    pub state_filtering: StateFiltering,
}

/// A network attachment of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkAttachment {
    /// Id, account, group, name (unique in the instance).
    pub head: Head<NicId>,
    /// Its instance.
    pub instance: InstanceId,
    /// The primary attachment, of which an instance has exactly one.
    pub primary: bool,
}

/// A network attachment that a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkAttachmentCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// What is attached.
    pub vni: VniWanted,
}

/// Which virtual network interface is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VniWanted {
    /// One that exists and is free.
    Existing(VniId),
    /// A new one.
    New(Box<VniCreate>),
}

#[cfg(test)]
mod tests {
    use base::{AccountId, RegionName, Timestamp};

    use super::*;

    fn vni(spoofing: bool, auto_delete: bool, nat: bool) -> Vni {
        Vni {
            head: Head {
                id: VniId::parse("0717-1").unwrap(),
                account: AccountId::parse("a").unwrap(),
                group: ResourceGroupId::parse("g").unwrap(),
                name: ResourceName::parse("vni").unwrap(),
                created_at: Timestamp::from_micros(0),
                revision: 1,
            },
            zone: RegionName::parse("us-south").unwrap().zone("us-south-1").unwrap(),
            vpc: VpcId::parse("v").unwrap(),
            subnet: SubnetId::parse("s").unwrap(),
            primary_ip: ReservedIpId::parse("i").unwrap(),
            security_groups: Vec::new(),
            allow_ip_spoofing: spoofing,
            auto_delete,
            infrastructure_nat: nat,
            state_filtering: StateFiltering::Auto,
            mac: String::new(),
        }
    }

    #[test]
    fn settings_that_do_not_go_together_are_refused_by_name() {
        let check =
            |spoofing, auto_delete, nat, attached| vni(spoofing, auto_delete, nat).check(attached);
        for attached in [false, true] {
            assert_eq!(check(false, attached, true, attached), Ok(()));
            assert_eq!(check(true, false, true, attached), Ok(()));
            let both = check(true, false, false, attached);
            assert!(matches!(both, Err(Refusal::Vni(VniRefusal::Settings { .. }))), "{both:?}");
        }
        assert_eq!(check(false, false, false, false), Ok(()));
        let without = check(false, false, false, true);
        assert!(matches!(without, Err(Refusal::Vni(VniRefusal::WithoutNat { .. }))), "{without:?}");
        let unbound = check(false, true, true, false);
        assert!(
            matches!(unbound, Err(Refusal::Vni(VniRefusal::AutoDeleteUnbound { .. }))),
            "{unbound:?}"
        );
    }
}

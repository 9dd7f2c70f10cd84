//! How a new instance is in networks: what it names is found and allowed, and becomes rows.

use base::{InstanceId, NicId, ReservedIpId, ResourceGroupId, SecurityGroupId, VpcId, ZoneName};
use meta::{NewNetworkAttachment, VniSource};
use model::{IpRequest, NetworkAttachmentCreate, Nic, ResourceName, VniWanted};
use policy::Action;

use super::create::{InstanceCreate, InstanceNetwork, NicCreate};
use crate::{
    Control, Error, RequestContext,
    network::{Place, VniPaths},
};

/// The networks of a new instance, found and allowed.
pub(super) enum DecidedNetwork {
    /// Interfaces; those without groups are in the default one.
    Interfaces { all: Vec<NicCreate>, default_group: SecurityGroupId },
    /// Attachments.
    Attachments { all: Vec<(ResourceName, VniSource)>, place: Place },
}

/// The field of the primary interface's groups.
const GROUPS: &str = "primary_network_interface.security_groups";

/// Rows of the interfaces, and of the attachments, of a new instance.
type Rows = (Vec<(Nic, IpRequest)>, Vec<NewNetworkAttachment>);

impl Control {
    /// The VPC of a new instance, and its networks.
    pub(super) async fn instance_network(
        &self,
        ctx: &RequestContext,
        want: &InstanceCreate,
        group: &ResourceGroupId,
    ) -> Result<(VpcId, DecidedNetwork), Error> {
        let vpc = match &want.network {
            InstanceNetwork::Interfaces(nics) => self.vpc_of_nics(ctx, want, nics).await?,
            InstanceNetwork::Attachments(all) => match &want.vpc {
                Some(vpc) => vpc.clone(),
                None => self.vpc_of_attachment(ctx, all).await?,
            },
        };
        let view = self.vpc(ctx, &vpc).await.map_err(|e| e.named_by("vpc"))?;
        self.permit(ctx, Action::VpcOperate, &view.vpc.head).await?;
        let network = match &want.network {
            InstanceNetwork::Interfaces(nics) => {
                for (n, nic) in nics.iter().enumerate() {
                    let field = if n == 0 { GROUPS } else { "network_interfaces.security_groups" };
                    self.security_groups_usable(ctx, &nic.security_groups, &vpc, field).await?;
                }
                let default_group = view.vpc.default_security_group;
                DecidedNetwork::Interfaces { all: nics.clone(), default_group }
            }
            InstanceNetwork::Attachments(wanted) => {
                let (zone, vpc) = (want.zone.clone(), vpc.clone());
                let place = Place { group: group.clone(), zone, vpc };
                let mut all = Vec::with_capacity(wanted.len());
                for (n, wanted) in wanted.iter().enumerate() {
                    let paths = if n == 0 { VniPaths::PRIMARY } else { VniPaths::FURTHER };
                    let wanted = wanted.clone();
                    all.push(self.attachment_source(ctx, wanted, &place, &paths).await?);
                }
                DecidedNetwork::Attachments { all, place }
            }
        };
        Ok((vpc, network))
    }

    /// The VPC that all subnets are in; each is in the zone.
    async fn vpc_of_nics(
        &self,
        ctx: &RequestContext,
        want: &InstanceCreate,
        nics: &[NicCreate],
    ) -> Result<VpcId, Error> {
        let mut vpc = want.vpc.clone();
        for (position, nic) in nics.iter().enumerate() {
            let field = if position == 0 {
                "primary_network_interface.subnet"
            } else {
                "network_interfaces.subnet"
            };
            let subnet = self.subnet(ctx, &nic.subnet).await.map_err(|e| e.named_by(field))?;
            self.permit(ctx, Action::SubnetOperate, &subnet.subnet.head).await?;
            let of = subnet.subnet.vpc.clone();
            if vpc.get_or_insert_with(|| of.clone()) != &of {
                return Err(Error::Invalid {
                    field,
                    code: "invalid_value",
                    why: "The subnet is in another VPC than the instance.".to_owned(),
                });
            }
            if subnet.subnet.zone != want.zone {
                return Err(Error::Invalid {
                    field,
                    code: "invalid_value",
                    why: format!(
                        "The subnet is in zone {}, the instance in {}.",
                        subnet.subnet.zone, want.zone
                    ),
                });
            }
        }
        vpc.ok_or_else(|| Error::internal("an instance without interface"))
    }

    /// The VPC of the primary attachment.
    async fn vpc_of_attachment(
        &self,
        ctx: &RequestContext,
        all: &[NetworkAttachmentCreate],
    ) -> Result<VpcId, Error> {
        let paths = VniPaths::PRIMARY;
        let first = all.first().ok_or_else(|| Error::internal("an instance without attachment"))?;
        match &first.vni {
            VniWanted::Existing(id) => {
                let view = self.vni(ctx, id).await.map_err(|e| e.named_by(paths.vni))?;
                Ok(view.vni.vpc)
            }
            VniWanted::New(new) => Ok(self.vni_subnet(ctx, new, &paths).await?.subnet.vpc),
        }
    }

    /// The rows of the networks that were decided on.
    pub(super) fn network_draft(
        &self,
        ctx: &RequestContext,
        network: DecidedNetwork,
        instance: &InstanceId,
        (zone, group): (&ZoneName, &ResourceGroupId),
    ) -> Rows {
        match network {
            DecidedNetwork::Interfaces { all, default_group } => {
                let draft = |(n, nic): (usize, NicCreate)| {
                    let place = (zone, group, &default_group);
                    self.nic_draft(ctx, nic, n == 0, instance, place)
                };
                (all.into_iter().enumerate().map(draft).collect(), Vec::new())
            }
            DecidedNetwork::Attachments { all, place } => {
                let draft = |(n, (name, vni)): (usize, (ResourceName, VniSource))| {
                    self.attachment_draft(ctx, &place, instance, name, vni, n == 0)
                };
                (Vec::new(), all.into_iter().enumerate().map(draft).collect())
            }
        }
    }

    /// The row of a new interface, and the address that it is to have.
    pub(crate) fn nic_draft(
        &self,
        ctx: &RequestContext,
        nic: NicCreate,
        primary: bool,
        instance: &InstanceId,
        (zone, group, default_group): (&ZoneName, &ResourceGroupId, &SecurityGroupId),
    ) -> (Nic, IpRequest) {
        let prefix = format!("{}-", zone.id_number());
        let groups = if nic.security_groups.is_empty() {
            vec![default_group.clone()]
        } else {
            nic.security_groups
        };
        let row = Nic {
            head: self.head(
                ctx,
                NicId::mint(&prefix, self.entropy()),
                group.clone(),
                self.name_or_made(nic.name.as_ref()),
                self.now(),
            ),
            instance: instance.clone(),
            subnet: nic.subnet,
            // The store puts the address's own id here, unless the request named one that exists.
            primary_ip: ReservedIpId::mint(&prefix, self.entropy()),
            security_groups: groups,
            allow_ip_spoofing: nic.allow_ip_spoofing,
            primary,
            mac: self.mac_mint(),
        };
        (row, nic.primary_ip)
    }

    /// A locally administered unicast address.
    pub(crate) fn mac_mint(&self) -> String {
        let mut bytes = [0_u8; 5];
        self.entropy().fill(&mut bytes);
        let tail = bytes.map(|b| format!("{b:02x}")).join(":");
        format!("02:{tail}")
    }
}

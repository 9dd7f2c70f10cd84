//! Ways to make networks and keys.

use std::net::Ipv4Addr;

use base::{
    AclId, AclRuleId, AddressPrefixId, Clock as _, KeyId, ReservedIpId, RoutingTableId,
    SecurityGroupId, SecurityGroupRuleId, SubnetId, VpcId,
};
use meta::NewVpc;
use model::{
    Acl, AclRule, AddressPrefix, IpOwner, IpRange, Protocol, Reference, ReservedIp, RoutingTable,
    RuleRemote, SecurityGroup, SecurityGroupRule, SshKey, SshKeyType, Subnet, Traffic, Vpc,
};
use policy::Action;

use super::world::{Net, Tenant, World, name};

impl World {
    /// A VPC with its defaults and a /18 prefix in each zone.
    pub fn new_vpc(&self, tenant: &Tenant, text: &str) -> NewVpc {
        let e = &*self.entropy;
        let id = VpcId::mint("r006-", e);
        let acl = Acl {
            head: self.head(tenant, AclId::mint("r006-", e), "acl"),
            vpc: id.clone(),
            rules: vec![self.new_acl_rule("first"), self.new_acl_rule("second")],
        };
        let group = SecurityGroupId::mint("r006-", e);
        let own = Reference { id: group.clone(), name: String::new(), deleted: false };
        let rules = vec![
            self.new_group_rule("in", true, RuleRemote::Group(own)),
            self.new_group_rule("out", false, RuleRemote::Range(IpRange::EVERYWHERE)),
        ];
        let security_group =
            SecurityGroup { head: self.head(tenant, group, "group"), vpc: id.clone(), rules };
        let routing_table = RoutingTable {
            head: self.head(tenant, RoutingTableId::mint("r006-", e), "table"),
            vpc: id.clone(),
            is_default: true,
        };
        let prefixes = (0_u8..3).map(|n| self.new_prefix(tenant, &id, n)).collect();
        NewVpc {
            vpc: Vpc {
                head: self.head(tenant, id, text),
                default_acl: acl.head.id.clone(),
                default_security_group: security_group.head.id.clone(),
                default_routing_table: routing_table.head.id.clone(),
            },
            acl,
            security_group,
            routing_table,
            prefixes,
        }
    }

    /// A rule of a security group about ICMP, TCP and UDP.
    pub fn new_group_rule(
        &self,
        text: &str,
        inbound: bool,
        remote: RuleRemote,
    ) -> SecurityGroupRule {
        SecurityGroupRule {
            id: SecurityGroupRuleId::mint("r006-", &*self.entropy),
            name: name(text),
            inbound,
            remote,
            local: IpRange::EVERYWHERE,
            traffic: Traffic::all(Protocol::IcmpTcpUdp),
            created_at: self.clock.region(),
        }
    }

    /// A rule of an ACL that allows everything in.
    pub fn new_acl_rule(&self, text: &str) -> AclRule {
        AclRule {
            id: AclRuleId::mint("r006-", &*self.entropy),
            name: name(text),
            allow: true,
            inbound: true,
            source: IpRange::EVERYWHERE,
            destination: IpRange::EVERYWHERE,
            traffic: Traffic::all(Protocol::IcmpTcpUdp),
            created_at: self.clock.region(),
        }
    }

    /// `10.240.(64 n).0/18`, the default prefix of zone n.
    pub fn new_prefix(&self, tenant: &Tenant, vpc: &VpcId, zone: u8) -> AddressPrefix {
        let id = AddressPrefixId::mint("r006-", &*self.entropy);
        AddressPrefix {
            head: self.head(tenant, id, &format!("prefix-{zone}")),
            vpc: vpc.clone(),
            zone: self.region.zones()[usize::from(zone)].clone(),
            cidr: (Ipv4Addr::new(10, 240, 64 * zone, 0), 18),
            is_default: true,
        }
    }

    /// A subnet of a VPC in the first zone, with the provider's addresses.
    pub fn new_subnet(
        &self,
        tenant: &Tenant,
        vpc: &Vpc,
        text: &str,
        cidr: (Ipv4Addr, u8),
    ) -> (Subnet, Vec<ReservedIp>) {
        let subnet = Subnet {
            head: self.head(tenant, SubnetId::mint("0717-", &*self.entropy), text),
            vpc: vpc.head.id.clone(),
            zone: self.zone(),
            cidr,
            acl: vpc.default_acl.clone(),
            routing_table: vpc.default_routing_table.clone(),
            public_gateway: None,
        };
        let first = u32::from(cidr.0);
        let last = first + u32::try_from(subnet.total_addresses()).unwrap() - 1;
        let ips = (first..first + 4).chain([last]).enumerate().map(|(n, address)| {
            let mut ip = self.new_ip(tenant, &subnet.head.id, &format!("ibm-{n}"));
            ip.address = Ipv4Addr::from(address);
            ip.owner = IpOwner::Provider;
            ip
        });
        let ips = ips.collect();
        (subnet, ips)
    }

    /// A reserved IP with any free address.
    pub fn new_ip(&self, tenant: &Tenant, subnet: &SubnetId, text: &str) -> ReservedIp {
        ReservedIp {
            head: self.head(tenant, ReservedIpId::mint("0717-", &*self.entropy), text),
            subnet: subnet.clone(),
            address: Ipv4Addr::UNSPECIFIED,
            auto_delete: false,
            owner: IpOwner::User,
            target: None,
        }
    }

    /// A VPC and a /24 in it.
    pub async fn net(&self, tenant: &Tenant) -> Net {
        let new = self.new_vpc(tenant, "net");
        let (vpc, group) = (new.vpc.clone(), new.security_group.head.id.clone());
        let change = self.change(tenant, "is.vpc.vpc.create", &vpc.head.id);
        self.store.vpc_create(&tenant.may_make(Action::VpcCreate), new, change).await.unwrap();
        let cidr = (Ipv4Addr::new(10, 240, 0, 0), 24);
        let (subnet, ips) = self.new_subnet(tenant, &vpc, "subnet", cidr);
        let change = self.change(tenant, "is.subnet.subnet.create", &subnet.head.id);
        let permit = tenant.may_make(Action::SubnetCreate);
        self.store.subnet_create(&permit, subnet.clone(), ips, change).await.unwrap();
        Net { vpc, subnet, security_group: group }
    }

    /// An SSH key; the text makes it another one.
    pub fn new_key(&self, tenant: &Tenant, text: &str) -> SshKey {
        SshKey {
            head: self.head(tenant, KeyId::mint("r006-", &*self.entropy), text),
            kind: SshKeyType::Ed25519,
            length: 256,
            fingerprint: format!("SHA256:{text}"),
            public_key: format!("ssh-ed25519 {text}"),
        }
    }

    /// Writes a key.
    pub async fn key(&self, tenant: &Tenant, text: &str) -> SshKey {
        let key = self.new_key(tenant, text);
        let change = self.change(tenant, "is.key.key.create", &key.head.id);
        let permit = tenant.may_make(Action::KeyCreate);
        self.store.key_create(&permit, key.clone(), change).await.unwrap();
        key
    }
}

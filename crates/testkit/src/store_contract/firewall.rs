//! Security groups, network ACLs and their rules.

use base::{AclId, SecurityGroupId};
use meta::{AclPlace, StoreError};
use model::{
    Acl, AclRule, IpRange, Protocol, Reference, Refusal, RuleRemote, SecurityGroup, Traffic,
};
use policy::Action;

use super::{
    FreshStore,
    world::{Net, Tenant, World, name},
};
use crate::{not_found, refused};

impl World {
    async fn group(&self, tenant: &Tenant, net: &Net, text: &str) -> SecurityGroup {
        let id = SecurityGroupId::mint("r006-", &*self.entropy);
        let vpc = net.vpc.head.id.clone();
        let group = SecurityGroup { head: self.head(tenant, id, text), vpc, rules: Vec::new() };
        let change = self.change(tenant, "is.security-group.security-group.create", &group.head.id);
        let permit = tenant.may_make(Action::SecurityGroupCreate);
        self.store.security_group_create(&permit, group.clone(), change).await.unwrap();
        group
    }

    async fn rules_of(&self, tenant: &Tenant, acl: &AclId) -> Vec<String> {
        let view = self.store.acl(&tenant.sees(), acl).await.unwrap();
        view.acl.rules.iter().map(|r| r.name.to_string()).collect()
    }
}

/// A rule is written as it is, compared with the revision of its group, and holds the group that
/// it names.
pub async fn rules_of_a_security_group(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let (group, other) = (w.group(&w.a, &net, "web").await, w.group(&w.a, &net, "db").await);
    let id = &group.head.id;
    let change = || w.change(&w.a, "is.security-group.security-group.update", id);
    let permit = w.a.may(Action::SecurityGroupUpdate, id);
    let remote = Reference { id: other.head.id.clone(), name: "db".to_owned(), deleted: false };
    let mut rule = w.new_group_rule("ssh", true, RuleRemote::Group(remote));
    rule.local = IpRange::parse("10.0.0.1").unwrap();
    rule.traffic = Traffic { ports: Some((22, 23)), ..Traffic::all(Protocol::Tcp) };
    let put = |revision, rule: &model::SecurityGroupRule| {
        let (store, rule, change) = (w.store.clone(), rule.clone(), change());
        let permit = &permit;
        async move { store.security_group_rule_put(permit, id, revision, rule, change).await }
    };
    put(1, &rule).await.unwrap();
    refused!(put(1, &rule).await, StoreError::Changed { .. });
    let seen = w.store.security_group(&w.a.sees(), id).await.unwrap().group;
    assert_eq!((&seen.rules[..], seen.head.revision), (&[rule.clone()][..], 2));
    let mut twin = w.new_group_rule("ssh", true, RuleRemote::Range(IpRange::EVERYWHERE));
    refused!(put(2, &twin).await, StoreError::Refused(Refusal::NameTaken { .. }));
    twin.name = name("icmp");
    twin.traffic =
        Traffic { icmp_type: Some(8), icmp_code: Some(0), ..Traffic::all(Protocol::Icmp) };
    put(2, &twin).await.unwrap();
    let seen = w.store.security_group(&w.a.sees(), id).await.unwrap().group;
    assert_eq!(seen.rules, [rule.clone(), twin.clone()]);

    let may = |id: &SecurityGroupId| w.a.may(Action::SecurityGroupDelete, id);
    let held = &other.head.id;
    let gone = w.store.security_group_delete(&may(held), held, change()).await;
    refused!(gone, StoreError::Refused(Refusal::SecurityGroupInUse { .. }));
    let default = &net.security_group;
    let gone = w.store.security_group_delete(&may(default), default, change()).await;
    refused!(gone, StoreError::Refused(Refusal::SecurityGroupDefault { .. }));
    w.store.security_group_rule_delete(&permit, id, &rule.id, change()).await.unwrap();
    not_found!(w.store.security_group_rule_delete(&permit, id, &rule.id, change()).await);
    w.store.security_group_delete(&may(held), held, change()).await.unwrap();
    w.store.security_group_delete(&may(id), id, change()).await.unwrap();
    not_found!(w.store.security_group(&w.a.sees(), id).await);
}

/// A rule may not name a group of another VPC or account.
pub async fn a_rule_names_a_group_of_its_vpc(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let group = w.group(&w.a, &net, "web").await;
    let id = &group.head.id;
    let foreign = w.net(&w.b).await.security_group;
    let remote = Reference { id: foreign, name: String::new(), deleted: false };
    let rule = w.new_group_rule("x", true, RuleRemote::Group(remote));
    let change = w.change(&w.a, "is.security-group.security-group.update", id);
    let permit = w.a.may(Action::SecurityGroupUpdate, id);
    not_found!(w.store.security_group_rule_put(&permit, id, 1, rule, change).await);
    assert!(w.store.security_group(&w.a.sees(), id).await.unwrap().group.rules.is_empty());
}

/// Rules of an ACL are in an order that each change says.
pub async fn rules_of_an_acl_have_an_order(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let id = AclId::mint("r006-", &*w.entropy);
    let rules = vec![w.new_acl_rule("a"), w.new_acl_rule("b")];
    let vpc = net.vpc.head.id.clone();
    let acl = Acl { head: w.head(&w.a, id.clone(), "mine"), vpc, rules: rules.clone() };
    let change = || w.change(&w.a, "is.network-acl.network-acl.update", &id);
    let may = w.a.may_make(Action::AclCreate);
    w.store.acl_create(&may, acl, change()).await.unwrap();
    let permit = w.a.may(Action::AclUpdate, &id);
    let put = |revision, rule: &AclRule, place| {
        let (store, rule, change, id) = (w.store.clone(), rule.clone(), change(), &id);
        let permit = &permit;
        async move { store.acl_rule_put(permit, id, revision, rule, place, change).await }
    };
    let mut third = w.new_acl_rule("c");
    third.allow = false;
    third.traffic =
        Traffic { ports: Some((1, 2)), source_ports: Some((3, 4)), ..Traffic::all(Protocol::Udp) };
    put(1, &third, AclPlace::Before(rules[0].id.clone())).await.unwrap();
    assert_eq!(w.rules_of(&w.a, &id).await, ["c", "a", "b"]);
    let view = w.store.acl(&w.a.sees(), &id).await.unwrap();
    assert_eq!(view.acl.rules[0], third);
    put(2, &third, AclPlace::Last).await.unwrap();
    assert_eq!(w.rules_of(&w.a, &id).await, ["a", "b", "c"]);
    third.name = name("z");
    put(3, &third, AclPlace::Keep).await.unwrap();
    refused!(put(3, &third, AclPlace::Keep).await, StoreError::Changed { .. });
    let own = AclPlace::Before(third.id.clone());
    refused!(put(4, &third, own).await, StoreError::Refused(Refusal::RuleImpossible { .. }));
    assert_eq!(w.rules_of(&w.a, &id).await, ["a", "b", "z"]);
    w.store.acl_rule_delete(&permit, &id, &rules[1].id, change()).await.unwrap();
    put(5, &w.new_acl_rule("d"), AclPlace::Keep).await.unwrap();
    assert_eq!(w.rules_of(&w.a, &id).await, ["a", "z", "d"]);
}

/// An ACL in use stays; a subnet uses one of its own VPC.
pub async fn an_acl_in_use_stays(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let id = AclId::mint("r006-", &*w.entropy);
    let vpc = net.vpc.head.id.clone();
    let acl = Acl { head: w.head(&w.a, id.clone(), "mine"), vpc, rules: Vec::new() };
    let change = || w.change(&w.a, "is.network-acl.network-acl.update", &id);
    w.store.acl_create(&w.a.may_make(Action::AclCreate), acl, change()).await.unwrap();
    let subnet = &net.subnet.head.id;
    let update = w.a.may(Action::SubnetUpdate, subnet);
    let uses = |acl: &AclId| model::SubnetPatch { acl: Some(acl.clone()), ..Default::default() };
    w.store.subnet_update(&update, subnet, 1, uses(&id), change()).await.unwrap();
    let view = w.store.acl(&w.a.sees(), &id).await.unwrap();
    assert_eq!(view.subnets.iter().map(|(s, _)| &s.id).collect::<Vec<_>>(), [subnet]);
    let delete = |id: &AclId| w.a.may(Action::AclDelete, id);
    let refusal = w.store.acl_delete(&delete(&id), &id, change()).await;
    refused!(refusal, StoreError::Refused(Refusal::AclInUse { .. }));
    let default = &net.vpc.default_acl;
    w.store.subnet_update(&update, subnet, 2, uses(default), change()).await.unwrap();
    w.store.acl_delete(&delete(&id), &id, change()).await.unwrap();
    let refusal = w.store.acl_delete(&delete(default), default, change()).await;
    refused!(refusal, StoreError::Refused(Refusal::AclInUse { .. }));
    not_found!(w.store.subnet_update(&update, subnet, 3, uses(&id), change()).await);
}

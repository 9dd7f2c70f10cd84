//! What a running guest is given follows from the rows of its network.

use std::time::Duration;

use compute::GuestNic;
use ectype_control::{FloatingIpCreate, FloatingPlace, GatewayIp, NicCreate, PublicGatewayCreate};
use meta::FloatingIpPatch;
use model::{
    FLOATING_SOURCE, IpRange, IpRequest, Protocol, RemoteWanted, SecurityGroupRuleCreate,
    SubnetPatch, TrafficPatch,
};

use crate::world::{Vm, World, zone};

/// Waits until the guest was given interfaces that fit.
async fn until(world: &World, vm: &Vm, fits: impl Fn(&[GuestNic]) -> bool) -> Vec<GuestNic> {
    let look = async {
        loop {
            let nics = world.fake().nics(&vm.id);
            if fits(&nics) {
                return nics;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(20), look).await;
    seen.unwrap_or_else(|_| panic!("{:?}", world.fake().nics(&vm.id)))
}

fn ssh(range: IpRange) -> SecurityGroupRuleCreate {
    SecurityGroupRuleCreate {
        name: None,
        inbound: true,
        protocol: Protocol::Tcp,
        traffic: TrafficPatch {
            port_min: Some(Some(22)),
            port_max: Some(Some(22)),
            ..TrafficPatch::default()
        },
        remote: Some(RemoteWanted::Range(range)),
        local: None,
    }
}

/// A floating IP opens the way out and what the security groups admit, a rule or a binding that
/// goes closes it again, and a public gateway opens the way out alone.
#[tokio::test]
async fn a_running_guest_follows_floating_ips_rules_and_gateways() {
    let (world, vm, _) = World::with_stopped().await;
    world.start(&vm).await;
    let (region, ctx) = (world.region(), world.ctx().clone());
    let workers = region.work();
    let view = region.instance(&ctx, &vm.id).await.unwrap();
    let nic = view.nics[0].nic.clone();
    let closed = |nics: &[GuestNic]| !nics[0].way_out && nics[0].forwards.is_empty();
    let first = until(&world, &vm, closed).await;
    assert_eq!((&first[0].mac, first[0].address), (&nic.mac, view.nics[0].address));
    assert_eq!(first.len(), 1);

    let want = FloatingIpCreate {
        name: None,
        group: None,
        place: FloatingPlace::Nic(nic.head.id.clone()),
    };
    let ip = region.floating_ip_create(&ctx, want).await.unwrap().ip;
    until(&world, &vm, |nics| nics[0].way_out && nics[0].forwards.is_empty()).await;
    let group = &nic.security_groups[0];
    let here = IpRange::parse(&FLOATING_SOURCE.to_string()).unwrap();
    let rule = region.security_group_rule_create(&ctx, group, ssh(here)).await.unwrap().0;
    let open = until(&world, &vm, |nics| nics[0].forwards.len() == 1).await;
    let forward = open[0].forwards[0];
    assert_eq!((forward.udp, forward.address, forward.port), (false, ip.address, 22));
    region.security_group_rule_delete(&ctx, group, &rule.id).await.unwrap();
    until(&world, &vm, |nics| nics[0].way_out && nics[0].forwards.is_empty()).await;
    let unbind = FloatingIpPatch { name: None, target: Some(None) };
    region.floating_ip_update(&ctx, &ip.head.id, unbind).await.unwrap();
    until(&world, &vm, closed).await;

    let want = PublicGatewayCreate {
        name: None,
        group: None,
        vpc: view.instance.vpc.clone(),
        zone: zone(),
        floating_ip: GatewayIp::Existing(ip.head.id.clone()),
    };
    let gateway = region.public_gateway_create(&ctx, want).await.unwrap().gateway.head.id;
    let attach = async |gateway| {
        let patch = SubnetPatch { public_gateway: Some(gateway), ..SubnetPatch::default() };
        region.subnet_update(&ctx, &nic.subnet, patch).await.unwrap();
    };
    attach(Some(gateway)).await;
    until(&world, &vm, |nics| nics[0].way_out).await;
    // A group that lets nothing out keeps the way shut.
    let rules = region.security_group(&ctx, group).await.unwrap().group.rules;
    for rule in rules.iter().filter(|rule| !rule.inbound) {
        region.security_group_rule_delete(&ctx, group, &rule.id).await.unwrap();
    }
    until(&world, &vm, closed).await;
    attach(None).await;
    let want = NicCreate {
        name: None,
        subnet: nic.subnet.clone(),
        primary_ip: IpRequest::Any { name: None },
        security_groups: Vec::new(),
        allow_ip_spoofing: false,
    };
    let more = region.nic_create(&ctx, &vm.id, want).await.unwrap();
    let nics = until(&world, &vm, |nics| nics.len() == 2).await;
    assert_eq!((&nics[1].mac, nics[1].address), (&more.nic.mac, more.address));
    region.nic_delete(&ctx, &vm.id, &more.nic.head.id).await.unwrap();
    until(&world, &vm, |nics| nics.len() == 1).await;
    workers.stop(Duration::from_secs(5)).await;
}

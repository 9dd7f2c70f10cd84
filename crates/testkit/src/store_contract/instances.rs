//! Instances: rows, filters, updates, actions, deletion.

use base::{InstanceActionId, InstanceId};
use meta::{Change, InstanceEnd, InstanceFilter, StoreError};
use model::{
    ActionKind, ActionStatus, AttachmentStatus, HostFailurePolicy, InstanceAction, InstancePatch,
    InstanceStatus, InstanceStatusReason, LifecycleState, MetadataProtocol, MetadataService,
    Refusal, VolumeStatus,
};
use policy::Action;

use super::{
    FreshStore,
    world::{HOST, World, name, page, system},
};
use crate::{not_found, refused};

/// An instance reads back with everything that was made with it, its keys as they were.
pub async fn an_instance_reads_back(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let (k1, k2) = (w.key(&w.a, "k1").await, w.key(&w.a, "k2").await);
    let stock = w.new_stock("stock-1", super::world::OS);
    w.stock_put(stock.clone()).await;
    let mut new = w.new_instance(&w.a, &net, "vm");
    new.instance.keys = vec![k2.head.id.clone(), k1.head.id.clone()];
    new.instance.image = Some((stock.head.id.clone(), "stock-1".to_owned()));
    new.volumes[0].source_image = new.instance.image.clone();
    new.instance.metadata_service = MetadataService {
        enabled: true,
        protocol: MetadataProtocol::Https,
        response_hop_limit: 64,
    };
    new.volumes.push(w.new_data_volume(&w.a, "vm-data"));
    let data = w.new_attachment(&new.instance.head.id, &new.volumes[1].head.id, 1);
    new.attachments.push(data);
    let instance = new.instance.clone();
    let made = w.instance_put(&w.a, new).await;
    let view = w.store.instance(&w.a.sees(), &made.id).await.unwrap();
    assert_eq!(view.instance, instance);
    assert_eq!((view.vpc.name.as_str(), view.group_name.as_str()), ("net", "Default"));
    let (image, owner) = view.image.clone().unwrap();
    assert_eq!(
        (image.name.as_str(), image.deleted, &owner),
        ("stock-1", false, &w.provider.account)
    );
    let volumes: Vec<_> = view.attachments.iter().map(|a| a.volume.name.as_str()).collect();
    assert_eq!(volumes, ["vm-boot", "vm-data"]);
    assert_eq!(view.boot().unwrap().volume.id, made.volume);
    assert_eq!(view.nics.len(), 1);
    assert_eq!(w.store.instance_any(system(), &made.id).await.unwrap(), view);
    let volume = w.store.volume(&w.a.sees(), &made.volume).await.unwrap();
    assert_eq!(volume.attachments, view.attachments[..1]);
    assert_eq!(volume.source_image.unwrap().1, w.provider.account);

    let permit = w.a.may(Action::KeyDelete, &k1.head.id);
    w.store.key_delete(&permit, &k1.head.id, Change::default()).await.unwrap();
    let keys = w.store.instance_ssh_keys(system(), &made.id).await.unwrap();
    assert_eq!(keys, [k2.public_key, k1.public_key]);
}

/// Instances by each filter of the API.
pub async fn instances_are_filtered(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.instance_put(&w.a, w.new_instance(&w.a, &net, "one")).await;
    w.instance_put(&w.a, w.new_instance(&w.a, &net, "two")).await;
    let names = |filter: InstanceFilter| {
        let (store, scope) = (w.store.clone(), w.a.sees());
        async move {
            let found = store.instances(&scope, &filter, &page(10)).await.unwrap();
            assert_eq!(found.total, found.items.len() as u64, "{filter:?}");
            let names = found.items.iter().map(|v| v.instance.head.name.to_string());
            names.collect::<Vec<_>>().join(" ")
        }
    };
    let f = InstanceFilter::default;
    let cases = [
        (f(), "two one"),
        (InstanceFilter { name: Some("one".into()), ..f() }, "one"),
        (InstanceFilter { group: Some(w.b.group.clone()), ..f() }, ""),
        (InstanceFilter { vpc: Some(net.vpc.head.id.clone()), ..f() }, "two one"),
        (InstanceFilter { vpc_name: Some("net".into()), ..f() }, "two one"),
        (InstanceFilter { vpc_name: Some("x".into()), ..f() }, ""),
        (InstanceFilter { subnet: Some(net.subnet.head.id.clone()), ..f() }, "two one"),
    ];
    for (filter, wanted) in cases {
        assert_eq!(names(filter.clone()).await, wanted, "{filter:?}");
    }
    assert_eq!(w.store.instances_of_host(system(), HOST).await.unwrap().len(), 2);
    w.instance_becomes(&made.id, InstanceStatus::Stopped).await;
    let started = w.store.instances_of_host(system(), HOST).await.unwrap();
    assert_eq!(started.iter().map(|n| n.head.name.as_str()).collect::<Vec<_>>(), ["two"]);
}

/// An update names the revision it saw; the profile only changes while stopped.
pub async fn instance_updates(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.instance_put(&w.a, w.new_instance(&w.a, &net, "vm")).await;
    let update = |revision, patch: InstancePatch| {
        let change = w.change(&w.a, "is.instance.instance.update", &made.id);
        let (store, id) = (w.store.clone(), made.id.clone());
        let permit = w.a.may(Action::InstanceUpdate, &made.id);
        async move { store.instance_update(&permit, &id, revision, patch, change).await }
    };
    let resize = InstancePatch { profile: Some("bx2-4x16".into()), ..InstancePatch::default() };
    let running = update(1, resize.clone()).await;
    refused!(running, StoreError::Refused(Refusal::InstanceBusy { .. }));
    w.instance_becomes(&made.id, InstanceStatus::Stopped).await;
    refused!(update(1, resize.clone()).await, StoreError::Changed { .. });
    let patch = InstancePatch {
        name: Some(name("renamed")),
        host_failure: Some(HostFailurePolicy::Stop),
        metadata_service: Some(MetadataService { enabled: true, ..MetadataService::default() }),
        ..resize
    };
    update(2, patch).await.unwrap();
    let instance = w.store.instance(&w.a.sees(), &made.id).await.unwrap().instance;
    assert_eq!((instance.head.name, instance.head.revision), (name("renamed"), 3));
    assert_eq!(instance.profile, "bx2-4x16");
    assert_eq!(instance.total_volume_bandwidth, 2_000);
    assert_eq!(instance.host_failure, HostFailurePolicy::Stop);
    assert!(instance.metadata_service.enabled);

    let view = w.store.instance(&w.a.sees(), &made.id).await.unwrap();
    let (permit, change) = (w.a.may(Action::InstanceUpdate, &made.id), Change::default);
    let id = &view.attachments[0].attachment.id;
    let named = Some(name("disk"));
    let changed = w
        .store
        .attachment_update(&permit, &made.id, id, named, Some(false), change())
        .await
        .unwrap();
    assert!(changed.name == name("disk") && !changed.delete_volume_on_instance_delete);
    let nic = &view.nics[0].nic.head.id;
    let named = model::NicPatch { name: Some(name("eth9")), ..Default::default() };
    w.store.nic_update(&permit, &made.id, nic, named, change()).await.unwrap();
    let view = w.store.instance(&w.a.sees(), &made.id).await.unwrap();
    assert_eq!(view.attachments[0].attachment, changed);
    assert_eq!(view.nics[0].nic.head.name, name("eth9"));
}

/// Actions follow the table of statuses: what has an effect gets a job, what has none is done.
pub async fn instance_actions(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let status =
        || async { w.store.instance(&w.a.sees(), &made.id).await.unwrap().instance.status };
    let (start, job) = w.act(&w.a, &made.id, ActionKind::Start).await.unwrap();
    assert_eq!((start.status, status().await), (ActionStatus::Pending, InstanceStatus::Starting));
    let again = w.act(&w.a, &made.id, ActionKind::Start).await;
    refused!(again, StoreError::Refused(Refusal::InstanceState { .. }));
    let fence = w.claim_of(&job).await;
    let at = w.tick();
    w.store.action_status_set(system(), &start.id, ActionStatus::Running, at).await.unwrap();
    let end = w.tick();
    w.store.action_status_set(system(), &start.id, ActionStatus::Completed, end).await.unwrap();
    let followed = w.store.instance_action_get(&w.a.sees(), &made.id, &start.id).await.unwrap();
    assert_eq!(followed.status, ActionStatus::Completed);
    assert_eq!((followed.started_at, followed.completed_at), (Some(at), Some(end)));
    w.instance_becomes(&made.id, InstanceStatus::Running).await;
    w.finish(&fence).await;
    for (kind, next) in [
        (ActionKind::Reboot, InstanceStatus::Restarting),
        (ActionKind::Stop, InstanceStatus::Stopping),
    ] {
        w.instance_becomes(&made.id, InstanceStatus::Running).await;
        w.act(&w.a, &made.id, kind).await.unwrap();
        assert_eq!(status().await, next);
    }
    w.instance_becomes(&made.id, InstanceStatus::Stopped).await;
    let (idle, job) = w.act(&w.a, &made.id, ActionKind::Stop).await.unwrap();
    assert_eq!((idle.status, idle.completed_at), (ActionStatus::Completed, Some(idle.created_at)));
    not_found!(w.store.job(system(), &job).await);
}

/// An action that the instance is on its way from waits, with its job, and takes effect in the
/// transaction that settles the instance; a queue ends.
pub async fn actions_wait_for_each_other(fresh: &dyn FreshStore) {
    use ActionKind::{Reboot, Start, Stop};
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let now = || async { w.store.instance(&w.a.sees(), &made.id).await.unwrap().instance.status };
    let act = |kind| w.act(&w.a, &made.id, kind);
    let followed = |id: InstanceActionId| {
        let (store, scope, instance) = (w.store.clone(), w.a.sees(), made.id.clone());
        async move { store.instance_action_get(&scope, &instance, &id).await.unwrap().status }
    };
    let (_, start) = act(Start).await.unwrap();
    let (stop, stop_job) = act(Stop).await.unwrap();
    let (again, again_job) = act(Start).await.unwrap();
    assert_eq!((stop.status, again.status), (ActionStatus::Pending, ActionStatus::Pending));
    assert_eq!(now().await, InstanceStatus::Starting);
    for kind in [Start, Reboot] {
        let refused = act(kind).await;
        refused!(refused, StoreError::Refused(Refusal::InstanceState { .. }));
    }
    let fence = w.claim_of(&start).await;
    assert_eq!(w.claim().await, None, "the others wait");
    w.instance_becomes(&made.id, InstanceStatus::Running).await;
    w.finish(&fence).await;
    assert_eq!(now().await, InstanceStatus::Stopping, "the stop took effect at once");
    let fence = w.claim_of(&stop_job).await;
    w.instance_becomes(&made.id, InstanceStatus::Stopped).await;
    w.finish(&fence).await;
    assert_eq!(now().await, InstanceStatus::Starting);
    // A start that fails leaves a stopped instance: the stop behind it has nothing to do.
    let (third, third_job) = act(Stop).await.unwrap();
    let fence = w.claim_of(&again_job).await;
    w.instance_becomes(&made.id, InstanceStatus::Stopped).await;
    w.finish(&fence).await;
    assert_eq!(followed(third.id).await, ActionStatus::Completed);
    not_found!(w.store.job(system(), &third_job).await);
    assert_eq!(now().await, InstanceStatus::Stopped);

    act(Start).await.unwrap();
    for n in 0..model::Limit::ACTIONS_QUEUED_MAX.max {
        act(if n % 2 == 0 { Stop } else { Start }).await.unwrap();
    }
    let over = act(Stop).await;
    let limit = model::Limit::ACTIONS_QUEUED_MAX;
    assert!(
        matches!(over, Err(StoreError::Refused(Refusal::OverLimit { limit: l })) if l == limit)
    );
}

/// A stop by force takes back what waits, fails what goes on, and takes effect at once.
pub async fn a_stop_by_force_comes_first(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let (start, _) = w.act(&w.a, &made.id, ActionKind::Start).await.unwrap();
    let (stop, stop_job) = w.act(&w.a, &made.id, ActionKind::Stop).await.unwrap();
    let (again, again_job) = w.act(&w.a, &made.id, ActionKind::Start).await.unwrap();
    let force = InstanceAction { force: true, ..w.new_action(&made.id, ActionKind::Stop) };
    let permit = w.a.may(Action::InstanceOperate, &made.id);
    let job = w.job(&w.a, "instance-stop", &made.id);
    let taken = w.store.instance_action(&permit, force, job, Change::default()).await.unwrap();
    assert_eq!(taken.status, ActionStatus::Pending);
    let status = w.store.instance(&w.a.sees(), &made.id).await.unwrap().instance.status;
    assert_eq!(status, InstanceStatus::Stopping);
    for id in [&start.id, &stop.id, &again.id] {
        let seen = w.store.instance_action_get(&w.a.sees(), &made.id, id).await.unwrap();
        assert_eq!(seen.status, ActionStatus::Failed);
    }
    for job in [&stop_job, &again_job] {
        not_found!(w.store.job(system(), job).await);
    }
    // The job of the start comes late: its action stays failed.
    let at = w.tick();
    w.store.action_status_set(system(), &start.id, ActionStatus::Completed, at).await.unwrap();
    let seen = w.store.instance_action_get(&w.a.sees(), &made.id, &start.id).await.unwrap();
    assert_eq!(seen.status, ActionStatus::Failed);
}

/// A status is set by compare-and-swap, with its reasons and its event.
pub async fn instance_status_is_compared(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.instance_put(&w.a, w.new_instance(&w.a, &net, "vm")).await;
    let set = |from: &'static [InstanceStatus], to| {
        let change = w.change(&w.a, "is.instance.instance.update", &made.id);
        let (store, id) = (w.store.clone(), made.id.clone());
        let reasons =
            vec![InstanceStatusReason::CannotStart, InstanceStatusReason::CannotStartStorage];
        async move {
            let stable = LifecycleState::Stable;
            store.instance_status_set(system(), &id, from, to, reasons, stable, change).await
        }
    };
    let events = w.events(&w.a).await;
    let other = set(&[InstanceStatus::Running], InstanceStatus::Stopped).await;
    refused!(other, StoreError::Changed { .. });
    assert_eq!(w.events(&w.a).await, events);
    set(&[InstanceStatus::Starting, InstanceStatus::Pending], InstanceStatus::Stopped)
        .await
        .unwrap();
    assert_eq!(w.events(&w.a).await, events + 1);
    let instance = w.store.instance(&w.a.sees(), &made.id).await.unwrap().instance;
    assert_eq!(instance.status_reasons.len(), 2);
    assert_eq!(instance.lifecycle_state, LifecycleState::Stable);
    let nothing = InstanceId::mint("0717_", &*w.entropy);
    not_found!(w.store.instance_any(system(), &nothing).await);
}

/// A deleted instance takes its boot volume and leaves the others; doing it twice is harmless.
pub async fn instance_deletion(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let data = w.volume_put(&w.a, w.new_data_volume(&w.a, "data")).await;
    let mut new = w.new_instance(&w.a, &net, "vm");
    let attachment = w.new_attachment(&new.instance.head.id, &data, 1);
    new.attachments.push(attachment);
    let made = w.instance_put(&w.a, new).await;
    let delete = || {
        let job = w.job(&w.a, "instance-delete", &made.id);
        let change = w.change(&w.a, "is.instance.instance.delete", &made.id);
        let (store, id, job_id) = (w.store.clone(), made.id.clone(), job.id.clone());
        let permit = w.a.may(Action::InstanceDelete, &made.id);
        async move { store.instance_delete(&permit, &id, job, change).await.map(|()| job_id) }
    };
    refused!(delete().await, StoreError::Refused(Refusal::InstanceBusy { .. }));
    let fence = w.claim_of(&made.job).await;
    w.instance_becomes(&made.id, InstanceStatus::Running).await;
    w.finish(&fence).await;
    let job = delete().await.unwrap();
    refused!(delete().await, StoreError::Refused(Refusal::InstanceBusy { .. }));
    let view = w.store.instance(&w.a.sees(), &made.id).await.unwrap();
    assert_eq!(view.instance.status, InstanceStatus::Deleting);
    assert_eq!(view.attachments[0].attachment.status, AttachmentStatus::Deleting);
    let fence = w.claim_of(&job).await;
    let gone = |jobs| {
        let change = w.change(&w.a, "is.instance.instance.delete", &made.id);
        let (store, fence, id) = (w.store.clone(), fence.clone(), made.id.clone());
        async move {
            store
                .instance_gone(
                    system(),
                    &fence,
                    &id,
                    InstanceEnd { volumes: jobs, vnis: Vec::new() },
                    change,
                )
                .await
        }
    };
    refused!(gone(Vec::new()).await, StoreError::Changed { kind: "volume", .. });
    let volume_job = w.job(&w.a, "volume-delete", &made.volume);
    let volume_job_id = volume_job.id.clone();
    let jobs = vec![(made.volume.clone(), volume_job)];
    assert_eq!(gone(jobs.clone()).await.unwrap(), std::slice::from_ref(&made.volume));
    let events = w.events(&w.a).await;
    assert_eq!(gone(jobs).await.unwrap(), []);
    assert_eq!(w.events(&w.a).await, events, "a step that runs again writes no second event");
    not_found!(w.store.instance(&w.a.sees(), &made.id).await);
    let boot = w.store.volume(&w.a.sees(), &made.volume).await.unwrap();
    assert_eq!(boot.volume.status, VolumeStatus::PendingDeletion);
    assert!(w.store.job(system(), &volume_job_id).await.is_ok());
    let data = w.store.volume(&w.a.sees(), &data).await.unwrap();
    assert_eq!((data.volume.status, data.attachments.len()), (VolumeStatus::Available, 0));
    let listed = w.store.instances(&w.a.sees(), &InstanceFilter::default(), &page(1)).await;
    assert_eq!(listed.unwrap().total, 0);
}

/// An existing volume is attached only while it is free.
pub async fn only_free_volumes_are_attached(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let first = w.stopped(&w.a, &net, "first").await;
    let by_volume = |volume: &base::VolumeId, text: &str| {
        let mut new = w.new_instance(&w.a, &net, text);
        new.volumes.clear();
        new.attachments = vec![w.new_attachment(&new.instance.head.id, volume, 0)];
        let change = w.change(&w.a, "is.instance.instance.create", "second");
        let (store, permit) = (w.store.clone(), w.a.may_make(Action::InstanceCreate));
        async move { store.instance_create(&permit, new, change).await }
    };
    let taken = by_volume(&first.volume, "second").await;
    refused!(taken, StoreError::Refused(Refusal::VolumeAttached { .. }));
    let free = w.volume_put(&w.a, w.new_volume(&w.a, "free")).await;
    let (from, to) = (VolumeStatus::Available, VolumeStatus::Failed);
    w.store.volume_status_set(system(), &free, from, to).await.unwrap();
    let failed = by_volume(&free, "second").await;
    refused!(failed, StoreError::Refused(Refusal::VolumeState { .. }));
    w.store.volume_status_set(system(), &free, to, from).await.unwrap();
    by_volume(&free, "second").await.unwrap();
    not_found!(by_volume(&base::VolumeId::mint("r006-", &*w.entropy), "third").await);
}

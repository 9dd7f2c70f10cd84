//! Volumes come to, and leave, instances that exist; volumes that grow.

use base::{AttachmentId, ByteCount, InstanceId, JobId, VolumeId};
use meta::{Change, NewAttachment, StoreError};
use model::{AttachmentStatus, InstanceStatus, Limit, Refusal, VolumePatch, VolumeStatus};
use policy::Action;

use super::{
    FreshStore,
    world::{Made, World, name, system},
};
use crate::{not_found, refused};

impl World {
    async fn volume_attach(
        &self,
        instance: &InstanceId,
        volume: &VolumeId,
        text: &str,
    ) -> Result<(AttachmentId, JobId), StoreError> {
        let mut attachment = self.new_attachment(instance, volume, 1);
        attachment.name = name(text);
        let (id, job) = (attachment.id.clone(), self.job(&self.a, "volume-attach", &attachment.id));
        let job_id = job.id.clone();
        let new = NewAttachment { attachment, volume: None, job };
        let change = self.change(&self.a, "is.instance.volume-attachment.create", instance);
        let permit = self.a.may(Action::InstanceUpdate, instance);
        self.store.attachment_create(&permit, new, change).await?;
        Ok((id, job_id))
    }

    async fn volume_detach(
        &self,
        instance: &InstanceId,
        id: &AttachmentId,
    ) -> Result<JobId, StoreError> {
        let job = self.job(&self.a, "volume-detach", id);
        let job_id = job.id.clone();
        let change = self.change(&self.a, "is.instance.volume-attachment.delete", instance);
        let permit = self.a.may(Action::InstanceUpdate, instance);
        self.store.attachment_delete(&permit, instance, id, job, change).await?;
        Ok(job_id)
    }

    async fn attachment_status(&self, id: &AttachmentId) -> AttachmentStatus {
        self.store.attachment_any(system(), id).await.unwrap().attachment.status
    }

    async fn vm(&self) -> Made {
        let net = self.net(&self.a).await;
        self.stopped(&self.a, &net, "vm").await
    }
}

/// Attached and gone at once, at the next free place.
pub async fn a_volume_comes_to_a_stopped_instance_and_leaves_it(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let made = w.vm().await;
    let data = w.volume_put(&w.a, w.new_data_volume(&w.a, "data")).await;
    let (id, job) = w.volume_attach(&made.id, &data, "one").await.unwrap();
    not_found!(w.store.job(system(), &job).await);
    let view = w.store.instance(&w.a.sees(), &made.id).await.unwrap();
    let attached = &view.attachments[1].attachment;
    assert_eq!(
        (&attached.id, attached.status, attached.position),
        (&id, AttachmentStatus::Attached, 1)
    );
    let more = w.volume_put(&w.a, w.new_data_volume(&w.a, "more")).await;
    let (second, _) = w.volume_attach(&made.id, &more, "two").await.unwrap();
    w.volume_detach(&made.id, &id).await.unwrap();
    not_found!(w.store.attachment_any(system(), &id).await);
    not_found!(w.volume_detach(&made.id, &id).await);
    let (again, _) = w.volume_attach(&made.id, &data, "one").await.unwrap();
    let view = w.store.instance(&w.a.sees(), &made.id).await.unwrap();
    let order: Vec<_> = view.attachments.iter().map(|a| &a.attachment.id).collect();
    assert_eq!(order[1..], [&second, &again]);
    let boot = view.attachments[0].attachment.id.clone();
    let boot = w.volume_detach(&made.id, &boot).await;
    refused!(boot, StoreError::Refused(Refusal::BootVolumeDetach));
}

/// A running guest is told by a job on both ways; what is on its way takes no second one.
pub async fn a_running_guest_is_told_by_a_job(fresh: &dyn FreshStore) {
    use AttachmentStatus::{Attached, Attaching, Detaching};
    let w = World::new(fresh).await;
    let made = w.vm().await;
    w.instance_becomes(&made.id, InstanceStatus::Running).await;
    let data = w.volume_put(&w.a, w.new_data_volume(&w.a, "data")).await;
    let (id, job) = w.volume_attach(&made.id, &data, "one").await.unwrap();
    assert_eq!(w.attachment_status(&id).await, Attaching);
    let on_its_way = w.volume_detach(&made.id, &id).await;
    refused!(on_its_way, StoreError::Refused(Refusal::AttachmentState { .. }));
    let fence = w.claim_of(&job).await;
    let set = |from, to| w.store.attachment_status_set(system(), &fence, &id, from, to);
    refused!(set(Detaching, Attached).await, StoreError::Changed { .. });
    set(Attaching, Attached).await.unwrap();
    w.finish(&fence).await;
    refused!(set(Attached, Attaching).await, StoreError::Changed { .. });
    let job = w.volume_detach(&made.id, &id).await.unwrap();
    assert_eq!(w.attachment_status(&id).await, Detaching);
    let fence = w.claim_of(&job).await;
    let gone = |status| w.store.attachment_gone(system(), &fence, &id, status, Change::default());
    gone(Attaching).await.unwrap();
    assert_eq!(w.attachment_status(&id).await, Detaching);
    gone(Detaching).await.unwrap();
    gone(Detaching).await.unwrap();
    not_found!(w.store.attachment_any(system(), &id).await);
    assert!(w.store.volume(&w.a.sees(), &data).await.unwrap().attachments.is_empty());
}

/// Only a free volume of the zone, to an instance that is running or stopped, within the limit;
/// a refusal leaves nothing behind.
pub async fn only_what_fits_is_attached(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let made = w.vm().await;
    let data = w.volume_put(&w.a, w.new_data_volume(&w.a, "data")).await;
    for &status in InstanceStatus::ALL {
        w.instance_becomes(&made.id, status).await;
        let settled = matches!(status, InstanceStatus::Running | InstanceStatus::Stopped);
        let seen = w.volume_attach(&made.id, &data, "one").await;
        if settled {
            let (id, job) = seen.unwrap();
            if status == InstanceStatus::Running {
                let fence = w.claim_of(&job).await;
                let gone = w.store.attachment_gone(
                    system(),
                    &fence,
                    &id,
                    AttachmentStatus::Attaching,
                    Change::default(),
                );
                gone.await.unwrap();
                w.finish(&fence).await;
            } else {
                w.volume_detach(&made.id, &id).await.unwrap();
            }
        } else {
            refused!(seen, StoreError::Refused(Refusal::AttachmentInstance { .. }));
        }
    }
    w.instance_becomes(&made.id, InstanceStatus::Stopped).await;
    let taken = w.volume_attach(&made.id, &made.volume, "one").await;
    refused!(taken, StoreError::Refused(Refusal::VolumeAttached { .. }));
    let mut far = w.new_data_volume(&w.a, "far");
    far.zone = base::ZoneName::stored("us-south-2".to_owned());
    let far = w.volume_put(&w.a, far).await;
    not_found!(w.volume_attach(&made.id, &far, "one").await);
    let theirs = w.volume_put(&w.b, w.new_data_volume(&w.b, "theirs")).await;
    not_found!(w.volume_attach(&made.id, &theirs, "one").await);
    let updating = w.volume_put(&w.a, w.new_data_volume(&w.a, "updating")).await;
    let (from, to) = (VolumeStatus::Available, VolumeStatus::Updating);
    w.store.volume_status_set(system(), &updating, from, to).await.unwrap();
    let busy = w.volume_attach(&made.id, &updating, "one").await;
    refused!(busy, StoreError::Refused(Refusal::VolumeState { .. }));
    w.volume_attach(&made.id, &data, "one").await.unwrap();
    let mut next = Vec::new();
    for n in 1..=Limit::DATA_VOLUMES_MAX.max {
        next.push(w.volume_put(&w.a, w.new_data_volume(&w.a, &format!("data-{n}"))).await);
    }
    let last = next.pop().unwrap();
    let same_name = w.volume_attach(&made.id, &last, "one").await;
    refused!(same_name, StoreError::Refused(Refusal::NameTaken { .. }));
    for (n, volume) in next.iter().enumerate() {
        w.volume_attach(&made.id, volume, &format!("more-{n}")).await.unwrap();
    }
    let events = w.events(&w.a).await;
    let over = w.volume_attach(&made.id, &last, "over").await;
    refused!(over, StoreError::Refused(Refusal::OverLimit { limit: Limit::DATA_VOLUMES_MAX }));
    assert_eq!(w.events(&w.a).await, events);
    assert!(w.store.volume(&w.a.sees(), &last).await.unwrap().attachments.is_empty());
}

/// A volume at rest grows at once; one under a guest is `updating` until its job settled it.
pub async fn a_served_volume_grows_by_a_job(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let made = w.vm().await;
    let grow = |gb: u64| {
        let patch =
            VolumePatch { capacity: Some(ByteCount::from_gb(gb)), ..VolumePatch::default() };
        let job = w.job(&w.a, "volume-grow", &made.volume);
        let (w, id) = (&w, &made.volume);
        async move {
            let revision = w.store.volume(&w.a.sees(), id).await.unwrap().volume.head.revision;
            let job_id = job.id.clone();
            let permit = w.a.may(Action::VolumeUpdate, id);
            let none = Change::default();
            let grown = w.store.volume_update(&permit, id, revision, patch, job, none).await;
            grown.map(|()| job_id)
        }
    };
    let now = || async {
        let volume = w.store.volume(&w.a.sees(), &made.volume).await.unwrap().volume;
        (volume.status, volume.capacity.gb_ceil())
    };
    let job = grow(110).await.unwrap();
    not_found!(w.store.job(system(), &job).await);
    assert_eq!(now().await, (VolumeStatus::Available, 110));
    refused!(grow(109).await, StoreError::Refused(Refusal::VolumeCapacity { .. }));
    refused!(grow(251).await, StoreError::Refused(Refusal::VolumeCapacity { .. }));
    w.instance_becomes(&made.id, InstanceStatus::Running).await;
    not_found!(w.store.job(system(), &grow(110).await.unwrap()).await);
    let job = grow(120).await.unwrap();
    assert_eq!(now().await, (VolumeStatus::Updating, 120));
    assert!(w.store.job(system(), &job).await.is_ok());
    refused!(grow(130).await, StoreError::Refused(Refusal::VolumeState { .. }));
    let (from, to) = (VolumeStatus::Updating, VolumeStatus::Available);
    w.store.volume_status_set(system(), &made.volume, from, to).await.unwrap();
    assert_eq!(now().await, (VolumeStatus::Available, 120));
}

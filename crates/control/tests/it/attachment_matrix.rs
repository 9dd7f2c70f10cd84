//! The jobs that tell running guests of their volumes, under every failure.

use std::sync::OnceLock;

use async_trait::async_trait;
use base::{AttachmentId, ByteCount, VolumeId};
use ectype_control::{DataVolume, Error, VolumeCreate};
use jobs::JobStatus;
use model::{AttachmentStatus, AttachmentView, Outcome, VolumePatch, VolumeStatus};

use crate::{
    driven::{Story, hold},
    ensure,
    world::{Vm, World, not_found, zone},
};

/// A running instance and a data volume that is tied to nothing.
struct Pair {
    world: World,
    vm: Vm,
    volume: VolumeId,
    attachment: OnceLock<AttachmentId>,
}

impl Pair {
    async fn new() -> Self {
        let (world, vm, _) = World::with_stopped().await;
        world.start(&vm).await;
        let want = VolumeCreate {
            name: None,
            group: None,
            zone: zone(),
            profile: "general-purpose".to_owned(),
            capacity: ByteCount::from_gb(10),
            iops: None,
            bandwidth: None,
            encryption_key: None,
            user_tags: Vec::new(),
        };
        let made = world.region().volume_create(world.ctx(), want).await.unwrap();
        let volume = made.volume.head.id;
        Self { world, vm, volume, attachment: OnceLock::new() }
    }

    async fn attach(&self) -> Result<AttachmentView, Error> {
        let want = DataVolume {
            attachment_name: None,
            delete_with_instance: None,
            volume: Ok(self.volume.clone()),
        };
        let region = self.world.region();
        let made = region.attachment_create(self.world.ctx(), &self.vm.id, want).await?;
        // A story that begins again means the newest.
        self.attachment.get_or_init(|| made.attachment.id.clone());
        Ok(made)
    }

    fn id(&self) -> &AttachmentId {
        self.attachment.get().unwrap()
    }

    async fn seen(&self) -> Result<AttachmentView, Error> {
        self.world.region().attachment(self.world.ctx(), &self.vm.id, self.id()).await
    }

    async fn has_it(&self) -> Result<(), String> {
        let seen = self.seen().await.map_err(|e| format!("the attachment: {e}"))?;
        let status = seen.attachment.status;
        ensure!(status == AttachmentStatus::Attached, "it is {status}");
        let disks = self.world.fake().disks(&self.vm.id);
        ensure!(disks.contains(&self.id().to_string()), "the guest has {disks:?}");
        Ok(())
    }

    async fn has_it_not(&self) -> Result<(), String> {
        ensure!(not_found(&self.seen().await), "the attachment is there");
        let disks = self.world.fake().disks(&self.vm.id);
        ensure!(disks.len() == 1, "the guest has {disks:?}");
        let volume = self.world.volume(&self.volume).await;
        ensure!(volume.attachments.is_empty(), "the volume is attached");
        ensure!(
            volume.volume.status == VolumeStatus::Available,
            "the volume is {}",
            volume.volume.status
        );
        Ok(())
    }
}

struct Attach(Pair);

#[async_trait]
impl Story for Attach {
    const KIND: &'static str = "volume_attach";

    async fn fresh() -> Self {
        Self(Pair::new().await)
    }

    fn world(&self) -> &World {
        &self.0.world
    }

    async fn begin(&self) -> String {
        self.0.attach().await.unwrap().attachment.id.to_string()
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        if ended == JobStatus::Succeeded {
            return self.0.has_it().await;
        }
        self.0.has_it_not().await?;
        let events = self.0.world.events("is.instance.volume-attachment.create").await;
        let failures = events.iter().filter(|e| e.outcome == Outcome::Failure).count();
        ensure!(failures == 1, "{failures} events tell of the failure");
        let again = self.0.attach().await.map_err(|e| format!("attaching again: {e}"))?;
        self.0.world.settle().await;
        let disks = self.0.world.fake().disks(&self.0.vm.id);
        ensure!(disks.contains(&again.attachment.id.to_string()), "again: {disks:?}");
        Ok(())
    }
}

struct Detach(Pair);

#[async_trait]
impl Story for Detach {
    const KIND: &'static str = "volume_detach";

    async fn fresh() -> Self {
        let pair = Pair::new().await;
        pair.attach().await.unwrap();
        pair.world.settle().await;
        pair.has_it().await.unwrap();
        Self(pair)
    }

    fn world(&self) -> &World {
        &self.0.world
    }

    async fn begin(&self) -> String {
        let (region, ctx) = (self.0.world.region(), self.0.world.ctx());
        region.attachment_delete(ctx, &self.0.vm.id, self.0.id()).await.unwrap();
        self.0.id().to_string()
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        if ended == JobStatus::Succeeded {
            return self.0.has_it_not().await;
        }
        self.0.has_it().await?;
        self.begin().await;
        self.0.world.settle().await;
        self.0.has_it_not().await.map_err(|wrong| format!("detaching again: {wrong}"))
    }
}

/// Growth of a boot volume under its guest. It has no way back: a guest that cannot be told sees
/// it later.
struct Grow {
    world: World,
    vm: Vm,
}

#[async_trait]
impl Story for Grow {
    const KIND: &'static str = "volume_grow";

    async fn fresh() -> Self {
        let (world, vm, _) = World::with_stopped().await;
        world.start(&vm).await;
        Self { world, vm }
    }

    fn world(&self) -> &World {
        &self.world
    }

    async fn begin(&self) -> String {
        let gb = self.world.volume(&self.vm.volume).await.volume.capacity.gb_ceil() + 20;
        let patch =
            VolumePatch { capacity: Some(ByteCount::from_gb(gb)), ..VolumePatch::default() };
        let region = self.world.region();
        let grown = region.volume_update(self.world.ctx(), &self.vm.volume, None, patch).await;
        assert_eq!(grown.unwrap().volume.status, VolumeStatus::Updating);
        self.vm.volume.to_string()
    }

    async fn check(&self, _: JobStatus) -> Result<(), String> {
        let volume = self.world.volume(&self.vm.volume).await.volume;
        ensure!(volume.status == VolumeStatus::Available, "it is {}", volume.status);
        let usage = self.world.usage(&self.vm.volume).await;
        let open: Vec<_> = usage.iter().filter(|record| record.until.is_none()).collect();
        ensure!(open.len() == 1, "{} usage records are open", open.len());
        ensure!(
            open[0].quantity == volume.capacity.gb_ceil(),
            "{} GB are billed",
            open[0].quantity
        );
        // Whatever the guest was told: the write layer opens at the new size.
        self.world.stop(&self.vm).await;
        let size = self.world.volume_disk_size(&self.vm.volume).await;
        ensure!(size == volume.capacity.0, "the layer has {size} bytes");
        Ok(())
    }
}

#[tokio::test]
async fn every_step_of_an_attachment_can_fail_repeat_be_cancelled_and_crash() {
    hold::<Attach>().await;
}

#[tokio::test]
async fn every_step_of_a_detachment_can_fail_repeat_be_cancelled_and_crash() {
    hold::<Detach>().await;
}

#[tokio::test]
async fn every_step_of_a_growth_can_fail_repeat_be_cancelled_and_crash() {
    hold::<Grow>().await;
}

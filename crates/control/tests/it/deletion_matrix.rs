//! The jobs that remove volumes and images, under every failure.

use async_trait::async_trait;
use base::ImageId;
use jobs::JobStatus;
use model::{ImageStatus, VolumeStatus};

use crate::{
    disk::Disk,
    driven::{Story, hold},
    ensure,
    world::{Vm, World, not_found},
};

/// A boot volume whose instance is gone.
struct DeleteVolume {
    world: World,
    vm: Vm,
}

impl DeleteVolume {
    async fn gone(&self) -> Result<(), String> {
        let volume = &self.vm.volume;
        let found = self.world.region().volume(self.world.ctx(), volume).await;
        ensure!(not_found(&found), "the volume is there");
        ensure!(!self.world.layers(volume).exists(), "its write layer is there");
        let usage = self.world.usage(volume).await;
        ensure!(usage.iter().all(|record| record.until.is_some()), "it is still billed");
        Ok(())
    }
}

#[async_trait]
impl Story for DeleteVolume {
    const KIND: &'static str = "volume_delete";

    async fn fresh() -> Self {
        let (world, vm, _) = World::with_stopped().await;
        world.keep_volume_and_delete(&vm).await;
        Self { world, vm }
    }

    fn world(&self) -> &World {
        &self.world
    }

    async fn begin(&self) -> String {
        self.world.region().volume_delete(self.world.ctx(), &self.vm.volume).await.unwrap();
        self.vm.volume.to_string()
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        if ended == JobStatus::Succeeded {
            let events = self.world.events("is.volume.volume.delete").await.len();
            ensure!(events == 1, "{events} events");
            return self.gone().await;
        }
        let status = self.world.volume(&self.vm.volume).await.volume.status;
        ensure!(status == VolumeStatus::Failed, "it is {status}");
        self.begin().await;
        self.world.settle().await;
        self.gone().await.map_err(|wrong| format!("deleting again: {wrong}"))
    }
}

/// An available image whose volume goes on over it.
struct DeleteImage {
    world: World,
    vm: Vm,
    disk: Disk,
    image: ImageId,
}

#[async_trait]
impl Story for DeleteImage {
    const KIND: &'static str = "image_delete";

    async fn fresh() -> Self {
        let (world, vm, disk, image) = World::with_image().await;
        Self { world, vm, disk, image }
    }

    fn world(&self) -> &World {
        &self.world
    }

    async fn begin(&self) -> String {
        self.world.region().image_delete(self.world.ctx(), &self.image).await.unwrap();
        self.image.to_string()
    }

    /// Invariant 10: whatever becomes of the image, the volume that is based on it reads on.
    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        self.disk.same_as(&self.world.volume_disk(&self.vm.volume).await, "the volume")?;
        let found = self.world.region().image(self.world.ctx(), &self.image).await;
        if ended != JobStatus::Succeeded {
            // Its first step only looks: the image is as it was, and can be deleted again.
            let status = found.unwrap().image.status;
            ensure!(status == ImageStatus::Available, "it is {status}");
            let usage = self.world.usage(&self.image).await;
            let open = usage.iter().filter(|record| record.until.is_none()).count();
            ensure!(open == 1, "it is billed {open} times");
            self.begin().await;
            self.world.settle().await;
            return self.gone().await.map_err(|wrong| format!("deleting again: {wrong}"));
        }
        let events = self.world.events("is.image.image.delete").await.len();
        ensure!(events == 1, "{events} events");
        self.gone().await
    }
}

impl DeleteImage {
    async fn gone(&self) -> Result<(), String> {
        let found = self.world.region().image(self.world.ctx(), &self.image).await;
        ensure!(not_found(&found), "the image is there");
        let manifests = self.world.chunks().manifests().unwrap();
        ensure!(!manifests.contains(&self.image.to_string()), "its manifest is there");
        let usage = self.world.usage(&self.image).await;
        ensure!(usage.iter().all(|record| record.until.is_some()), "it is still billed");
        Ok(())
    }
}

#[tokio::test]
async fn every_step_of_a_volumes_deletion_can_fail_repeat_be_cancelled_and_crash() {
    hold::<DeleteVolume>().await;
}

#[tokio::test]
async fn every_step_of_an_images_deletion_can_fail_repeat_be_cancelled_and_crash() {
    hold::<DeleteImage>().await;
}

//! What must hold when a capture is over, however it went.

use std::collections::HashSet;

use base::{ByteCount, ImageId};
use blocks::{layer, sealed::RootId};
use meta::ImageStore;
use model::{Image, ImageStatus, Outcome};

use crate::{
    disk::Disk,
    ensure,
    world::{OPERATOR, Vm, World},
};

/// A capture that was asked for.
pub struct Asked {
    pub image: ImageId,
    pub vm: Vm,
    /// What the volume held when it was frozen.
    pub disk: Disk,
    /// The volume's generation then.
    pub generation: u64,
    /// In the names of its packs.
    pub op_sequence: u64,
}

impl Asked {
    /// Begins an image of a stopped instance's boot volume.
    pub async fn begin(world: &World, vm: &Vm, disk: &Disk) -> Self {
        let generation = world.volume(&vm.volume).await.volume.storage.generation;
        let image = world.begin_image(&vm.volume).await.unwrap().image.head.id;
        Self::of(world, vm, disk, image, generation).await
    }

    async fn of(world: &World, vm: &Vm, disk: &Disk, image: ImageId, generation: u64) -> Self {
        let job = world.job(&image, "image_capture").await;
        let state: serde_json::Value = serde_json::from_str(&job.progress.state_json).unwrap();
        let op_sequence = state["op_sequence"].as_u64().unwrap();
        Self { image, vm: vm.clone(), disk: disk.clone(), generation, op_sequence }
    }

    /// Invariants 7, 9, 11 and 12: exactly one image with the volume's bytes, one event and one
    /// usage record; the volume holds the same over its new base, and nothing is left over.
    pub async fn available(&self, world: &World) -> Result<(), String> {
        let image = world.image(&self.image).await.image;
        ensure!(image.status == ImageStatus::Available, "the image is {}", image.status);
        ensure!(image.status_reasons.is_empty(), "reasons {:?}", image.status_reasons);
        self.recorded(world, &image).await?;
        self.disk.same_as(&world.image_disk(&self.image).await, "the image")?;
        self.packs_are_needed(world, &image)?;
        let manifests = world.chunks().manifests().unwrap();
        ensure!(manifests.contains(&self.image.to_string()), "manifests {manifests:?}");
        self.volume_is_free(world, self.generation + 1).await?;
        let base = world.volume(&self.vm.volume).await.volume.storage.base.unwrap().root_id;
        ensure!(base == image.sealed.unwrap().root_id, "the volume has another base");
        let roots = world.store().roots(OPERATOR).await.unwrap();
        ensure!(roots.contains(&base), "the root is not pinned");
        Ok(())
    }

    async fn recorded(&self, world: &World, image: &Image) -> Result<(), String> {
        let logical = image.logical.unwrap_or_default();
        ensure!(logical >= ByteCount(self.disk.bytes()), "{logical:?} logical");
        let usage = world.usage(&self.image).await;
        ensure!(usage.len() == 1, "{} usage records", usage.len());
        ensure!(usage[0].until.is_none(), "usage has ended");
        ensure!(usage[0].quantity == logical.gb_ceil(), "{} GB are billed", usage[0].quantity);
        let outcomes = self.region_events(world).await;
        ensure!(outcomes == [Outcome::Success], "events {outcomes:?}");
        Ok(())
    }

    /// Events of the capture's end; the one of the request is its caller's.
    async fn region_events(&self, world: &World) -> Vec<Outcome> {
        let events = world.events("is.image.image.create").await;
        let of_this = events.iter().filter(|e| e.target.crn.ends_with(self.image.as_str()));
        of_this.filter(|e| e.initiator.id == "ectype-region").map(|e| e.outcome).collect()
    }

    /// Every pack of the capture holds something that the image reads.
    fn packs_are_needed(&self, world: &World, image: &Image) -> Result<(), String> {
        let chunks = world.chunks();
        let root = RootId::parse(&image.sealed.as_ref().unwrap().root_id).unwrap();
        let mut reached = HashSet::new();
        chunks.walk(root, &mut |id, _| reached.insert(id)).unwrap();
        let index = chunks.index().unwrap();
        for pack in chunks.operation_packs(self.op_sequence).unwrap() {
            let needed = index.iter().any(|e| e.pack == pack && reached.contains(&e.id));
            ensure!(needed, "pack {pack:?} is a leftover");
        }
        Ok(())
    }

    /// The volume is idle, of that generation alone, and holds what it held.
    async fn volume_is_free(&self, world: &World, generation: u64) -> Result<(), String> {
        let volume = world.volume(&self.vm.volume).await.volume;
        ensure!(!volume.busy, "the volume is busy");
        let found = volume.storage.generation;
        ensure!(found == generation, "generation {found}");
        let kept = layer::generations(&world.layers(&self.vm.volume)).unwrap();
        ensure!(kept == [generation], "generations {kept:?} are there");
        let info = layer::inspect(&world.layers(&self.vm.volume), generation).unwrap();
        ensure!(!info.frozen, "the layer is frozen");
        self.disk.same_as(&world.volume_disk(&self.vm.volume).await, "the volume")
    }

    /// Nothing of the capture is stored, and the volume is as it was.
    pub async fn nothing_stored(&self, world: &World) -> Result<(), String> {
        let packs = world.chunks().operation_packs(self.op_sequence).unwrap();
        ensure!(packs.is_empty(), "packs are left: {packs:?}");
        let manifests = world.chunks().manifests().unwrap();
        ensure!(!manifests.contains(&self.image.to_string()), "the manifest is left");
        let usage = world.usage(&self.image).await;
        ensure!(usage.is_empty(), "{} usage records", usage.len());
        self.volume_is_free(world, self.generation).await
    }

    /// Invariants 11 and 12: the image failed, with one event, nothing of it is stored, and the
    /// volume is as it was.
    pub async fn failed(&self, world: &World) -> Result<(), String> {
        let image = world.image(&self.image).await.image;
        ensure!(image.status == ImageStatus::Failed, "the image is {}", image.status);
        ensure!(image.sealed.is_none(), "it has bytes");
        let outcomes = self.region_events(world).await;
        ensure!(outcomes == [Outcome::Failure], "events {outcomes:?}");
        self.nothing_stored(world).await
    }

    /// The volume can be captured again.
    pub async fn again(&self, world: &World) -> Result<(), String> {
        let next = Self::begin(world, &self.vm, &self.disk).await;
        world.settle().await;
        next.available(world).await.map_err(|wrong| format!("the next capture: {wrong}"))
    }
}

//! Damage in a region's store, repaired from a backup and from an exported disk file.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use base::ImageId;
use blocks::sealed::PackKind;
use ectype_control::{
    Errand, FileWatch, GcOptions, ImageExport, RepairDisk, RepairOptions, RepairReport,
};
use formats::OutputFormat;
use jobs::JobStatus;
use meta::StoreGcStore;

use crate::{
    disk::Disk,
    driven::{Story, every_failure, every_late_worker},
    ensure,
    world::{OPERATOR, Vm, World},
};

fn backup(world: &World) -> PathBuf {
    let to = world.path("backup");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([world.path("store"), to.clone()])
        .status()
        .unwrap();
    assert!(copied.success());
    to
}

/// Flips one byte in every record of the packs of a kind that the image wrote itself.
fn damage(world: &World, kind: PackKind) {
    let newest = world.chunks().packs().unwrap().iter().map(|(p, _)| p.op_sequence).max().unwrap();
    for entry in world.chunks().index().unwrap() {
        if entry.pack.kind == kind && entry.pack.op_sequence == newest {
            flip(&world.path("store").join(entry.pack.object_key()), entry.offset as usize + 70);
        }
    }
}

fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

async fn repaired(world: &World, options: &RepairOptions) -> RepairReport {
    let job = world.region().store_repair(options).await.unwrap();
    world.settle().await;
    let job = world.region().store_job(&job).await.unwrap();
    assert_eq!(job.succeeded, Some(true), "{:?}", job.error);
    serde_json::from_value(job.report).unwrap()
}

async fn verify(world: &World) -> ectype_control::VerifyReport {
    world.region().upkeep().verify(&Errand::quiet(None)).await.unwrap()
}

fn from(dir: PathBuf) -> RepairOptions {
    RepairOptions { from: vec![dir], ..RepairOptions::default() }
}

/// Invariant 18 and the repair of engine.md section 8: what a verification finds is quarantined,
/// repaired from a backup, forgotten, and its bytes go with the collections.
#[tokio::test]
async fn damage_is_found_repaired_from_a_backup_and_collected() {
    for kind in [PackKind::Data, PackKind::Node] {
        let (world, _, disk, image) = World::with_image().await;
        let backup = backup(&world);
        damage(&world, kind);
        world.restart().await;
        let found = verify(&world).await;
        assert!(found.damage_total > 0 && !found.hurt.is_empty(), "{found:?}");
        assert!(!world.store().quarantined(OPERATOR).await.unwrap().is_empty());

        let nothing = repaired(&world, &RepairOptions::default()).await;
        assert!(nothing.lost_total > 0 && nothing.repaired_records == 0, "{nothing:?}");
        let names: Vec<_> = nothing.hurt.iter().flat_map(|hurt| &hurt.holders).collect();
        assert!(names.iter().any(|holder| holder.id == image.as_str()), "{nothing:?}");
        assert!(!world.store().quarantined(OPERATOR).await.unwrap().is_empty());

        let done = repaired(&world, &from(backup)).await;
        assert!(done.repaired_records > 0 && done.lost_total == 0, "{done:?}");
        assert!(world.store().quarantined(OPERATOR).await.unwrap().is_empty());
        disk.same_as(&world.image_disk(&image).await, "repaired").unwrap();
        for _ in 0..2 {
            let all = GcOptions { grace_seconds: 0, ..GcOptions::default() };
            world.region().store_gc(&all).await.unwrap();
            world.settle().await;
        }
        assert!(verify(&world).await.is_clean());
        disk.same_as(&world.image_disk(&image).await, "collected").unwrap();
    }
}

/// A chunk that no copy has is made again of the disk file that the image was exported to; a file
/// with other bytes gives nothing.
#[tokio::test]
async fn a_lost_chunk_is_repaired_from_an_exported_disk_file() {
    let (world, vm, disk, image) = World::with_image().await;
    let region = world.region();
    let export = |image: &ImageId, name: &str| ImageExport {
        image: image.clone(),
        file: world.path(name),
        format: OutputFormat::parse("raw").unwrap(),
    };
    region.image_export(export(&image, "good.raw"), FileWatch::default()).await.unwrap();
    let other = world.guest_writes(&vm, disk.clone(), 77, 60).await;
    region
        .image_export(export(&world.facts.stock, "other.raw"), FileWatch::default())
        .await
        .unwrap();
    drop(other);
    damage(&world, PackKind::Data);
    world.restart().await;
    assert!(!verify(&world).await.is_clean());
    let with = |name: &str| RepairOptions {
        disk: Some(RepairDisk {
            image: image.to_string(),
            file: world.path(name),
            format: "raw".to_owned(),
        }),
        ..RepairOptions::default()
    };
    let nothing = repaired(&world, &with("other.raw")).await;
    assert!(nothing.lost_total > 0, "{nothing:?}");
    let done = repaired(&world, &with("good.raw")).await;
    assert!(done.resealed_records > 0 && done.lost_total == 0, "{done:?}");
    disk.same_as(&world.image_disk(&image).await, "made again").unwrap();
    assert!(world.store().quarantined(OPERATOR).await.unwrap().is_empty());
    let missing = world.region().store_repair(&from(world.path("nowhere"))).await.unwrap();
    world.settle().await;
    let missing = world.region().store_job(&missing).await.unwrap();
    assert_eq!(missing.succeeded, Some(false));
}

struct Repair {
    world: World,
    vm: Vm,
    disk: Disk,
    image: ImageId,
}

#[async_trait]
impl Story for Repair {
    const KIND: &'static str = "store_repair";

    async fn fresh() -> Self {
        let (world, vm, disk, image) = World::with_image().await;
        backup(&world);
        damage(&world, PackKind::Node);
        damage(&world, PackKind::Data);
        world.restart().await;
        verify(&world).await;
        Self { world, vm, disk, image }
    }

    fn world(&self) -> &World {
        &self.world
    }

    async fn begin(&self) -> String {
        let options = from(self.world.path("backup"));
        self.world.region().store_repair(&options).await.unwrap();
        "store".to_owned()
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        let world = &self.world;
        if ended != JobStatus::Succeeded {
            if world.store().quarantined(OPERATOR).await.unwrap().is_empty() {
                // It failed after its work was done: what is forgotten is whole.
                self.disk.same_as(&world.image_disk(&self.image).await, "forgotten")?;
            }
            let done = repaired(world, &from(world.path("backup"))).await;
            ensure!(done.lost_total == 0, "{done:?}");
        }
        ensure!(world.store().quarantined(OPERATOR).await.unwrap().is_empty(), "damage is known");
        self.disk.same_as(&world.image_disk(&self.image).await, "the image")?;
        self.disk.same_as(&world.volume_disk(&self.vm.volume).await, "the volume")?;
        let snapshot = world.store().gc_snapshot(OPERATOR).await.unwrap();
        ensure!(snapshot.oldest_open.is_none(), "an operation is open");
        Ok(())
    }
}

#[tokio::test]
async fn every_step_of_a_repair_can_fail_repeat_be_cancelled_and_crash() {
    let cases = every_failure::<Repair>().await.expect_clean();
    let late = every_late_worker::<Repair>().await.expect_clean();
    println!("crash matrix of a repair: {cases} cases, {late} with a late worker");
    assert!(cases > 10, "{cases}");
}

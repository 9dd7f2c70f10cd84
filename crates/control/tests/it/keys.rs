//! Root keys of accounts: rotation, retirement, and what is left after one is destroyed.

use std::{collections::BTreeMap, io::Read, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use base::{AccountId, ImageId, SeededEntropy};
use blocks::BlockDevice;
use ectype_control::{KeyError, KeyJob};
use jobs::JobStatus;
use kms::{FileKeyStore, KeyRef, KeyStore, WrappedKey};
use meta::WrapStore;

use crate::{
    disk::Disk,
    driven::{Story, every_failure, every_late_worker},
    ensure,
    world::{OPERATOR, Vm, World},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn account(world: &World) -> AccountId {
    world.ctx().caller.account.clone()
}

/// Version and length of every wrapped data key of the first account, by holder.
async fn wraps(world: &World) -> BTreeMap<String, (u32, usize)> {
    let rows = world.store().wraps(OPERATOR, &account(world), None, 100).await.unwrap();
    rows.into_iter()
        .map(|row| {
            let version = WrappedKey::from_bytes(&row.wrapped).unwrap().key_version();
            (row.holder.id().to_owned(), (version, row.wrapped.len()))
        })
        .collect()
}

/// What is read of one file: write layers are as long as their disks, and nearly all holes.
const READ_MAX: u64 = 8 << 20;

/// Every file under `dir`: name, length, time of its last change, and how it begins.
fn files(dir: &Path) -> BTreeMap<String, (u64, std::time::SystemTime, Vec<u8>)> {
    let mut out = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                open.push(entry.path());
            } else if meta.is_file() {
                let mut bytes = Vec::new();
                let file = std::fs::File::open(entry.path()).unwrap();
                file.take(READ_MAX).read_to_end(&mut bytes).unwrap();
                let name = entry.path().display().to_string();
                out.insert(name, (meta.len(), meta.modified().unwrap(), bytes));
            }
        }
    }
    out
}

async fn rotated(world: &World) -> KeyJob {
    let region = world.region();
    let job = region.key_rotate(&account(world)).await.unwrap();
    world.settle().await;
    let job = region.key_job(&job).await.unwrap();
    assert_eq!(job.succeeded, Some(true), "{:?}", job.error);
    job
}

/// Invariants 21 and 29: a rotation reads and writes no pack and no write layer; each data key
/// gets a wrap of less than 200 bytes; everything reads on, with the old version until it is
/// retired, without it after; and images are recovered by manifests that follow.
#[tokio::test]
async fn a_rotation_touches_no_pack_and_everything_reads_on() {
    let (world, vm, disk, image) = World::with_image().await;
    let (packs, layers) = (files(&world.path("store/packs")), files(&world.path("volumes")));
    let before = wraps(&world).await;
    assert!(before.len() >= 2 && before.values().all(|(version, _)| *version == 1));
    let job = rotated(&world).await;
    assert_eq!((job.report.version, job.report.looked_at), (2, before.len() as u64));
    assert_eq!(job.report.rewrapped, before.len() as u64);
    let after = wraps(&world).await;
    assert!(after.values().all(|(version, length)| *version == 2 && *length < 200), "{after:?}");
    assert_eq!(files(&world.path("store/packs")), packs, "a pack was touched");
    assert_eq!(files(&world.path("volumes")), layers, "a write layer was touched");
    disk.same_as(&world.image_disk(&image).await, "the image").unwrap();
    disk.same_as(&world.volume_disk(&vm.volume).await, "the volume").unwrap();

    let region = world.region();
    let told = region.key_versions(&account(&world)).await.unwrap().versions;
    let told: Vec<_> = told.iter().map(|one| (one.version, one.current, one.wraps)).collect();
    assert_eq!(told, [(1, false, 0), (2, true, before.len() as u64)]);
    let young = region.key_retire(&account(&world), DAY).await.unwrap_err();
    assert!(matches!(young, KeyError::Young { .. }), "{young}");
    world.clock.advance(DAY);
    let left = region.key_retire(&account(&world), DAY).await.unwrap().versions;
    assert_eq!(left.len(), 1);
    region.key_retire(&account(&world), DAY).await.unwrap();
    world.restart().await;
    disk.same_as(&world.image_disk(&image).await, "after retirement").unwrap();
    disk.same_as(&world.volume_disk(&vm.volume).await, "after retirement").unwrap();
    let written = world.guest_writes(&vm, disk, 7, 10).await;
    let next = world.capture(&vm.volume).await.image.head.id;
    written.same_as(&world.image_disk(&next).await, "a capture after it").unwrap();

    // The database is lost: the manifests open with the versions that are left.
    world.store().close().await;
    for file in ["database", "database-wal", "database-shm"] {
        let _ = std::fs::remove_file(world.path(file));
    }
    world.reopen().await;
    let region = world.region();
    region.recovery_begin().await.unwrap();
    let finder = region.account_create("finder").await.unwrap().account;
    for found in region.images_found().await.unwrap() {
        region.image_adopt(&found, Some(&finder)).await.unwrap();
    }
    written.same_as(&world.image_disk(&next).await, "recovered").unwrap();
}

/// What is still wrapped by an old version keeps it from being retired.
#[tokio::test]
async fn a_version_that_something_needs_is_not_retired() {
    let (world, _, disk, image) = World::with_image().await;
    let region = world.region();
    let key = KeyRef::Provider(account(&world));
    let keys = world.opened().keys.clone();
    keys.rotate(&key, 1, base::Clock::wall(&*world.clock)).await.unwrap();
    let needed = region.key_retire(&account(&world), Duration::ZERO).await.unwrap_err();
    assert!(matches!(needed, KeyError::Needed { count: 2.., .. }), "{needed}");
    disk.same_as(&world.image_disk(&image).await, "the image").unwrap();
    let nobody = AccountId::parse(&"f".repeat(32)).unwrap();
    assert!(matches!(region.key_rotate(&nobody).await, Err(KeyError::Store(_))));
    let second = world.facts.b.ctx.caller.account.clone();
    let unused = region.key_rotate(&second).await.unwrap_err();
    assert!(matches!(unused, KeyError::Unused { .. }), "{unused}");
}

struct Rotation {
    world: World,
    vm: Vm,
    disk: Disk,
    image: ImageId,
}

#[async_trait]
impl Story for Rotation {
    const KIND: &'static str = "key_rotate";

    async fn fresh() -> Self {
        let (world, vm, disk, image) = World::with_image().await;
        Self { world, vm, disk, image }
    }

    fn world(&self) -> &World {
        &self.world
    }

    async fn begin(&self) -> String {
        self.world.region().key_rotate(&account(&self.world)).await.unwrap();
        account(&self.world).to_string()
    }

    /// Invariant 21, for a rotation that dies anywhere: everything opens; a rotation that ended
    /// well made one version, and it wraps all; one more rotation heals any other.
    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        let world = &self.world;
        self.disk.same_as(&world.image_disk(&self.image).await, "the image")?;
        self.disk.same_as(&world.volume_disk(&self.vm.volume).await, "the volume")?;
        if ended == JobStatus::Succeeded {
            let wraps = wraps(world).await;
            ensure!(wraps.values().all(|(version, _)| *version == 2), "{wraps:?}");
        } else {
            rotated(world).await;
        }
        world.clock.advance(DAY);
        let left = world.region().key_retire(&account(world), DAY).await;
        ensure!(left.as_ref().is_ok_and(|left| left.versions.len() == 1), "{left:?}");
        world.restart().await;
        self.disk.same_as(&world.image_disk(&self.image).await, "retired: the image")?;
        self.disk.same_as(&world.volume_disk(&self.vm.volume).await, "retired: the volume")
    }
}

#[tokio::test]
async fn every_step_of_a_rotation_can_fail_repeat_be_cancelled_and_crash() {
    let cases = every_failure::<Rotation>().await.expect_clean();
    let late = every_late_worker::<Rotation>().await.expect_clean();
    println!("crash matrix of a rotation: {cases} cases, {late} with a late worker");
    assert!(cases > 10, "{cases}");
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// Invariant 22, as far as an account's own root key goes: it is destroyed, and who has all that
/// is left (store, database, write layers, the master key and other accounts' keys) opens no data
/// key of the account, so no root and no layer; what another account's image holds reads on.
#[tokio::test]
async fn a_full_copy_opens_nothing_of_an_account_whose_root_key_is_destroyed() {
    let (world, vm, _, image) = World::with_image().await;
    let canary = b"canary-of-the-first-account ".repeat(200);
    let device = world.region().volume_open(&vm.volume).await.unwrap();
    let written = canary.clone();
    tokio::task::spawn_blocking(move || {
        device.write_at(1 << 20, &written[..4096], true).unwrap();
        device.close().unwrap();
    })
    .await
    .unwrap();
    let second = world.capture(&vm.volume).await.image.head.id;
    let rows = world.store().wraps(OPERATOR, &account(&world), None, 100).await.unwrap();
    let stock_disk = world.facts.stock_disk.clone();
    stock_disk.same_as(&world.image_disk(&world.facts.stock).await, "stock").unwrap();
    world.store().close().await;
    // A copy of everything, taken before: keys of others and the master are in it.
    let key = KeyRef::Provider(account(&world));
    world.opened().keys.destroy(&key).await.unwrap();
    let loot = files(world.folder.path());
    for (name, (_, _, bytes)) in &loot {
        assert!(!holds(bytes, b"canary-of-the-first"), "plaintext in {name}");
    }
    let thief = FileKeyStore::open(&world.path("keys"), Arc::new(SeededEntropy::new(3))).unwrap();
    assert!(rows.len() >= 3);
    for row in &rows {
        let wrapped = WrappedKey::from_bytes(&row.wrapped).unwrap();
        let crn = match &row.holder {
            meta::WrapHolder::Image(id) => {
                base::Crn::vpc("us-south", &account(&world), "image", id.as_str())
            }
            meta::WrapHolder::Volume(id, zone) => {
                base::Crn::vpc(zone.as_str(), &account(&world), "volume", id.as_str())
            }
        };
        assert!(thief.unwrap(&crn, &wrapped).await.is_err(), "{}", row.holder.id());
    }
    world.reopen().await;
    let region = world.region();
    for image in [&image, &second] {
        assert!(region.image_open(image).await.is_err(), "{image}");
    }
    assert!(region.volume_open(&vm.volume).await.is_err());
    stock_disk.same_as(&world.image_disk(&world.facts.stock).await, "stock").unwrap();
}

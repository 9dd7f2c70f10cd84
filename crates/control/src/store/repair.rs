//! Damage repaired: from the store itself, from copies that the operator hands, from plaintext.
//!
//! Its invariant: what is known to be damaged stays known until readers need none of it.

use std::{
    collections::{BTreeSet, HashSet},
    path::PathBuf,
};

use base::ImageId;
use blocks::{
    CaptureSource, FileSource,
    sealed::{
        PackRef, RecordId, RootId, RootKey,
        maintain::{Copies, Finding, Repaired, Resealed},
    },
};
use formats::Format;
use jobs::Fence;
use meta::Quarantined;
use serde::{Deserialize, Serialize};

use super::{Errand, HurtRoot, Upkeep, UpkeepError, errand::UPKEEP, report::NAMED_MAX};
use crate::{Control, storage::Holder};

/// How to repair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairOptions {
    /// Folders with other copies of packs, tried in this order; absolute.
    pub from: Vec<PathBuf>,
    /// A disk file with the bytes of an image, for chunks that no copy has.
    pub disk: Option<RepairDisk>,
    /// At most so many bytes a second.
    pub bytes_per_second: Option<u64>,
}

/// A disk file that has an image's bytes: one that it was exported to, or made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairDisk {
    /// The image.
    pub image: String,
    /// The file; absolute.
    pub file: PathBuf,
    /// Format of the file.
    pub format: String,
}

/// What a repair did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RepairReport {
    /// Packs that were known to be damaged.
    pub damaged_packs: u64,
    /// Records that were damaged or missing and are whole again.
    pub repaired_records: u64,
    /// Of these, those that were made again of plaintext.
    pub resealed_records: u64,
    /// Whole records that were moved out of damaged packs.
    pub moved_records: u64,
    /// Bytes of records copied.
    pub copied_bytes: u64,
    /// New packs.
    pub written_packs: u64,
    /// Damaged packs that nothing needs any more; collections delete them.
    pub healed_packs: u64,
    /// Records that are needed and were found nowhere, at most 1000.
    pub lost: Vec<String>,
    /// How many there are.
    pub lost_total: u64,
    /// The images and volumes that they hurt.
    pub hurt: Vec<HurtRoot>,
}

/// The plaintext that an image may be made whole from, with its keys.
pub(super) struct Plain {
    root: (RootId, RootKey),
    source: Box<dyn CaptureSource>,
}

fn refuse(what: String) -> UpkeepError {
    UpkeepError::Blocks(blocks::Error::Invalid { what })
}

impl Control {
    /// Opens the disk file of a repair and the image that it is for.
    pub(super) async fn repair_plain(
        &self,
        disk: Option<&RepairDisk>,
    ) -> Result<Option<Plain>, UpkeepError> {
        let Some(disk) = disk else { return Ok(None) };
        let id = ImageId::parse(&disk.image).map_err(|e| refuse(e.to_string()))?;
        let format = Format::parse(&disk.format)
            .ok_or_else(|| refuse(format!("{} is no format of disk files", disk.format)))?;
        let (image, sealed) =
            self.image_bytes(&id).await.map_err(|e| refuse(base::error_chain(&e)))?;
        let crn = self.image_crn(&image);
        let holder = Holder { crn: &crn, wrapped: &image.wrapped_data_key };
        let opened = self.parts.storage.root_open(holder, &sealed).await;
        let root = opened.map_err(|e| refuse(e.chain()))?;
        let (file, capacity) = (disk.file.clone(), image.capacity.0);
        let open = move || FileSource::open(&file, format)?.grown(capacity);
        let source = tokio::task::spawn_blocking(open).await??;
        Ok(Some(Plain { root, source: Box::new(source) }))
    }
}

impl Upkeep {
    /// Repairs what is known to be damaged and what is missing, into packs of `operation`, which
    /// was begun before. Harmless to repeat: it goes on. Without `plain` no key is used.
    ///
    /// # Errors
    /// A folder without packs of this store; a stale fence; when store or database are away.
    pub(super) async fn repair(
        &self,
        fence: Option<&Fence>,
        operation: u64,
        options: &RepairOptions,
        plain: Option<Plain>,
        errand: &Errand,
    ) -> Result<RepairReport, UpkeepError> {
        if let Some(relative) = options.from.iter().find(|dir| !dir.is_absolute()) {
            return Err(refuse(format!("{} is not an absolute path", relative.display())));
        }
        let known = self.store.quarantined(UPKEEP).await?;
        let packs: BTreeSet<_> =
            known.iter().filter_map(|one| PackRef::of_object_key(&one.pack)).collect();
        let packs: Vec<_> = packs.into_iter().collect();
        let roots = self.roots().await?;
        let (from, damaged) = (options.from.clone(), packs.clone());
        let of = roots.clone();
        let done = self
            .work(errand, "repair", move |chunks, watch| {
                let open = |dir: &PathBuf| Copies::open(chunks, dir);
                let copies = from.iter().map(open).collect::<Result<Vec<_>, _>>()?;
                chunks.repair(&of, &damaged, &copies, operation, watch)
            })
            .await?;
        let resealed = match plain {
            Some(plain) if !done.lost.is_empty() => {
                self.reseal(plain, done.lost.clone(), operation, errand).await?
            }
            _ => Resealed::default(),
        };
        let done = if resealed.repaired.is_empty() {
            done
        } else {
            // What was made again lies elsewhere now: another look says what is left.
            let (of, damaged) = (roots.clone(), packs.clone());
            let again = self.work(errand, "repair", move |chunks, watch| {
                chunks.repair(&of, &damaged, &[], operation, watch)
            });
            joined(done, again.await?)
        };
        self.quarantine_rest(fence, &known, &done, &resealed).await?;
        self.repair_report(packs.len() as u64, done, &resealed, roots, errand).await
    }

    async fn reseal(
        &self,
        plain: Plain,
        lost: Vec<RecordId>,
        operation: u64,
        errand: &Errand,
    ) -> Result<Resealed, UpkeepError> {
        self.work(errand, "reseal", move |chunks, watch| {
            let Plain { root: (id, key), source } = plain;
            chunks.reseal((id, &key), &lost, &*source, operation, watch)
        })
        .await
    }

    /// Forgets the damage that hurts nobody any more.
    async fn quarantine_rest(
        &self,
        fence: Option<&Fence>,
        known: &[Quarantined],
        done: &Repaired,
        resealed: &Resealed,
    ) -> Result<(), UpkeepError> {
        let healed: HashSet<_> = done.healed.iter().map(PackRef::object_key).collect();
        let whole: HashSet<_> =
            done.repaired.iter().chain(&resealed.repaired).map(ToString::to_string).collect();
        let stays = |one: &&Quarantined| {
            !healed.contains(&one.pack)
                && one.record.as_ref().is_none_or(|record| !whole.contains(record))
        };
        let rest: Vec<_> = known.iter().filter(stays).cloned().collect();
        let seen: BTreeSet<_> = known.iter().map(|one| one.pack.clone()).collect();
        let seen: Vec<_> = seen.into_iter().collect();
        Ok(self.store.quarantine(UPKEEP, fence, &seen, &rest).await?)
    }

    async fn repair_report(
        &self,
        damaged_packs: u64,
        done: Repaired,
        resealed: &Resealed,
        roots: Vec<RootId>,
        errand: &Errand,
    ) -> Result<RepairReport, UpkeepError> {
        let at = |record: &RecordId| self.lost_finding(*record);
        let findings: Vec<Finding> = done.lost.iter().filter_map(at).collect();
        let hurt = if done.lost.is_empty() {
            Vec::new()
        } else {
            self.hurt(roots, findings, errand).await?
        };
        Ok(RepairReport {
            damaged_packs,
            repaired_records: (done.repaired.len() + resealed.repaired.len()) as u64,
            resealed_records: resealed.repaired.len() as u64,
            moved_records: done.moved_records,
            copied_bytes: done.copied_bytes,
            written_packs: done.written.len() as u64,
            healed_packs: done.healed.len() as u64,
            lost: done.lost.iter().take(NAMED_MAX).map(ToString::to_string).collect(),
            lost_total: done.lost.len() as u64,
            hurt,
        })
    }

    /// A record that could not be repaired, where readers look for it; none when no pack has it.
    fn lost_finding(&self, record: RecordId) -> Option<Finding> {
        let pack = self.chunks.pack_of(record)?;
        Some(Finding { pack, record: Some(record), why: "it could not be repaired" })
    }

    /// A repair for whoever holds the data directory alone; no key is used.
    ///
    /// # Errors
    /// A repair from a disk file, which needs a key; else when store or database are away.
    pub async fn repair_alone(
        &self,
        options: &RepairOptions,
        errand: &Errand,
    ) -> Result<RepairReport, UpkeepError> {
        if options.disk.is_some() {
            return Err(refuse("a repair from a disk file needs the running region".to_owned()));
        }
        self.sequence_check().await?;
        self.store.operations_forget(UPKEEP, super::OFFLINE, "-").await?;
        let operation = self.store.operation_begin(UPKEEP, super::OFFLINE, None).await?;
        let done = self.repair(None, operation, options, None, errand).await;
        self.store.operation_end(UPKEEP, operation).await?;
        done
    }
}

/// Both looks as one.
fn joined(first: Repaired, second: Repaired) -> Repaired {
    let mut repaired = first.repaired;
    repaired.extend(second.repaired);
    Repaired {
        repaired,
        moved_records: first.moved_records + second.moved_records,
        copied_bytes: first.copied_bytes + second.copied_bytes,
        written: [first.written, second.written].concat(),
        lost: second.lost,
        healed: second.healed,
    }
}

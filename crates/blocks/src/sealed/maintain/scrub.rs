//! Every stored byte of packs read again and compared with what names it.

use std::collections::HashSet;

use super::{Finding, Watch, inspect::inspect};
use crate::{
    Error,
    sealed::{
        id::RecordId,
        pack::{PACK_SIZE_BYTES, PackRef},
        store::ChunkStore,
    },
};

/// What a scrub, or a part of one, read.
#[derive(Clone, Debug, Default)]
pub struct Scrubbed {
    /// Packs read.
    pub packs: u64,
    /// Their length, in bytes.
    pub bytes: u64,
    /// Records found whole.
    pub records: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// The packs in which a record or the pack itself was read at all, ordered: what was found
    /// wrong in them before holds no longer.
    pub seen: Vec<PackRef>,
    /// Where to go on; none when this was the end.
    pub cursor: Option<PackRef>,
}

impl ChunkStore {
    /// Reads the packs after `after`, in their order, until `bytes_max` are read, and checks
    /// every byte against record ids, footers and pack names. At least one pack is read if there
    /// is one. Progress counts bytes.
    ///
    /// What cannot be read is a finding, not an error.
    ///
    /// # Errors
    /// `Io` when the list of packs cannot be read; `Cancelled`.
    pub fn scrub(
        &self,
        after: Option<PackRef>,
        bytes_max: u64,
        watch: &Watch<'_>,
    ) -> Result<Scrubbed, Error> {
        self.look_again()?;
        let mut packs = self.packs()?;
        let total = packs.iter().map(|(_, size)| size).sum();
        let before: u64 =
            packs.iter().filter(|(pack, _)| Some(*pack) <= after).map(|(_, size)| size).sum();
        packs.retain(|(pack, _)| after.is_none_or(|after| *pack > after));
        let mut out = Scrubbed::default();
        for (pack, size) in packs {
            if out.packs > 0 && out.bytes + size > bytes_max {
                out.cursor = out.seen.last().copied();
                break;
            }
            watch.pace(size)?;
            self.scrub_pack(&pack, size, &mut out);
            out.packs += 1;
            out.bytes += size;
            out.seen.push(pack);
            watch.tell(before + out.bytes, total);
        }
        Ok(out)
    }

    fn scrub_pack(&self, pack: &PackRef, size: u64, out: &mut Scrubbed) {
        let key = pack.object_key();
        let refuse = |why| Finding { pack: *pack, record: None, why };
        // A kept file could be one that was replaced behind our back.
        self.backend.forget(&key);
        let inspected = if size > PACK_SIZE_BYTES {
            out.findings.push(refuse("it is too long"));
            None
        } else {
            match self.backend.read(&key, 0, size as usize) {
                Ok(bytes) => Some(inspect(pack, self.id(), &bytes)),
                // Deleted since it was listed.
                Err(Error::Missing { .. }) => return,
                Err(_) => {
                    out.findings.push(refuse("it cannot be read"));
                    None
                }
            }
        };
        let mut good = HashSet::new();
        let mut named = HashSet::new();
        if let Some(inspected) = inspected {
            out.records += inspected.good.len() as u64;
            if inspected.findings.is_empty() {
                return;
            }
            named.extend(inspected.findings.iter().filter_map(|finding| finding.record));
            good.extend(inspected.good);
            out.findings.extend(inspected.findings);
        }
        // What the index says is there and the bytes do not show.
        for record in self.records_in(pack) {
            if !good.contains(&record) && !named.contains(&record) {
                let why = "its pack does not give it";
                out.findings.push(Finding { pack: *pack, record: Some(record), why });
            }
        }
    }

    fn records_in(&self, pack: &PackRef) -> Vec<RecordId> {
        let entries = self.index.entries();
        entries.into_iter().filter(|entry| entry.pack == *pack).map(|entry| entry.id).collect()
    }
}

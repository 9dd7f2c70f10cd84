//! How much of each pack a mark needs.

use std::collections::{HashMap, HashSet};

use super::mark::Live;
use crate::{
    Error,
    sealed::{
        id::RecordId,
        index::Held,
        pack::{PACK_MIN_BYTES, PackRef},
        store::ChunkStore,
    },
};

/// A pack, and what is needed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackUse {
    /// The pack.
    pub pack: PackRef,
    /// Its length, in bytes.
    pub bytes: u64,
    /// Records that readers take from it.
    pub records: u64,
    /// Of these, records that some root reaches.
    pub live_records: u64,
    /// Their bytes, with heads and footer entries.
    pub live_bytes: u64,
    /// False when its footer cannot be used: it may hold more than is known.
    pub known: bool,
}

impl PackUse {
    /// Bytes that no root reaches.
    #[must_use]
    pub const fn unreachable_bytes(&self) -> u64 {
        if self.live_records == 0 {
            return self.bytes;
        }
        self.bytes.saturating_sub(PACK_MIN_BYTES).saturating_sub(self.live_bytes)
    }

    fn is_sparse(&self, percent: u64) -> bool {
        let room = self.bytes.saturating_sub(PACK_MIN_BYTES);
        self.live_records > 0 && self.live_bytes * 100 < room * percent
    }
}

/// Every pack with its use, by one complete mark.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// The packs, ordered.
    pub packs: Vec<PackUse>,
    /// Records that a root reaches and no pack is known to have, ordered: damage.
    pub missing: Vec<RecordId>,
}

impl Usage {
    /// Packs of operations before `below` that nothing reaches. A copy of a record that readers
    /// take from another pack does not count. While a needed record is missing, a pack of which
    /// not everything is known is never dead: it may be there.
    #[must_use]
    pub fn dead(&self, below: u64) -> Vec<PackUse> {
        let mut out = self.packs.clone();
        out.retain(|one| {
            one.live_records == 0
                && one.pack.op_sequence < below
                && (one.known || self.missing.is_empty())
        });
        out
    }

    /// Packs of operations before `below` of which less than `percent` of the bytes are needed,
    /// and something is.
    #[must_use]
    pub fn sparse(&self, below: u64, percent: u64) -> Vec<PackUse> {
        let mut out = self.packs.clone();
        out.retain(|one| one.known && one.pack.op_sequence < below && one.is_sparse(percent));
        out
    }

    /// Bytes of all packs that no root reaches.
    #[must_use]
    pub fn unreachable_bytes(&self) -> u64 {
        self.packs.iter().map(PackUse::unreachable_bytes).sum()
    }
}

impl ChunkStore {
    /// What `live` needs of each pack. Reads footers of packs it has not seen; no key.
    ///
    /// # Errors
    /// `Io`.
    pub fn usage(&self, live: &Live) -> Result<Usage, Error> {
        // A pack that comes after the list is not spoken of: it is too new to be decided about.
        let mut packs = self.packs()?;
        self.look_again()?;
        let held = self.index.held(|id| live.contains(id));
        let unsure: HashSet<_> = self.index.unsure().into_iter().map(|(pack, _)| pack).collect();
        packs.retain(|(pack, _)| held.contains_key(pack) || unsure.contains(pack));
        let mut missing: Vec<_> =
            live.iter().filter(|id| self.index.look_up(*id).is_none()).collect();
        missing.sort_unstable();
        Ok(Usage {
            packs: packs.iter().map(|(pack, bytes)| one(*pack, *bytes, &held, &unsure)).collect(),
            missing,
        })
    }
}

fn one(
    pack: PackRef,
    bytes: u64,
    held: &HashMap<PackRef, Held>,
    unsure: &HashSet<PackRef>,
) -> PackUse {
    let known = held.contains_key(&pack) && !unsure.contains(&pack);
    let Held { records, live_records, live_bytes } = held.get(&pack).copied().unwrap_or_default();
    PackUse { pack, bytes, records, live_records, live_bytes, known }
}

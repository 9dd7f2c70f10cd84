//! Other copies of a store's packs: a backup, a replica, or single files that an operator hands.
//!
//! It refuses to trust them. Its invariant: what it gives has the id that was asked for.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use crate::{
    Error,
    sealed::{
        id::{RecordId, StoreId},
        pack::{
            HEADER_BYTES, PACK_SIZE_BYTES, RECORD_HEAD_BYTES, RecordEntry, kind_of_header, scan,
        },
        record::RecordKind,
        store::ChunkStore,
    },
};

/// How deep a folder of loose packs is looked into: `packs/<kind>/<operation>/<name>`, and the
/// folder that holds it.
const DEPTH_MAX: usize = 5;

/// Files of a folder of loose packs that are looked at.
const FILES_MAX: usize = 100_000;

/// Another copy of a store, or of some of its packs.
pub struct Copies {
    kind: Kind,
}

enum Kind {
    Store(Box<ChunkStore>),
    Loose { files: Vec<PathBuf>, records: HashMap<RecordId, (u32, RecordEntry)> },
}

impl std::fmt::Debug for Copies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            Kind::Store(store) => write!(f, "Copies({store:?})"),
            Kind::Loose { files, .. } => write!(f, "Copies({} packs)", files.len()),
        }
    }
}

impl Copies {
    /// Opens what is in `dir`: a copy of a store's folder, a copy of a data directory with the
    /// store in it, or any folder with files that are packs, whatever they are called.
    ///
    /// # Errors
    /// `Invalid` when it is a copy of another store, or has no pack of this one; `Missing`, `Io`.
    pub fn open(of: &ChunkStore, dir: &Path) -> Result<Self, Error> {
        for folder in [dir.to_owned(), dir.join("store")] {
            if !folder.join("store").is_file() {
                continue;
            }
            let store = ChunkStore::open(&folder)?;
            if store.id() != of.id() {
                let what = format!("{} is a copy of another store", folder.display());
                return Err(Error::Invalid { what });
            }
            return Ok(Self { kind: Kind::Store(Box::new(store)) });
        }
        if !dir.is_dir() {
            return Err(Error::Missing { what: "folder", name: dir.display().to_string() });
        }
        let mut files = Vec::new();
        gather(dir, 0, &mut files).map_err(|source| Error::Io {
            doing: "list",
            name: dir.display().to_string(),
            source,
        })?;
        files.sort_unstable();
        let mut records = HashMap::new();
        for (number, file) in (0_u32..).zip(&files) {
            // A file that cannot be read, or is no pack of this store, has nothing to give.
            for entry in entries_of(file, of.id()).unwrap_or_default() {
                records.entry(entry.id).or_insert((number, entry));
            }
        }
        if records.is_empty() {
            let what = format!("{} holds no pack of this store", dir.display());
            return Err(Error::Invalid { what });
        }
        Ok(Self { kind: Kind::Loose { files, records } })
    }

    /// A whole copy of a record, if there is one.
    pub(super) fn stored(&self, id: RecordId) -> Option<Vec<u8>> {
        let stored = match &self.kind {
            Kind::Store(store) => {
                let fetch = |kind| store.fetch(kind, id, |_| true).ok();
                let mut fetched = fetch(RecordKind::Data).or_else(|| fetch(RecordKind::Node))?;
                fetched.stored().to_vec()
            }
            Kind::Loose { files, records } => {
                let (number, entry) = records.get(&id)?;
                let mut stored = vec![0; entry.stored as usize];
                let offset = u64::from(entry.offset) + RECORD_HEAD_BYTES as u64;
                let file = File::open(&files[*number as usize]).ok()?;
                file.read_exact_at(&mut stored, offset).ok()?;
                stored
            }
        };
        (RecordId::of(&stored) == id).then_some(stored)
    }
}

fn gather(dir: &Path, depth: usize, out: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < DEPTH_MAX {
            gather(&entry.path(), depth + 1, out)?;
        } else if kind.is_file() && out.len() < FILES_MAX {
            out.push(entry.path());
        }
    }
    Ok(())
}

/// The whole records of a file that is a pack of that store.
fn entries_of(file: &Path, store: StoreId) -> io::Result<Vec<RecordEntry>> {
    let opened = File::open(file)?;
    let length = opened.metadata()?.len();
    let mut header = [0; HEADER_BYTES];
    opened.read_exact_at(&mut header, 0)?;
    let Some(kind) = kind_of_header(store, &header).filter(|_| length <= PACK_SIZE_BYTES) else {
        return Ok(Vec::new());
    };
    let mut bytes = vec![0; length as usize];
    opened.read_exact_at(&mut bytes, 0)?;
    // By the records themselves: a copy may be cut short.
    Ok(scan(&bytes, kind))
}

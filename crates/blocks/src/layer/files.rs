//! The files of generations: their names, making them, finding them, removing them.
//!
//! It refuses to know what an open layer does. Its invariants: a generation exists when its
//! header has a valid slot, so the header is made last and removed first; nothing that was ever
//! opened for writing is made anew.
//!
//! Next to read: `recover`.

use std::io;

use crate::layer::disk::{DiskDir, Named, RunDir, named, sync_dir};
use crate::layer::engine::Host;
use crate::layer::fields::{corrupt, identity};
use crate::layer::header::{Header, HeaderFile};
use crate::layer::journal::{JOURNAL_HEADER, JournalFile};
use crate::layer::live::live_name;
use crate::layer::spec::{LayerInfo, VolumeSpec};
use crate::layer::sums::SumsFile;
use crate::{BLOCK_SIZE, Error};

/// A file of a generation; the header comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Header,
    Data,
    Journal,
    CheckpointA,
    CheckpointB,
    Sums,
}

impl Part {
    const ALL: [Self; 6] =
        [Self::Header, Self::Data, Self::Journal, Self::CheckpointA, Self::CheckpointB, Self::Sums];

    const fn suffix(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Data => "data",
            Self::Journal => "map.journal",
            Self::CheckpointA => "map.A",
            Self::CheckpointB => "map.B",
            Self::Sums => "sums",
        }
    }

    pub(super) fn name(self, generation: u64) -> String {
        format!("g{generation}.{}", self.suffix())
    }
}

/// The generations that have any file, ascending.
pub(super) fn generations(dir: &dyn DiskDir) -> Result<Vec<u64>, Error> {
    let names = dir.list().map_err(|source| named("list", &dir.name(), source))?;
    let mut found: Vec<u64> = names.iter().filter_map(|name| generation_of(name)).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn generation_of(name: &str) -> Option<u64> {
    let (number, suffix) = name.strip_prefix('g')?.split_once('.')?;
    let known = Part::ALL.iter().any(|part| part.suffix() == suffix);
    let generation: u64 = number.parse().ok()?;
    // "g007.data" is none of ours.
    (known && Part::Data.name(generation).len() == 6 + number.len()).then_some(generation)
}

/// The header of a generation, if it has one; its file is not locked.
pub(super) fn peek(dir: &dyn DiskDir, generation: u64) -> Result<Option<Header>, Error> {
    match Named::open(dir, &Part::Header.name(generation)) {
        Ok(file) => HeaderFile::read(&file),
        Err(Error::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn info(header: Header) -> LayerInfo {
    LayerInfo {
        volume: header.volume,
        generation: header.generation,
        capacity: header.capacity,
        base_root: header.base_root,
        epoch: header.epoch,
        frozen: header.frozen,
        clean: header.clean,
        opened: header.opened,
    }
}

/// The first header of the layer that `spec` names.
pub(super) fn first_header(spec: &VolumeSpec, base_size: u64) -> Result<Header, Error> {
    Ok(Header {
        sequence: 0,
        volume: spec.volume.clone(),
        generation: spec.generation,
        epoch: spec.epoch,
        capacity: spec.capacity,
        overlap: base_size.min(spec.capacity),
        opens: 0,
        map_sequence: 0,
        base_root: spec.base_root,
        live_tag: [0; 32],
        key_check: Some(spec.key.check()?),
        frozen: false,
        clean: true,
        opened: false,
    })
}

/// Makes the files of a generation, replacing what an earlier attempt left.
pub(super) fn make(host: &Host, header: Header) -> Result<(), Error> {
    let dir = host.dir.as_ref();
    clear_attempt(dir, &header)?;
    let generation = header.generation;
    let identity = identity(&header.volume, generation);
    let create = |part: Part| Named::create(dir, &part.name(generation));
    let data = create(Part::Data)?;
    if let Err(error) = data.set_capacity(dir, header.capacity.next_multiple_of(BLOCK_SIZE)) {
        // Refused by name; nothing of the attempt stays.
        remove_files(dir, generation)?;
        return Err(error);
    }
    JournalFile::new(create(Part::Journal)?, identity, 0).restart(0)?;
    create(Part::CheckpointA)?;
    create(Part::CheckpointB)?;
    SumsFile::create(create(Part::Sums)?, &identity)?;
    sync_dir(dir)?;
    HeaderFile::create(create(Part::Header)?, header)?;
    sync_dir(dir)
}

/// Removes an attempt that never came to be opened; refuses anything else.
fn clear_attempt(dir: &dyn DiskDir, header: &Header) -> Result<(), Error> {
    let generation = header.generation;
    let name = || format!("{}/g{generation}", dir.name());
    match peek(dir, generation)? {
        Some(found) if found.opened || found.volume != header.volume => {
            return Err(Error::Exists { what: "write layer", name: name() });
        }
        Some(_) => {}
        None => refuse_used(dir, generation)?,
    }
    remove_files(dir, generation)
}

/// A generation without a header is an attempt, unless its map says that it was used.
fn refuse_used(dir: &dyn DiskDir, generation: u64) -> Result<(), Error> {
    for (part, limit) in
        [(Part::Journal, JOURNAL_HEADER as u64), (Part::CheckpointA, 0), (Part::CheckpointB, 0)]
    {
        let used = match Named::open(dir, &part.name(generation)) {
            Ok(file) => file.len()? > limit,
            Err(Error::Missing { .. }) => false,
            Err(error) => return Err(error),
        };
        if used {
            let name = Part::Header.name(generation);
            return Err(corrupt("header", &name, "it is gone, and its layer was in use"));
        }
    }
    Ok(())
}

fn remove_files(dir: &dyn DiskDir, generation: u64) -> Result<(), Error> {
    let mut removed = false;
    for part in Part::ALL {
        let name = part.name(generation);
        match dir.remove(&name) {
            Ok(()) => removed = true,
            Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(named("remove", &name, source)),
        }
        if part == Part::Header {
            // Gone for good before anything that it vouches for goes.
            sync_dir(dir)?;
        }
    }
    if removed { sync_dir(dir) } else { Ok(()) }
}

/// Removes a generation with its live map; refuses while it is open.
pub(super) fn drop_generation(
    dir: &dyn DiskDir,
    run: &dyn RunDir,
    volume: &str,
    generation: u64,
) -> Result<(), Error> {
    // Held to the end, so that nobody opens what is being removed.
    let lock = match Named::open(dir, &Part::Header.name(generation)) {
        Ok(file) if !file.try_lock()? => {
            return Err(Error::Locked { name: format!("{}/g{generation}", dir.name()) });
        }
        Ok(file) => Some(file),
        Err(Error::Missing { .. }) => None,
        Err(error) => return Err(error),
    };
    if let Some(file) = &lock
        && let Some(found) = HeaderFile::read(file)?
        && found.volume != volume
    {
        let what = format!("the write layer belongs to volume {}", found.volume);
        return Err(Error::Invalid { what });
    }
    remove_files(dir, generation)?;
    let name = live_name(volume, generation);
    run.remove(&name).map_err(|source| named("remove", &name, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_and_generations_match_exactly() {
        for part in Part::ALL {
            assert_eq!(generation_of(&part.name(17)), Some(17));
        }
        for other in
            ["g7", "g7.dat", "7.data", "g07.data", "g-7.data", "g7.map", "gx.data", "g+7.data"]
        {
            assert_eq!(generation_of(other), None, "{other}");
        }
    }
}

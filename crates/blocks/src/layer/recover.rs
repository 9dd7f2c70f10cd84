//! Opening a layer: which of its three tellings of the map is believed.
//!
//! | header | live map | believed |
//! |---|---|---|
//! | clean | not asked | checkpoint and journal, which must reach the sequence at the close |
//! | not clean | this boot's, this header's, not poisoned | the live map: a process died |
//! | not clean | any other, or none | checkpoint and journal: a host died, or a sync failed |
//!
//! It refuses to repair. Its invariant: what it hands out is durable on the next flush, and the
//! header says who has the layer before a single write is taken.
//!
//! Next to read: `volume`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use parking_lot::{Mutex, RwLock};

use crate::layer::checkpoint::CheckpointFiles;
use crate::layer::disk::{Named, named};
use crate::layer::engine::{Core, Geometry, Host, Log, Mode, STRIPES};
use crate::layer::fields::{corrupt, identity};
use crate::layer::files::{Part, generations, peek};
use crate::layer::header::{Header, HeaderFile};
use crate::layer::journal::{JOURNAL_MAX, Journal, JournalFile};
use crate::layer::live::{LiveMap, LiveTag, live_name};
use crate::layer::map::{BlockMap, PAGE_BLOCKS, RegionSet, pages_of};
use crate::layer::space::Space;
use crate::layer::spec::{OpenedBy, VolumeSpec};
use crate::layer::sums::SumsFile;
use crate::layer::xts::Xts;
use crate::{BLOCK_SIZE, BlockSource, Error};

/// The files of one generation, its header locked and checked against the caller's word.
struct Files {
    header: HeaderFile,
    data: Named,
    journal: Named,
    checkpoints: [Named; 2],
    sums: Named,
}

impl Files {
    fn open(host: &Host, spec: &VolumeSpec, base_size: u64) -> Result<Self, Error> {
        spec.check()?;
        let dir = host.dir.as_ref();
        let generation = spec.generation;
        let open = |part: Part| Named::open(dir, &part.name(generation));
        let file = open(Part::Header)?;
        if !file.try_lock()? {
            return Err(Error::Locked { name: format!("{}/g{generation}", dir.name()) });
        }
        let header = HeaderFile::read(&file)?
            .ok_or_else(|| corrupt("header", &file.name, "no slot has a matching checksum"))?;
        check_caller(spec, &header, base_size)?;
        Ok(Self {
            header: HeaderFile::new(file, header),
            data: open(Part::Data)?,
            journal: open(Part::Journal)?,
            checkpoints: [open(Part::CheckpointA)?, open(Part::CheckpointB)?],
            sums: open(Part::Sums)?,
        })
    }

    fn forget_cache(&self) -> Result<(), Error> {
        self.data.forget_cache()?;
        self.journal.forget_cache()?;
        self.checkpoints.iter().try_for_each(Named::forget_cache)
    }
}

/// Invariant 24: a caller whose record is older than the layer is refused.
fn check_caller(spec: &VolumeSpec, header: &Header, base_size: u64) -> Result<(), Error> {
    let refuse = |what: String| Err(Error::Invalid { what });
    if header.epoch > spec.epoch {
        return Err(Error::StaleEpoch { ours: spec.epoch, theirs: header.epoch });
    }
    if header.volume != spec.volume || header.generation != spec.generation {
        return refuse(format!(
            "the write layer is generation {} of volume {}",
            header.generation, header.volume
        ));
    }
    let another = match header.key_check {
        Some(check) => check != spec.key.check()?,
        None => false,
    };
    if another {
        // Its cipher has no tag: without this, another key would read as noise.
        return refuse(format!(
            "generation {} of volume {} was written with another key than the one at hand",
            header.generation, header.volume
        ));
    }
    if header.base_root != spec.base_root {
        return refuse("the write layer stands on another base".to_owned());
    }
    if base_size < header.overlap {
        return refuse(format!("the base has {base_size} bytes, not {}", header.overlap));
    }
    if spec.capacity < header.capacity {
        return refuse(format!("the write layer has {} bytes already", header.capacity));
    }
    Ok(())
}

/// A newer generation that was written to means that the caller's record was rolled back.
pub(super) fn refuse_rollback(host: &Host, generation: u64) -> Result<(), Error> {
    for newer in generations(host.dir.as_ref())?.into_iter().filter(|g| *g > generation) {
        if peek(host.dir.as_ref(), newer)?.is_some_and(|header| header.opened) {
            let name = format!("{}/g{newer}", host.dir.name());
            return Err(Error::Exists { what: "newer write layer", name });
        }
    }
    Ok(())
}

/// The map as the disk knows it.
struct Loaded {
    map: BlockMap,
    log: Log,
    /// The journal has something to be cut.
    untidy: bool,
}

fn load(host: &Host, files: &Files) -> Result<Loaded, Error> {
    let header = &files.header.header;
    let identity = identity(&header.volume, header.generation);
    let blocks = header.capacity.div_ceil(BLOCK_SIZE);
    let pages = pages_of(header.capacity);
    let (checkpoints, checkpoint) =
        CheckpointFiles::open(files.checkpoints.clone(), identity, pages)?;
    let bytes = files.journal.read_all(JOURNAL_MAX)?;
    let name = &files.journal.name;
    let journal = Journal::parse(name, &bytes, &identity, blocks, checkpoint.sequence)?;
    let live = LiveMap::anonymous(host.run.as_ref(), header.capacity)
        .map_err(|source| named("map", "block map", source))?;
    let map = BlockMap::new(Arc::new(live), header.capacity);
    for (index, words) in &checkpoint.pages {
        refuse_past_end(&words[..], *index, blocks, name)?;
        map.load_page(*index, words)?;
        if checkpoint.whole {
            // The next checkpoint is of another form and has to write it.
            map.put_changed(&[*index]);
        }
    }
    for run in journal.records.iter().flat_map(|(_, runs)| runs) {
        map.touch(run.first, u64::from(run.blocks))?;
        map.set(run.first, u64::from(run.blocks), run.state);
    }
    map.settle();
    let untidy = bytes.len() as u64 != journal.end
        || !journal.records.is_empty()
        || journal.follows != checkpoint.sequence;
    let sequence = journal.last_sequence(checkpoint.sequence);
    let journal = JournalFile::new(files.journal.clone(), identity, journal.end);
    let log = Log {
        journal,
        checkpoints,
        given: sequence,
        durable: sequence,
        covered: 0,
        checkpoint_at: host.journal_bytes,
        failed_at: 0,
    };
    Ok(Loaded { map, log, untidy })
}

fn refuse_past_end(words: &[u64], page: u64, blocks: u64, name: &str) -> Result<(), Error> {
    let last = words.iter().rposition(|w| *w != 0).map_or(0, |slot| {
        let top = 63 - u64::from(words[slot].leading_zeros());
        page * PAGE_BLOCKS + slot as u64 * 32 + top / 2
    });
    if last < blocks {
        return Ok(());
    }
    Err(corrupt("checkpoint", name, "it has blocks past the end of the device"))
}

fn current_tag(host: &Host, header: &Header) -> Result<LiveTag, Error> {
    let boot = host.run.boot_id().map_err(|source| named("read", "boot id", source))?;
    let (tag, generation, epoch) = (header.live_tag, header.generation, header.epoch);
    Ok(LiveTag { boot, tag, generation, epoch })
}

/// The live map that a dead process left, if the header asks for it.
fn left_behind(host: &Host, header: &Header) -> Result<Option<LiveMap>, Error> {
    if header.clean {
        return Ok(None);
    }
    let name = live_name(&header.volume, header.generation);
    let tag = current_tag(host, header)?;
    LiveMap::reopen(host.run.as_ref(), &name, header.capacity, &tag)
        .map_err(|source| named("open", &name, source))
}

/// Puts a map into a new live map and has the header name it: writes may be taken from then on.
pub(super) fn go_live(
    host: &Host,
    header: &mut HeaderFile,
    map: &BlockMap,
    capacity: u64,
) -> Result<BlockMap, Error> {
    let known = &header.header;
    let opens = known.opens + 1;
    let identity = identity(&known.volume, known.generation);
    let run = host.run.as_ref();
    let name = live_name(&known.volume, known.generation);
    let failed = |source| named("make", "live map", source);
    let tag = LiveTag::new(run, &identity, known.generation, known.epoch, opens).map_err(failed)?;
    let live = LiveMap::create(run, &name, capacity, &tag).map_err(failed)?;
    let fresh = BlockMap::new(Arc::new(live), capacity);
    for index in map.touched_pages() {
        fresh.load_page(index, &map.copy_page(index))?;
    }
    header.change(|header| {
        header.opens = opens;
        header.live_tag = tag.tag;
        header.clean = false;
        header.frozen = false;
        header.opened = true;
    })?;
    // Last: a map that does not go live still has to write them.
    fresh.put_changed(&map.take_changed());
    Ok(fresh)
}

struct Opened {
    map: BlockMap,
    by: OpenedBy,
}

fn choose(
    host: &Host,
    files: &mut Files,
    left: Option<LiveMap>,
    loaded: &Loaded,
    epoch: u64,
) -> Result<Opened, Error> {
    let header = files.header.header.clone();
    let Some(live) = left else {
        if header.clean && loaded.log.durable < header.map_sequence {
            let why = "it does not reach the state at the clean close";
            return Err(corrupt("map journal", &files.journal.name, why));
        }
        files.header.header.epoch = epoch;
        let map = go_live(host, &mut files.header, &loaded.map, header.capacity)?;
        let by = if header.clean { OpenedBy::Clean } else { OpenedBy::Journal };
        return Ok(Opened { map, by });
    };
    let map = BlockMap::new(Arc::new(live), header.capacity);
    let name = live_name(&header.volume, header.generation);
    let damaged = |why| corrupt("live map", &name, why);
    map.adopt(header.capacity).map_err(damaged)?;
    map.pend_difference(&loaded.map).map_err(damaged)?;
    map.put_changed(&loaded.map.take_changed());
    files.header.change(|header| header.epoch = epoch)?;
    Ok(Opened { map, by: OpenedBy::LiveMap })
}

/// Opens the layer that `spec` names for writing.
pub(super) fn open(
    host: &Host,
    spec: &VolumeSpec,
    base: Arc<dyn BlockSource>,
) -> Result<(Core, OpenedBy), Error> {
    let mut files = Files::open(host, spec, base.size())?;
    if files.header.header.frozen {
        return Err(Error::Frozen { name: format!("{}/g{}", host.dir.name(), spec.generation) });
    }
    refuse_rollback(host, spec.generation)?;
    let left = left_behind(host, &files.header.header)?;
    if left.is_none() && !files.header.header.clean {
        // After a failed sync the cache may show what the disk never got.
        files.forget_cache()?;
    }
    let loaded = load(host, &files)?;
    let Opened { map, by } = choose(host, &mut files, left, &loaded, spec.epoch)?;
    if by == OpenedBy::Clean {
        map.put_all_present_in(RegionSet::Unverified);
    } else {
        map.put_all_present_in(RegionSet::Stale);
    }
    if by != OpenedBy::LiveMap {
        map.settle();
    }
    let untidy = loaded.untidy || by == OpenedBy::LiveMap;
    let core = assemble(host, spec, base, files, loaded.log, map, Mode::Open)?;
    if untidy {
        tidy_journal(&core)?;
    }
    if spec.capacity > core.geometry.read().capacity {
        core.grow(spec.capacity)?;
    }
    Ok((core, by))
}

/// Starts from a fresh checkpoint, so that nothing hangs on what was read from a cache; a full
/// disk is no reason not to open.
fn tidy_journal(core: &Core) -> Result<(), Error> {
    let geometry = core.geometry.read();
    match core.checkpoint(&geometry, &mut core.log.lock()) {
        Err(Error::NoSpace { .. }) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a frozen layer for reading.
pub(super) fn open_frozen(
    host: &Host,
    spec: &VolumeSpec,
    base: Arc<dyn BlockSource>,
) -> Result<Core, Error> {
    let mut files = Files::open(host, spec, base.size())?;
    let header = &files.header.header;
    if !header.frozen || !header.clean {
        return Err(Error::Invalid { what: "the write layer is not frozen".to_owned() });
    }
    let wanted = header.map_sequence;
    let loaded = load(host, &files)?;
    if loaded.log.durable < wanted {
        let why = "it does not reach the state at the freeze";
        return Err(corrupt("map journal", &files.journal.name, why));
    }
    if files.header.header.epoch != spec.epoch {
        files.header.change(|header| header.epoch = spec.epoch)?;
    }
    loaded.map.put_all_present_in(RegionSet::Unverified);
    assemble(host, spec, base, files, loaded.log, loaded.map, Mode::Frozen)
}

fn assemble(
    host: &Host,
    spec: &VolumeSpec,
    base: Arc<dyn BlockSource>,
    files: Files,
    log: Log,
    map: BlockMap,
    mode: Mode,
) -> Result<Core, Error> {
    let header = &files.header.header;
    let (capacity, overlap) = (header.capacity, header.overlap);
    let length = capacity.next_multiple_of(BLOCK_SIZE);
    if mode == Mode::Open && files.data.len()? < length {
        // A grow whose new length was lost; nothing there is present.
        files.data.set_len(length)?;
    }
    let identity = identity(&spec.volume, spec.generation);
    Ok(Core {
        host: host.clone(),
        volume: spec.volume.clone(),
        generation: spec.generation,
        base,
        overlap,
        xts: Xts::new(spec.key.layer_key(spec.generation)?)?,
        data: files.data,
        sums: SumsFile::open(files.sums, &identity)?,
        geometry: RwLock::new(Geometry { capacity, mode, map }),
        log: Mutex::new(log),
        regions: (0..STRIPES).map(|_| RwLock::new(())).collect(),
        punching: RwLock::new(()),
        header: Mutex::new(files.header),
        data_dirty: AtomicBool::new(true),
        space: Space::default(),
        poisoned: AtomicBool::new(false),
        tickets: AtomicU64::new(0),
    })
}

//! The model that write layers are held against: for each sector of 512 bytes every value that
//! was ever submitted, and which of them a flush covered.
//!
//! Invariants 1-3: after a death a sector holds the last value that was safe, or a later one that
//! was submitted; nothing else.

use std::sync::Arc;

use blocks::layer::sim::{Killed, SimDir, SimRng, SimRun};
use blocks::layer::{Host, Reserve, Volume, VolumeKey, VolumeSpec};
use blocks::{BlockDevice, BlockSource, Error, Extent};
use parking_lot::Mutex;

/// The unit that a disk writes whole, in bytes.
pub const SECTOR: u64 = 512;

/// Seeds to try: few by default, `ECTYPE_SEEDS` for more.
pub fn seeds(default: u64) -> u64 {
    std::env::var("ECTYPE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Names the seed when a test fails inside.
pub struct Seed(pub u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with seed {}", self.0);
        }
    }
}

/// A base whose every sector says which one it is.
pub struct PatternBase(pub u64);

/// What fills a sector of the base.
pub fn base_stamp(sector: u64) -> u64 {
    0xba5e_0000_0000_0000 | sector
}

impl BlockSource for PatternBase {
    fn size(&self) -> u64 {
        self.0
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let length = out.len() as u64;
        if offset + length > self.0 {
            return Err(Error::OutOfRange { offset, length, size: self.0 });
        }
        for (i, byte) in out.iter_mut().enumerate() {
            let at = offset + i as u64;
            *byte = base_stamp(at / SECTOR).to_le_bytes()[at as usize % 8];
        }
        Ok(())
    }

    fn extents(&self, _offset: u64, length: u64) -> Result<Vec<Extent>, Error> {
        Ok(vec![Extent { length, zero: false, hole: false }])
    }
}

/// Bytes of so many sectors, each filled with one stamp.
pub fn stamp_sectors(stamp: u64, sectors: u64) -> Vec<u8> {
    stamp.to_le_bytes().repeat((sectors * SECTOR / 8) as usize)
}

/// The one stamp that fills a sector, or a panic: a sector is never torn.
fn stamp_of(sector: u64, bytes: &[u8]) -> u64 {
    let stamp = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    let whole = bytes.chunks(8).all(|word| word == stamp.to_le_bytes());
    assert!(whole, "sector {sector} is torn or not decrypted: {:x?}", &bytes[..32]);
    stamp
}

struct Submitted {
    begin: usize,
    acked: Option<usize>,
}

struct Flushed {
    /// Every operation up to this number had been answered when the flush began.
    floor: usize,
    acked: usize,
}

/// Every value of every sector, and what was promised about it.
#[derive(Default)]
pub struct Model {
    history: Vec<Vec<(usize, u64)>>,
    operations: Vec<Submitted>,
    flushes: Vec<Flushed>,
    /// Capacity and the place in the log from which it was asked for.
    sizes: Vec<(usize, u64)>,
}

impl Model {
    /// The model of a fresh volume over a base of `base` bytes.
    pub fn new(capacity: u64, base: u64) -> Self {
        let sector = |s: u64| vec![(0, if s * SECTOR < base { base_stamp(s) } else { 0 })];
        Self {
            history: (0..capacity / SECTOR).map(sector).collect(),
            operations: vec![Submitted { begin: 0, acked: Some(0) }],
            flushes: Vec::new(),
            sizes: vec![(0, capacity)],
        }
    }

    /// A write begins; returns its number.
    pub fn submit(&mut self, at: usize, sector: u64, count: u64, zero: bool) -> usize {
        let operation = self.operations.len();
        self.operations.push(Submitted { begin: at, acked: None });
        for s in sector..sector + count {
            let stamp = if zero { 0 } else { stamp_for(operation) };
            self.history[s as usize].push((operation, stamp));
        }
        operation
    }

    /// A write was answered at this place in the log.
    pub fn acknowledge(&mut self, operation: usize, at: usize) {
        self.operations[operation].acked = Some(at);
    }

    /// What is answered now; a flush that begins now covers it.
    pub fn answered(&self) -> usize {
        self.operations.len() - 1
    }

    /// A flush that covers everything up to `floor` was answered.
    pub fn flushed(&mut self, floor: usize, at: usize) {
        self.flushes.push(Flushed { floor, acked: at });
    }

    /// Starts anew from a content that is durable.
    pub fn restart(&mut self, bytes: &[u8], at: usize) {
        let operation = self.operations.len();
        self.operations.push(Submitted { begin: at, acked: Some(at) });
        self.flushes.push(Flushed { floor: operation, acked: at });
        for (sector, content) in bytes.chunks(SECTOR as usize).enumerate() {
            self.history[sector] = vec![(operation, stamp_of(sector as u64, content))];
        }
    }

    fn grow(&mut self, at: usize, capacity: u64) {
        self.sizes.push((at, capacity));
        self.history.resize((capacity / SECTOR) as usize, vec![(0, 0)]);
    }

    /// The size to open with after a crash at this place in the log.
    pub fn size_at(&self, at: usize) -> u64 {
        self.sizes.iter().filter(|(begin, _)| *begin <= at).map(|(_, size)| *size).max().unwrap()
    }

    /// Values that a sector may have when everything up to `floor` is safe and everything that
    /// began by `at` may have happened.
    fn allowed(&self, sector: usize, floor: usize, at: usize) -> Vec<u64> {
        let history = &self.history[sector];
        let safe = |(operation, _): &(usize, u64)| {
            *operation <= floor && self.operations[*operation].acked.is_some()
        };
        let first = history.iter().rposition(safe).unwrap();
        let begun = |(operation, _): &&(usize, u64)| self.operations[*operation].begin <= at;
        history[first..].iter().filter(begun).map(|(_, stamp)| *stamp).collect()
    }

    fn check(&self, bytes: &[u8], floor: usize, at: usize, what: &str) {
        for (sector, content) in bytes.chunks(SECTOR as usize).enumerate() {
            let found = stamp_of(sector as u64, content);
            let allowed = self.allowed(sector, floor, at);
            assert!(
                allowed.contains(&found),
                "{what}: sector {sector} is {found:x}, may be {allowed:x?}"
            );
        }
    }

    /// After the death of the host at a place in the log.
    pub fn check_host_crash(&self, bytes: &[u8], at: usize) {
        let done = self.flushes.iter().filter(|flush| flush.acked <= at);
        let floor = done.map(|flush| flush.floor).max().unwrap_or(0);
        self.check(bytes, floor, at, "host crash");
    }

    /// After the death of the process now: everything answered is there.
    pub fn check_process_death(&self, bytes: &[u8]) {
        self.check(bytes, self.answered(), usize::MAX, "process death");
    }
}

/// What fills the sectors that an operation writes.
pub fn stamp_for(operation: usize) -> u64 {
    0x57a0_0000_0000_0000 | operation as u64
}

/// A volume on a simulated host, with its model.
pub struct Rig {
    /// The simulated disk.
    pub dir: SimDir,
    /// The host around it.
    pub host: Host,
    /// What the volume is opened with.
    pub spec: VolumeSpec,
    /// What lies under it.
    pub base: Arc<dyn BlockSource>,
    /// The volume, while it is open.
    pub volume: Option<Arc<Volume>>,
    /// What it may hold.
    pub model: Arc<Mutex<Model>>,
    /// What decides the workload.
    pub rng: SimRng,
    /// Writes land in the middle of syncs.
    hooked: bool,
    /// The workload also grows the volume.
    pub grows: bool,
}

/// What a simulated volume of this capacity is opened with.
pub fn spec(capacity: u64) -> VolumeSpec {
    VolumeSpec {
        dir: "/nowhere".into(),
        run_dir: "/nowhere".into(),
        volume: "r006-sim".into(),
        capacity,
        generation: 1,
        base_root: Some([1; 32]),
        key: VolumeKey::new([9; 32]),
        epoch: 1,
    }
}

impl Rig {
    /// A rig before its volume is made.
    pub fn new(seed: u64) -> Self {
        let mut rng = SimRng::new(seed);
        let capacity = (rng.below(48) + 1) * 4096 + rng.below(8) * SECTOR;
        let base = rng.below(capacity / SECTOR + 1) * SECTOR;
        let dir = SimDir::new(seed);
        let mut host = Host::new(Arc::new(dir.clone()), Arc::new(SimRun::new(1)));
        host.journal_bytes = rng.below(3000);
        host.changed_max = rng.below(2) * 9;
        host.runs_max = if rng.one_in(3) { 2 } else { 1000 };
        host.stale_max = rng.below(3);
        // Faults are to meet every write: nothing is held back.
        host.reserve = Reserve::NONE;
        Self {
            dir,
            host,
            spec: spec(capacity),
            base: Arc::new(PatternBase(base)),
            volume: None,
            model: Arc::new(Mutex::new(Model::new(capacity, base))),
            hooked: rng.one_in(2),
            grows: true,
            rng,
        }
    }

    /// Makes the volume.
    pub fn create(&mut self) {
        let made = Volume::create_on(&self.host, &self.spec, Arc::clone(&self.base)).unwrap();
        self.volume = Some(Arc::new(made));
    }

    /// Opens it anew, as after a death of the process.
    pub fn open(&mut self) {
        self.try_open().unwrap();
    }

    fn try_open(&mut self) -> Result<(), Error> {
        self.volume = None;
        let made = Volume::open_on(&self.host, &self.spec, Arc::clone(&self.base))?;
        self.volume = Some(Arc::new(made));
        Ok(())
    }

    /// The open volume.
    pub fn volume(&self) -> Arc<Volume> {
        Arc::clone(self.volume.as_ref().unwrap())
    }

    /// All bytes of the open volume.
    pub fn content(&self) -> Vec<u8> {
        content(self.volume().as_ref())
    }

    fn range(&mut self) -> (u64, u64) {
        let sectors = self.spec.capacity / SECTOR;
        let first = self.rng.below(sectors);
        let longest = [1, 8, 9, 24, 200][self.rng.below(5) as usize];
        (first, (self.rng.below(longest) + 1).min(sectors - first))
    }

    /// One write or zeroing; errors are left to the model: not acknowledged.
    pub fn write(&mut self, fua: bool) -> Result<(), Error> {
        let (sector, count) = self.range();
        let kind = self.rng.below(10);
        let volume = self.volume();
        let floor = self.model.lock().answered();
        let operation = self.model.lock().submit(self.dir.logged(), sector, count, kind < 4);
        self.arm(fua);
        let (at, length) = (sector * SECTOR, count * SECTOR);
        let done = match kind {
            0..3 => volume.write_zeroes(at, length, false, fua),
            3 => volume.write_zeroes(at, length, true, fua),
            _ => volume.write_at(at, &stamp_sectors(stamp_for(operation), count), fua),
        };
        self.dir.no_hook();
        done?;
        let now = self.dir.logged();
        let mut model = self.model.lock();
        model.acknowledge(operation, now);
        if fua {
            // It covers itself; what the hook wrote meanwhile it does not.
            model.flushed(floor.max(operation), now);
        }
        Ok(())
    }

    /// A flush; an error is no promise.
    pub fn flush(&mut self) -> Result<(), Error> {
        let floor = self.model.lock().answered();
        self.arm(true);
        let done = self.volume().flush();
        self.dir.no_hook();
        done?;
        self.model.lock().flushed(floor, self.dir.logged());
        Ok(())
    }

    /// Lets writes land in the middle of the syncs of the flush that follows.
    fn arm(&mut self, flush: bool) {
        if !self.hooked || !flush {
            return;
        }
        let (volume, model, dir) = (self.volume(), Arc::clone(&self.model), self.dir.clone());
        let mut rng = SimRng::new(self.rng.next());
        let sectors = self.spec.capacity / SECTOR;
        self.dir.on_sync(move |_| {
            let first = rng.below(sectors);
            let count = (rng.below(9) + 1).min(sectors - first);
            let zero = rng.one_in(2);
            let operation = model.lock().submit(dir.logged(), first, count, zero);
            let (at, length) = (first * SECTOR, count * SECTOR);
            let done = if zero {
                volume.discard(at, length)
            } else {
                volume.write_at(at, &stamp_sectors(stamp_for(operation), count), false)
            };
            if done.is_ok() {
                model.lock().acknowledge(operation, dir.logged());
            }
        });
    }

    fn grow(&mut self) -> Result<(), Error> {
        self.spec.capacity += (self.rng.below(20) + 1) * SECTOR;
        self.model.lock().grow(self.dir.logged(), self.spec.capacity);
        self.volume().grow(self.spec.capacity)
    }

    /// Closing is a flush too.
    fn reopen(&mut self) -> Result<(), Error> {
        let floor = self.model.lock().answered();
        self.volume().close()?;
        self.model.lock().flushed(floor, self.dir.logged());
        self.try_open()
    }

    /// One step of a random workload.
    pub fn step(&mut self) -> Result<(), Error> {
        match self.rng.below(40) {
            0 if self.grows => self.grow(),
            1 => self.reopen(),
            2 => self.volume().maintain(2).map(drop),
            3..=9 => self.flush(),
            10..=13 => self.write(true),
            _ => self.write(false),
        }
    }

    /// So many steps, each of which must succeed.
    pub fn run(&mut self, steps: u64) {
        for _ in 0..steps {
            self.step().unwrap();
        }
    }

    /// Runs until a fault kills the process; says whether it did.
    pub fn run_until_killed(&mut self, steps: u64) -> bool {
        let work = std::panic::AssertUnwindSafe(|| {
            if self.volume.is_none() {
                self.create();
            }
            self.run(steps);
        });
        let result = std::panic::catch_unwind(work);
        // What is dropped here writes nothing: it is how the process's memory goes.
        self.dir.no_hook();
        self.volume = None;
        match result {
            Ok(()) => false,
            Err(payload) if payload.is::<Killed>() => true,
            Err(payload) => std::panic::resume_unwind(payload),
        }
    }

    /// Opens a crash image under the next boot.
    pub fn open_image(&self, image: &SimDir, capacity: u64) -> Result<Volume, Error> {
        let mut host = self.host.clone();
        (host.dir, host.run) = (Arc::new(image.clone()), Arc::new(SimRun::new(2)));
        let spec = VolumeSpec { capacity, epoch: 2, ..self.spec.clone() };
        Volume::open_on(&host, &spec, Arc::clone(&self.base))
    }
}

/// All bytes of a device.
pub fn content(device: &dyn BlockSource) -> Vec<u8> {
    let mut bytes = vec![0xee; device.size() as usize];
    device.read_at(0, &mut bytes).unwrap();
    bytes
}

impl Rig {
    /// Makes the volume on an empty simulated host.
    pub fn create_anew(&mut self) {
        self.dir = SimDir::new(1);
        self.host.dir = Arc::new(self.dir.clone());
        self.create();
    }
}

//! What the tests of the sealed side share: a reference disk, and an object store that counts,
//! fails and forgets.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use base::{Entropy, SeededEntropy};
use blocks::{
    BlockSource, CaptureSource, Error,
    sealed::{
        CaptureLog, CaptureOptions, ChunkStore, ReadCache, RecordedPack, RootId, RootKey, Sealed,
        SealedImage, seal,
    },
};
use futures::{FutureExt, TryStreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    memory::InMemory, path::Path,
};
use parking_lot::Mutex;

/// Bytes per block of the reference disk.
pub const BLOCK: u64 = 4096;

/// Seeds a test runs: `ECTYPE_SEEDS`, or a few.
pub fn seeds(few: u64) -> Range<u64> {
    let count = std::env::var("ECTYPE_SEEDS").ok().and_then(|n| n.parse().ok());
    0..count.unwrap_or(few)
}

/// A sparse disk in memory that knows which blocks were written.
pub struct Disk {
    /// In bytes.
    pub capacity: u64,
    /// Written blocks, by number.
    pub blocks: BTreeMap<u64, Vec<u8>>,
    /// Blocks that were written since the last capture.
    pub dirty: BTreeSet<u64>,
    /// How many chunks were read by captures.
    pub chunk_reads: AtomicU64,
}

impl Disk {
    /// An empty disk.
    pub fn new(capacity: u64) -> Self {
        Self {
            capacity,
            blocks: BTreeMap::new(),
            dirty: BTreeSet::new(),
            chunk_reads: AtomicU64::new(0),
        }
    }

    /// Writes one block, cut at the capacity.
    pub fn write(&mut self, block: u64, mut bytes: Vec<u8>) {
        bytes.resize(BLOCK as usize, 0);
        let inside = self.capacity.saturating_sub(block * BLOCK).min(BLOCK) as usize;
        bytes[inside..].fill(0);
        self.dirty.insert(block);
        self.blocks.insert(block, bytes);
    }

    /// Random writes: noise, text and zeros, alone and in runs.
    pub fn scribble(&mut self, random: &SeededEntropy, writes: u64) {
        let blocks = self.capacity.div_ceil(BLOCK);
        for _ in 0..writes {
            let first = random.next_u64() % blocks;
            let run = 1 + random.next_u64() % 4;
            for block in first..(first + run).min(blocks) {
                let mut bytes = vec![0; BLOCK as usize];
                match random.next_u64() % 4 {
                    0 => {}
                    1 => bytes = format!("block {block} ").into_bytes().repeat(400),
                    _ => random.fill(&mut bytes),
                }
                bytes.truncate(BLOCK as usize);
                self.write(block, bytes);
            }
        }
        // The last block is where tails go wrong.
        if random.next_u64().is_multiple_of(2) {
            self.write(blocks - 1, vec![0xEE; BLOCK as usize]);
        }
    }

    /// Fills `out` from `offset`.
    pub fn read(&self, offset: u64, out: &mut [u8]) {
        out.fill(0);
        let end = offset + out.len() as u64;
        for (block, bytes) in self.blocks.range(offset / BLOCK..end.div_ceil(BLOCK)) {
            let start = block * BLOCK;
            let (from, to) = (start.max(offset), (start + BLOCK).min(end));
            out[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&bytes[(from - start) as usize..(to - start) as usize]);
        }
    }
}

impl CaptureSource for Disk {
    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn dirty_chunks(&self, chunk_size: u64) -> Vec<u64> {
        let chunks: BTreeSet<u64> =
            self.dirty.iter().map(|block| block * BLOCK / chunk_size).collect();
        chunks.into_iter().collect()
    }

    fn read_chunk(&self, index: u64, chunk_size: u64, out: &mut [u8]) -> Result<(), Error> {
        self.chunk_reads.fetch_add(1, Ordering::SeqCst);
        self.read(index * chunk_size, out);
        Ok(())
    }
}

/// Invariant 7: the image's bytes are the disk's, and its extents tell holes that are holes.
pub fn assert_same(image: &SealedImage, disk: &Disk, what: &str) {
    assert_eq!(image.size(), disk.capacity, "{what}");
    let mut at = 0;
    for extent in image.extents(0, disk.capacity).unwrap() {
        assert!(extent.length > 0, "{what}");
        let end = at + extent.length;
        if extent.hole {
            let inside = disk.blocks.range(at / BLOCK..end.div_ceil(BLOCK));
            for (block, bytes) in inside {
                assert!(bytes.iter().all(|b| *b == 0), "{what}: block {block} is in a hole");
            }
        } else {
            same_range(image, disk, at..end, what);
        }
        at = end;
    }
    assert_eq!(at, disk.capacity, "{what}");
}

fn same_range(image: &SealedImage, disk: &Disk, range: Range<u64>, what: &str) {
    let mut at = range.start;
    while at < range.end {
        let length = (range.end - at).min(1 << 20) as usize;
        let (mut got, mut want) = (vec![9; length], vec![7; length]);
        image.read_at(at, &mut got).unwrap();
        disk.read(at, &mut want);
        assert!(got == want, "{what}: bytes {at}+{length} differ");
        at += length as u64;
    }
}

/// What goes wrong at a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is stored; the disk is full.
    Full,
    /// Nothing is stored; an I/O error.
    Error,
    /// It is stored, and the answer is lost.
    ErrorAfter,
    /// The answer is good, and nothing is stored.
    Lost,
    /// The answer is an error, and it is stored after the next put.
    Late,
}

impl Fault {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::Full, Self::Error, Self::ErrorAfter, Self::Lost, Self::Late];
}

/// What goes wrong at a get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetFault {
    /// An I/O error.
    Error,
    /// Fewer bytes than were asked for.
    Short,
}

#[derive(Debug, Default)]
struct Shared {
    inner: InMemory,
    puts: AtomicU64,
    gets: AtomicU64,
    get_bytes: AtomicU64,
    lists: AtomicU64,
    fault: Mutex<Option<(u64, Fault)>>,
    get_fault: Mutex<Option<(u64, GetFault)>>,
    late: Mutex<Vec<(Path, PutPayload)>>,
    seen: Mutex<Vec<Vec<u8>>>,
    unreadable: Mutex<Option<String>>,
}

/// An object store in memory that counts what it is asked, keeps a copy of everything that was
/// ever put, and goes wrong on demand.
#[derive(Clone, Debug, Default)]
pub struct Probe(Arc<Shared>);

impl std::fmt::Display for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Probe")
    }
}

impl Probe {
    /// Opens the store, as another process would.
    pub fn store(&self) -> ChunkStore {
        ChunkStore::open_over(Arc::new(self.clone()), None).unwrap()
    }

    /// An object store with a fresh chunk store in it.
    pub fn created(seed: u64) -> (Self, Arc<ChunkStore>) {
        let probe = Self::default();
        let objects = Arc::new(probe.clone());
        let store = ChunkStore::create_over(objects, None, &SeededEntropy::new(seed)).unwrap();
        (probe, Arc::new(store))
    }

    /// Lets put number `at` from now on go wrong, once.
    pub fn fail_put(&self, at: u64, fault: Fault) {
        *self.0.fault.lock() = Some((self.puts() + at, fault));
    }

    /// Lets get number `at` from now on go wrong, once.
    pub fn fail_get(&self, at: u64, fault: GetFault) {
        *self.0.get_fault.lock() = Some((self.gets() + at, fault));
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        *self.0.fault.lock() = None;
        *self.0.get_fault.lock() = None;
    }

    /// Stores what is late.
    pub fn deliver_late(&self) {
        for (location, payload) in std::mem::take(&mut *self.0.late.lock()) {
            self.0.inner.put(&location, payload).now_or_never().unwrap().unwrap();
        }
    }

    /// Every object that there is, with its bytes, ordered by key.
    pub fn objects(&self) -> Vec<(String, Vec<u8>)> {
        let all: Vec<ObjectMeta> =
            self.0.inner.list(None).try_collect().now_or_never().unwrap().unwrap();
        let mut out: Vec<_> = all
            .into_iter()
            .map(|one| {
                let got = self.0.inner.get(&one.location).now_or_never().unwrap().unwrap();
                let bytes = got.bytes().now_or_never().unwrap().unwrap();
                (one.location.to_string(), bytes.to_vec())
            })
            .collect();
        out.sort();
        out
    }

    /// Changes an object behind the store's back.
    pub fn overwrite(&self, key: &str, bytes: Vec<u8>) {
        self.0.inner.put(&key.into(), bytes.into()).now_or_never().unwrap().unwrap();
    }

    /// Lets every read of one object fail, until told otherwise.
    pub fn break_reads_of(&self, key: Option<String>) {
        *self.0.unreadable.lock() = key;
    }

    /// Puts so far.
    pub fn puts(&self) -> u64 {
        self.0.puts.load(Ordering::SeqCst)
    }

    /// Gets so far.
    pub fn gets(&self) -> u64 {
        self.0.gets.load(Ordering::SeqCst)
    }

    /// Bytes that gets gave so far.
    pub fn get_bytes(&self) -> u64 {
        self.0.get_bytes.load(Ordering::SeqCst)
    }

    /// Lists so far.
    pub fn lists(&self) -> u64 {
        self.0.lists.load(Ordering::SeqCst)
    }

    /// Every object that anybody ever tried to put.
    pub fn everything_put(&self) -> Vec<Vec<u8>> {
        self.0.seen.lock().clone()
    }
}

fn io_error(kind: io::ErrorKind) -> object_store::Error {
    object_store::Error::Generic { store: "probe", source: Box::new(io::Error::from(kind)) }
}

#[async_trait::async_trait]
impl ObjectStore for Probe {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> object_store::Result<PutResult> {
        let number = self.0.puts.fetch_add(1, Ordering::SeqCst);
        self.0.seen.lock().push(payload.iter().flat_map(|part| part.to_vec()).collect());
        let fault = self.0.fault.lock().filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        match fault {
            Some(Fault::Full) => return Err(io_error(io::ErrorKind::StorageFull)),
            Some(Fault::Error) => return Err(io_error(io::ErrorKind::Other)),
            Some(Fault::Lost) => {
                let elsewhere = Path::from("lost");
                return self.0.inner.put_opts(&elsewhere, payload, PutOptions::default()).await;
            }
            Some(Fault::Late) => {
                self.0.late.lock().push((location.clone(), payload));
                return Err(io_error(io::ErrorKind::TimedOut));
            }
            Some(Fault::ErrorAfter) | None => {}
        }
        let late = !self.0.late.lock().is_empty();
        let result = self.0.inner.put_opts(location, payload, opts).await?;
        if late {
            self.deliver_late();
        }
        match fault {
            Some(_) => Err(io_error(io::ErrorKind::TimedOut)),
            None => Ok(result),
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.0.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(
        &self,
        location: &Path,
        mut options: GetOptions,
    ) -> object_store::Result<GetResult> {
        let head = options.head;
        if !head && self.0.unreadable.lock().as_deref() == Some(location.as_ref()) {
            return Err(io_error(io::ErrorKind::Other));
        }
        let number = self.0.gets.load(Ordering::SeqCst);
        let fault = self.0.get_fault.lock().filter(|(at, _)| !head && *at == number);
        if let Some((_, fault)) = fault {
            self.0.gets.fetch_add(1, Ordering::SeqCst);
            match (fault, &options.range) {
                (GetFault::Short, Some(GetRange::Bounded(range)))
                    if range.end > range.start + 1 =>
                {
                    let half = range.start + (range.end - range.start) / 2;
                    options.range = Some(GetRange::Bounded(range.start..half));
                }
                _ => return Err(io_error(io::ErrorKind::Other)),
            }
            return self.0.inner.get_opts(location, options).await;
        }
        let result = self.0.inner.get_opts(location, options).await?;
        if !head {
            self.0.gets.fetch_add(1, Ordering::SeqCst);
            let bytes = result.range.end - result.range.start;
            self.0.get_bytes.fetch_add(bytes, Ordering::SeqCst);
        }
        Ok(result)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.0.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.0.lists.fetch_add(1, Ordering::SeqCst);
        self.0.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.0.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.0.inner.copy_opts(from, to, options).await
    }
}

/// Entropy that refuses to give the same 32 bytes twice and counts keys (invariant 19).
pub struct KeyWitness {
    inner: SeededEntropy,
    keys: Mutex<BTreeSet<[u8; 32]>>,
}

impl KeyWitness {
    /// Randomness from a seed.
    pub fn new(seed: u64) -> Self {
        Self { inner: SeededEntropy::new(seed), keys: Mutex::default() }
    }

    /// Keys drawn so far.
    pub fn keys(&self) -> u64 {
        self.keys.lock().len() as u64
    }
}

impl Entropy for KeyWitness {
    fn fill(&self, out: &mut [u8]) {
        self.inner.fill(out);
        if let Ok(key) = <[u8; 32]>::try_from(&*out) {
            assert!(self.keys.lock().insert(key), "a key was drawn twice");
        }
    }
}

/// A log in memory that may fail at one record, and keeps what a job row would keep.
#[derive(Default)]
pub struct MemoryLog {
    rows: Mutex<Vec<Vec<u8>>>,
    /// The record that fails, counted from 0.
    pub fail_at: Mutex<Option<usize>>,
}

impl MemoryLog {
    /// Key -> record id of every chunk recorded.
    pub fn keys(&self) -> HashMap<Vec<u8>, Vec<u8>> {
        let mut out = HashMap::new();
        for row in self.rows.lock().iter() {
            for chunk in row[64..].chunks_exact(80) {
                let before = out.insert(chunk[48..].to_vec(), chunk[16..48].to_vec());
                assert!(before.is_none(), "one key sealed two chunks");
            }
        }
        out
    }

    /// Packs recorded so far.
    pub fn rows(&self) -> usize {
        self.rows.lock().len()
    }
}

impl CaptureLog for MemoryLog {
    fn recorded(&self) -> Result<Vec<RecordedPack>, Error> {
        self.rows.lock().iter().map(|row| RecordedPack::from_bytes(row)).collect()
    }

    fn record(&self, pack: &RecordedPack) -> Result<(), Error> {
        let mut rows = self.rows.lock();
        if *self.fail_at.lock() == Some(rows.len()) {
            return Err(Error::Cancelled);
        }
        rows.push(pack.to_bytes().to_vec());
        Ok(())
    }
}

/// Opens an image that must open.
pub fn open(store: &Arc<ChunkStore>, root: RootId, key: &RootKey) -> SealedImage {
    try_open(store, root, key).unwrap()
}

/// Opens with a cache of its own.
pub fn try_open(
    store: &Arc<ChunkStore>,
    root: RootId,
    key: &RootKey,
) -> Result<SealedImage, Error> {
    SealedImage::open(Arc::clone(store), root, key, Arc::new(ReadCache::new(64 << 20)))
}

/// A capture with chunks and packs of the given sizes.
pub fn capture(
    store: &ChunkStore,
    base: Option<&Sealed>,
    disk: &Disk,
    op_sequence: u64,
    (chunk_size, pack_size): (u64, u64),
) -> Sealed {
    let entropy = SeededEntropy::new(op_sequence + 1000);
    let options =
        CaptureOptions { chunk_size, pack_size, ..CaptureOptions::new(op_sequence, &entropy) };
    seal(store, base.map(|b| (b.root_id, &b.root_key)), disk, &options).unwrap()
}

//! What is served: the same seeded bytes in a write layer, in sealed images, in raw files and in
//! QEMU's disk files.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use anyhow::Context;
use base::OsEntropy;
use blocks::{
    BlockDevice, CaptureSource, Error,
    layer::{NoBase, Volume, VolumeKey, VolumeSpec, provision},
    sealed::{CACHE_BYTES_DEFAULT, CaptureOptions, ChunkStore, Sealed, seal},
};
use export::{ExportConfig, SealedRoot, Secret, Subject, VolumeSubject};

use super::{content, installed};

const MIB: u64 = 1 << 20;
/// What the write layer and its peers hold.
const LAYER_BYTES: u64 = 128 * MIB;
/// An image that fits into the cache of decoded chunks.
const SMALL_BYTES: u64 = 64 * MIB;
/// An image that does not.
const IMAGE_BYTES: u64 = 512 * MIB;
/// Size of the volumes that idle.
const IDLE_BYTES: u64 = 100_000_000_000;
const KEY: [u8; 32] = [0x42; 32];
const FORGET: &str = "/proc/sys/vm/drop_caches";

/// A disk and its server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ours: a volume of which every block was written.
    Layer,
    /// Ours: an image that fits into the cache.
    ImageInCache,
    /// Ours: a larger image.
    Image,
    Raw,
    SmallRaw,
    Luks,
    Compressed,
}

impl Kind {
    /// As a figure names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Layer | Self::ImageInCache | Self::Image => "ectype",
            Self::Raw | Self::SmallRaw => "qemu-nbd, raw file",
            Self::Luks => "qemu-nbd, qcow2 with LUKS",
            Self::Compressed => "qemu-nbd, qcow2 with zstd",
        }
    }

    /// Whether its server is installed.
    pub fn found(self) -> bool {
        self.name() == "ectype" || (installed("qemu-nbd") && installed("qemu-img"))
    }
}

/// The disks, in one folder.
pub struct Disks {
    folder: PathBuf,
    /// Live maps; on tmpfs, as in a region.
    live: tempfile::TempDir,
    image: Sealed,
    small: Sealed,
}

/// Whether this process may empty the host's page cache.
pub fn can_forget() -> bool {
    File::options().write(true).open(FORGET).is_ok()
}

/// Empties the host's page cache.
pub fn forget_cache() -> anyhow::Result<()> {
    rustix::fs::sync();
    let mut file = File::options().write(true).open(FORGET)?;
    file.write_all(b"3").context("empty the page cache")
}

impl Disks {
    /// Makes all of them.
    pub fn make(folder: &Path) -> anyhow::Result<Self> {
        eprintln!("ectype: making the disks");
        let shm = Path::new("/dev/shm");
        let near = if shm.is_dir() { shm } else { folder };
        let live = tempfile::Builder::new().prefix("ectype-bench-").tempdir_in(near)?;
        let store = Arc::new(ChunkStore::create(&folder.join("store"), &OsEntropy)?);
        let image = seal_bytes(&store, 1, Bytes(IMAGE_BYTES))?;
        let small = seal_bytes(&store, 2, Bytes(SMALL_BYTES))?;
        let disks = Self { folder: folder.to_owned(), live, image, small };
        disks.make_layer()?;
        for (kind, bytes) in [(Kind::Raw, LAYER_BYTES), (Kind::SmallRaw, SMALL_BYTES)] {
            write_raw(&disks.path(kind), bytes)?;
        }
        if Kind::Luks.found() {
            disks.make_peers()?;
        }
        Ok(disks)
    }

    fn path(&self, kind: Kind) -> PathBuf {
        self.folder.join(match kind {
            Kind::Layer => "layer",
            Kind::ImageInCache | Kind::Image => "store",
            Kind::Raw => "disk.raw",
            Kind::SmallRaw => "small.raw",
            Kind::Luks => "luks.qcow2",
            Kind::Compressed => "zstd.qcow2",
        })
    }

    /// Size of what is measured.
    pub const fn bytes(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Layer | Kind::Raw | Kind::Luks => LAYER_BYTES,
            Kind::ImageInCache | Kind::SmallRaw => SMALL_BYTES,
            Kind::Image | Kind::Compressed => IMAGE_BYTES,
        }
    }

    /// What an engine of ours is told; nothing for a peer.
    pub fn config(&self, kind: Kind) -> Option<ExportConfig> {
        let image = |sealed| Subject::Image(root_of(sealed));
        let subject = match kind {
            Kind::Layer => Subject::Volume(self.volume("layer", LAYER_BYTES, None)),
            Kind::ImageInCache => image(&self.small),
            Kind::Image => image(&self.image),
            Kind::Raw | Kind::SmallRaw | Kind::Luks | Kind::Compressed => return None,
        };
        Some(self.export("disk", subject))
    }

    fn export(&self, id: &str, subject: Subject) -> ExportConfig {
        ExportConfig {
            id: id.to_owned(),
            store_dir: self.folder.join("store"),
            // One engine on the host: all of the host's budget is its share.
            cache_bytes: CACHE_BYTES_DEFAULT,
            subject,
        }
    }

    fn volume(&self, name: &str, capacity_bytes: u64, base: Option<SealedRoot>) -> VolumeSubject {
        VolumeSubject {
            layer_dir: self.folder.join(name),
            run_dir: self.live.path().to_owned(),
            capacity_bytes,
            generation: 1,
            epoch: 1,
            base,
            volume_key: Secret::new(KEY),
            read_only: false,
        }
    }

    /// Id of the idle volume of that number.
    pub fn idle_id(n: u64) -> String {
        format!("idle-{n}")
    }

    /// A volume over the image, to which nothing was written.
    pub fn idle_volume(&self, n: u64) -> anyhow::Result<ExportConfig> {
        let id = Self::idle_id(n);
        let subject = self.volume(&id, IDLE_BYTES, Some(root_of(&self.image)));
        let base = self.image.root_id.0;
        provision(&spec_of(&id, &subject, Some(base)), IMAGE_BYTES)?;
        Ok(self.export(&id, Subject::Volume(subject)))
    }

    fn make_layer(&self) -> anyhow::Result<()> {
        let subject = self.volume("layer", LAYER_BYTES, None);
        let volume = Volume::create(spec_of("disk", &subject, None), Arc::new(NoBase))?;
        let mut bytes = vec![0; MIB as usize];
        for at in (0..LAYER_BYTES).step_by(bytes.len()) {
            content::fill(at, &mut bytes);
            volume.write_at(at, &bytes, false)?;
        }
        volume.flush()?;
        volume.close().context("close the volume")
    }

    fn make_peers(&self) -> anyhow::Result<()> {
        let secret = self.folder.join("passphrase");
        std::fs::write(&secret, "ectype bench")?;
        let (raw, luks) = (self.path(Kind::Raw), self.path(Kind::Luks));
        let mut create = Command::new("qemu-img");
        create.args(["create", "-q", "-f", "qcow2", "--object", &self.secret()]);
        create.args(["-o", "encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10"]);
        run(create.arg(&luks).arg(LAYER_BYTES.to_string()))?;
        let mut convert = Command::new("qemu-img");
        convert.args(["convert", "-n", "--object", &self.secret(), "--image-opts"]);
        convert.args(["--target-image-opts", "-S", "0"]);
        convert.arg(format!("driver=raw,file.filename={}", raw.display()));
        run(convert.arg(self.luks_options()))?;
        let large = self.folder.join("large.raw");
        write_raw(&large, IMAGE_BYTES)?;
        let mut compress = Command::new("qemu-img");
        compress.args(["convert", "-c", "-f", "raw", "-O", "qcow2"]);
        compress.args(["-o", "compression_type=zstd"]);
        run(compress.arg(&large).arg(self.path(Kind::Compressed)))?;
        std::fs::remove_file(large)?;
        Ok(())
    }

    fn secret(&self) -> String {
        format!("secret,id=key,file={}", self.folder.join("passphrase").display())
    }

    fn luks_options(&self) -> String {
        let file = self.path(Kind::Luks);
        format!("driver=qcow2,encrypt.key-secret=key,file.filename={}", file.display())
    }

    /// Tells qemu-nbd what to serve.
    pub fn tell_peer(&self, kind: Kind, command: &mut Command) -> anyhow::Result<()> {
        match kind {
            Kind::Raw => command.args(["--format=raw"]).arg(self.path(kind)),
            Kind::SmallRaw => command.args(["--format=raw", "--read-only"]).arg(self.path(kind)),
            Kind::Compressed => {
                command.args(["--format=qcow2", "--read-only"]).arg(self.path(kind))
            }
            Kind::Luks => {
                command.args(["--object", &self.secret(), "--image-opts"]).arg(self.luks_options())
            }
            Kind::Layer | Kind::ImageInCache | Kind::Image => anyhow::bail!("not a peer's disk"),
        };
        Ok(())
    }
}

fn write_raw(path: &Path, bytes: u64) -> anyhow::Result<()> {
    let mut file = File::create(path).with_context(|| format!("write {}", path.display()))?;
    let mut piece = vec![0; MIB as usize];
    for at in (0..bytes).step_by(piece.len()) {
        content::fill(at, &mut piece);
        file.write_all(&piece)?;
    }
    Ok(file.sync_all()?)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| program.clone())?;
    anyhow::ensure!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn root_of(sealed: &Sealed) -> SealedRoot {
    SealedRoot { root_id: sealed.root_id, root_key: Secret::new(*sealed.root_key.expose()) }
}

fn spec_of(id: &str, volume: &VolumeSubject, base_root: Option<[u8; 32]>) -> VolumeSpec {
    VolumeSpec {
        dir: volume.layer_dir.clone(),
        run_dir: volume.run_dir.clone(),
        volume: id.to_owned(),
        capacity: volume.capacity_bytes,
        generation: volume.generation,
        base_root,
        key: VolumeKey::new(*volume.volume_key.expose()),
        epoch: volume.epoch,
    }
}

/// So many of the seeded bytes, as the source of an image.
struct Bytes(u64);

impl CaptureSource for Bytes {
    fn capacity(&self) -> u64 {
        self.0
    }

    fn dirty_chunks(&self, chunk_size: u64) -> Vec<u64> {
        (0..self.0.div_ceil(chunk_size)).collect()
    }

    fn read_chunk(&self, index: u64, chunk_size: u64, out: &mut [u8]) -> Result<(), Error> {
        content::fill(index * chunk_size, out);
        Ok(())
    }
}

fn seal_bytes(store: &ChunkStore, op: u64, bytes: Bytes) -> anyhow::Result<Sealed> {
    Ok(seal(store, None, &bytes, &CaptureOptions::new(op, &OsEntropy))?)
}

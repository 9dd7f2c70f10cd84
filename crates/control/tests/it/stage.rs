//! Stages: regions that tests begin with, made once and copied for each.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use base::{
    ByteCount, Clock, ImageId, InstanceId, KeyId, ManualClock, SeededEntropy, SubnetId, Timestamp,
    VolumeId,
};
use ectype_control::{
    Control, Credentials, KeyCreate, RequestContext, StockImage, SubnetCreate, SubnetRange,
    VpcCreate,
};
use meta::ImageFilter;
use model::{ImageView, Initiator, SshKeyType};
use policy::Caller;
use tokio::sync::OnceCell;

use crate::{
    disk::Disk,
    objects::Objects,
    process::{Options, folder, open},
    world::{GB, OS, World, page, zone},
};

/// Blocks of the stock image that are not zeros.
const STOCK_BLOCKS: u64 = 150;
/// Writes of the guest of the second stage.
const GUEST_WRITES: usize = 30;
/// An SSH key.
const SSH_KEY: &str = "ssh-ed25519 \
    AAAAC3NzaC1lZDI1NTE5AAAAIF5AdgZgbFkXcsOEKDZRHiT5/wuiKURMCEJgVzhtOjMK someone@somewhere";

/// An account with a network.
#[derive(Clone)]
pub struct Tenant {
    pub ctx: RequestContext,
    pub subnet: SubnetId,
    pub key: KeyId,
}

/// An instance with its boot volume.
#[derive(Clone, Debug)]
pub struct Vm {
    pub id: InstanceId,
    pub volume: VolumeId,
}

/// What a stage made.
#[derive(Clone)]
pub struct Facts {
    pub a: Tenant,
    pub b: Tenant,
    pub stock: ImageId,
    pub stock_disk: Disk,
    /// The second stage's stopped instance, and what is on its disk.
    pub vm: Option<(Vm, Disk)>,
    /// The third stage's image of that disk.
    pub image: Option<ImageId>,
    now: Timestamp,
}

/// A region as a stage left it.
type Stage = (PathBuf, Facts);

impl World {
    /// A region with two accounts, each with a network, and one stock image.
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        static STAGE: OnceCell<Stage> = OnceCell::const_new();
        let stage = STAGE.get_or_init(|| async { make_stage("first", first_stage().await).await });
        Self::copy_of(stage.await, options).await
    }

    /// As [`Self::new`], with a stopped instance whose guest has written to its boot volume.
    pub async fn with_stopped() -> (Self, Vm, Disk) {
        Self::with_stopped_and(Options::default()).await
    }

    pub async fn with_stopped_and(options: Options) -> (Self, Vm, Disk) {
        static STAGE: OnceCell<Stage> = OnceCell::const_new();
        let stage =
            STAGE.get_or_init(|| async { make_stage("second", second_stage().await).await });
        let world = Self::copy_of(stage.await, options).await;
        let (vm, disk) = world.facts.vm.clone().unwrap();
        (world, vm, disk)
    }

    /// As [`Self::with_stopped`], with an available image of that volume.
    pub async fn with_image() -> (Self, Vm, Disk, ImageId) {
        static STAGE: OnceCell<Stage> = OnceCell::const_new();
        let stage = STAGE.get_or_init(|| async { make_stage("third", third_stage().await).await });
        let world = Self::copy_of(stage.await, Options::default()).await;
        let ((vm, disk), image) = world.facts.vm.clone().zip(world.facts.image.clone()).unwrap();
        (world, vm, disk, image)
    }

    async fn copy_of((from, facts): &Stage, options: Options) -> Self {
        let folder = folder();
        copy(from, folder.path());
        let clock = Arc::new(ManualClock::at(facts.now));
        let store = folder.path().join("store");
        let objects = options.faulty_objects.then(|| Objects::over(&store));
        let opened = open(folder.path(), &clock, &options, objects.as_ref()).await.0;
        let world = Self {
            folder,
            options,
            opened: Mutex::new(opened),
            clock,
            objects,
            facts: facts.clone(),
        };
        world.begin().await;
        world
    }
}

fn context(of: &Credentials) -> RequestContext {
    let owner = of.owner.clone();
    let initiator = Initiator {
        id: owner.to_string(),
        name: "owner".to_owned(),
        type_uri: "service/security/account/user".to_owned(),
        credential: "apikey".to_owned(),
        address: "127.0.0.1".to_owned(),
        agent: "test".to_owned(),
    };
    RequestContext {
        caller: Caller { principal: owner, account: of.account.clone(), owner: true },
        initiator,
        request_id: "request-1".to_owned(),
        api_version: "2026-11-24".to_owned(),
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp")
        .args(["-a", "--sparse=always"])
        .arg(from.join("."))
        .arg(to)
        .status()
        .unwrap();
    assert!(copied.success(), "copy {} to {}", from.display(), to.display());
}

/// Keeps the folder of a stage for as long as this process runs, and clears away those of
/// processes that are gone.
async fn make_stage(name: &str, world: World) -> Stage {
    world.store().close().await;
    let stages = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in std::fs::read_dir(stages).into_iter().flatten().flatten() {
        let gone = entry
            .file_name()
            .to_str()
            .and_then(|name| name.strip_prefix("stages-"))
            .is_some_and(|pid| !Path::new("/proc").join(pid).exists());
        if gone {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let kept = stages.join(format!("stages-{}", std::process::id())).join(name);
    std::fs::create_dir_all(&kept).unwrap();
    copy(world.folder.path(), &kept);
    let facts = Facts { now: world.clock.wall().plus(Duration::from_secs(1)), ..world.facts };
    (kept, facts)
}

async fn first_stage() -> World {
    let folder = folder();
    let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-11-24T10:00:00Z").unwrap()));
    let options = Options::default();
    let (opened, credentials) = open(folder.path(), &clock, &options, None).await;
    let region = &opened.region;
    let a = tenant(region, &credentials.unwrap()).await;
    let b = tenant(region, &region.account_create("second").await.unwrap()).await;
    let stock_disk = Disk::noisy(&SeededEntropy::new(1), STOCK_BLOCKS);
    let stock = stock_add(region, folder.path(), "stock-1", &stock_disk).await;
    let facts = Facts { a, b, stock, stock_disk, vm: None, image: None, now: clock.wall() };
    World { folder, options, opened: Mutex::new(opened), clock, objects: None, facts }
}

async fn second_stage() -> World {
    let mut world = World::new().await;
    let vm = world.boot_and_stop(&world.facts.stock.clone()).await;
    let disk = world.guest_writes(&vm, world.facts.stock_disk.clone(), 2, GUEST_WRITES).await;
    world.facts.vm = Some((vm, disk));
    world
}

async fn third_stage() -> World {
    let (mut world, vm, _) = World::with_stopped().await;
    world.facts.image = Some(world.capture(&vm.volume).await.image.head.id);
    world
}

async fn tenant(region: &Arc<Control>, of: &Credentials) -> Tenant {
    let ctx = context(of);
    let vpc = region.vpc_create(&ctx, VpcCreate::default()).await.unwrap();
    let range = SubnetRange::Count { count: 256, zone: zone() };
    let subnet = SubnetCreate {
        name: None,
        group: None,
        vpc: vpc.vpc.head.id,
        range,
        acl: None,
        routing_table: None,
        public_gateway: None,
    };
    let subnet = region.subnet_create(&ctx, subnet).await.unwrap().subnet.head.id;
    let kind = SshKeyType::Ed25519;
    let key = KeyCreate { name: None, group: None, kind, public_key: SSH_KEY.to_owned() };
    let key = region.key_create(&ctx, key).await.unwrap().0.head.id;
    Tenant { ctx, subnet, key }
}

/// Adds a stock image of a sparse 100 GB file.
pub async fn stock_add(region: &Arc<Control>, folder: &Path, name: &str, disk: &Disk) -> ImageId {
    let file = folder.join("stock.raw");
    disk.save(&file, 100 * GB);
    let stock =
        StockImage { name: name.to_owned(), operating_system: OS.to_owned(), file: file.clone() };
    assert!(region.stock_add(stock.clone()).await.unwrap(), "{name} was there already");
    assert!(!region.stock_add(stock).await.unwrap(), "{name} was added twice");
    std::fs::remove_file(file).unwrap();
    let stock = stock_by_name(region, name).await;
    assert_eq!(stock.image.capacity, ByteCount(100 * GB));
    stock.image.head.id
}

/// The stock image of that name, as any account sees it.
pub async fn stock_by_name(region: &Arc<Control>, name: &str) -> ImageView {
    let anyone = region.account_create(&format!("anyone-{name}")).await.unwrap();
    let filter = ImageFilter { name: Some(name.to_owned()), ..ImageFilter::default() };
    let found = region.images(&context(&anyone), filter, page(10)).await.unwrap();
    found.items.into_iter().next().unwrap()
}

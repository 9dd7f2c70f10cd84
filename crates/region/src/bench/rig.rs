//! A region to measure: the real one with fake guests, in a folder of its own, without HTTP.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use base::{ByteCount, Clock, ImageId, InstanceId, RegionName, SubnetId, VolumeId};
use control::{
    ActionCreate, BootVolume, Control, Credentials, ImageCreate, ImageFilter, InstanceCreate,
    InstanceNetwork, NewVolume, NicCreate, Page, RequestContext, SubnetCreate, SubnetRange,
    VolumeSource, VpcCreate, Workers,
};
use model::{
    ActionKind, HostFailurePolicy, ImageStatus, Initiator, InstanceStatus, IpRequest,
    MetadataService,
};

use crate::{
    catalog,
    data_dir::DataDir,
    settings::{ComputeChoice, ServeArgs, Settings},
    standing, wiring,
};

/// How often a row is looked at while a job is awaited; part of what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How long a job may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// The region.
pub struct Rig {
    /// Time, for measuring.
    pub clock: base::SystemClock,
    region: Arc<Control>,
    store: PathBuf,
    /// What works off its jobs, and its folder; another account's rig has neither.
    home: Option<(Workers, DataDir)>,
    ctx: RequestContext,
    subnet: SubnetId,
    stock: ImageId,
}

/// An instance and its boot volume.
pub struct Made {
    /// The instance.
    pub instance: InstanceId,
    /// Its boot volume.
    pub volume: VolumeId,
}

/// Requests of an account's owner.
pub fn context(of: &Credentials) -> RequestContext {
    let owner = of.owner.clone();
    RequestContext {
        initiator: Initiator {
            id: owner.to_string(),
            name: "owner".to_owned(),
            type_uri: "service/security/account/user".to_owned(),
            credential: "apikey".to_owned(),
            address: "127.0.0.1".to_owned(),
            agent: "ectype bench".to_owned(),
        },
        caller: policy::Caller { principal: owner, account: of.account.clone(), owner: true },
        request_id: "bench".to_owned(),
        api_version: "2026-11-24".to_owned(),
    }
}

impl Rig {
    /// Makes a region with a network in `folder`, and lets its jobs run.
    pub async fn new(folder: &Path) -> anyhow::Result<Self> {
        let (data, wiring::Opened { region, .. }, credentials) = open(&folder.join("data")).await?;
        let (ctx, subnet) = tenant(&region, &credentials).await?;
        let images = Page { limit: 10, after: None };
        let images = region.images(&ctx, ImageFilter::default(), images).await?;
        let stock = images.items.into_iter().next().context("there is no stock image")?;
        let (stock, workers) = (stock.image.head.id, region.work());
        let clock = base::SystemClock::new();
        let store = data.path("store");
        Ok(Self { clock, region, store, home: Some((workers, data)), ctx, subnet, stock })
    }

    /// The same region for a new account, with a network of its own.
    pub async fn neighbour(&self) -> anyhow::Result<Self> {
        let credentials = self.region.account_create("neighbour").await?;
        let (ctx, subnet) = tenant(&self.region, &credentials).await?;
        Ok(Self {
            clock: base::SystemClock::new(),
            region: Arc::clone(&self.region),
            store: self.store.clone(),
            home: None,
            ctx,
            subnet,
            stock: self.stock.clone(),
        })
    }

    /// The region's use cases.
    pub fn region(&self) -> &Arc<Control> {
        &self.region
    }

    /// Where the packs of its images lie.
    pub fn store(&self) -> PathBuf {
        self.store.clone()
    }

    /// Asks for an instance of the stock image, with a boot volume of `capacity`.
    pub async fn instance_create(&self, capacity: ByteCount) -> anyhow::Result<Made> {
        let volume = NewVolume { capacity: Some(capacity), ..NewVolume::default() };
        let source = VolumeSource::Image { image: self.stock.clone(), volume: Box::new(volume) };
        let want = InstanceCreate {
            name: None,
            group: None,
            zone: zone(self.region.region())?,
            vpc: None,
            profile: None,
            boot: BootVolume { attachment_name: None, delete_with_instance: None, source },
            data: Vec::new(),
            network: InstanceNetwork::Interfaces(vec![NicCreate {
                name: None,
                subnet: self.subnet.clone(),
                primary_ip: IpRequest::Any { name: None },
                security_groups: Vec::new(),
                allow_ip_spoofing: false,
            }]),
            keys: Vec::new(),
            user_data: None,
            metadata_service: MetadataService::default(),
            host_failure: HostFailurePolicy::Restart,
        };
        let view = self.region.instance_create(&self.ctx, want).await?;
        let volume = view.boot().context("an instance without boot volume")?.volume.id.clone();
        Ok(Made { instance: view.instance.head.id, volume })
    }

    /// Waits until an instance has that status.
    pub async fn instance_is(&self, id: &InstanceId, want: InstanceStatus) -> anyhow::Result<()> {
        let since = self.clock.monotonic();
        loop {
            let status = self.region.instance(&self.ctx, id).await?.instance.status;
            if status == want {
                return Ok(());
            }
            anyhow::ensure!(status != InstanceStatus::Failed, "instance {id} failed");
            self.patience(since, "an instance")?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Stops an instance.
    pub async fn stop(&self, id: &InstanceId) -> anyhow::Result<()> {
        let stop = ActionCreate { kind: ActionKind::Stop, force: true };
        self.region.instance_action(&self.ctx, id, stop).await?;
        self.instance_is(id, InstanceStatus::Stopped).await
    }

    /// Makes an image of a volume and waits until it is available.
    pub async fn image_make(&self, source: &VolumeId) -> anyhow::Result<()> {
        let since = self.clock.monotonic();
        let want = ImageCreate {
            name: None,
            group: None,
            source: source.clone(),
            encryption_key: None,
            deprecation_at: None,
            obsolescence_at: None,
            allowed_use: None,
        };
        let id = self.region.image_create(&self.ctx, want).await?.image.head.id;
        loop {
            let image = self.region.image(&self.ctx, &id).await?.image;
            match image.status {
                ImageStatus::Available => return Ok(()),
                ImageStatus::Pending => {}
                other => anyhow::bail!("image {id} is {other}: {:?}", image.status_reasons),
            }
            self.patience(since, "an image")?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn patience(&self, since: Duration, what: &str) -> anyhow::Result<()> {
        let waited = self.clock.monotonic().saturating_sub(since);
        anyhow::ensure!(waited < PATIENCE, "{what} took more than {} s", PATIENCE.as_secs());
        Ok(())
    }

    /// Ends the region.
    pub async fn end(self) -> anyhow::Result<()> {
        let Some((workers, data)) = self.home else { return Ok(()) };
        workers.stop(Duration::from_secs(10)).await;
        data.run_dir_remove()
    }
}

/// Opens a new region with a stock image and fake guests; the credentials are its first owner's.
pub async fn open(folder: &Path) -> anyhow::Result<(DataDir, wiring::Opened, Credentials)> {
    let args = ServeArgs {
        data: Some(folder.to_owned()),
        compute: Some(ComputeChoice::Fake),
        ..Default::default()
    };
    let settings = Settings::read(args)?;
    let data = DataDir::make(&settings.data)?;
    let mut opened = wiring::open(&settings, &data, standing::Standing::New).await?;
    let owner = opened.credentials.take().context("the folder held a region")?;
    catalog::ensure(&opened.region, false, data.root()).await?;
    Ok((data, opened, owner))
}

/// A caller that is the owner of an account, and a subnet of theirs.
async fn tenant(
    region: &Control,
    owner: &Credentials,
) -> anyhow::Result<(RequestContext, SubnetId)> {
    let ctx = context(owner);
    let vpc = region.vpc_create(&ctx, VpcCreate::default()).await?.vpc.head.id;
    let range = SubnetRange::Count { count: 4096, zone: zone(region.region())? };
    let subnet = SubnetCreate {
        name: None,
        group: None,
        vpc,
        range,
        acl: None,
        routing_table: None,
        public_gateway: None,
    };
    let subnet = region.subnet_create(&ctx, subnet).await?.subnet.head.id;
    Ok((ctx, subnet))
}

fn zone(region: &RegionName) -> anyhow::Result<base::ZoneName> {
    region.zones().into_iter().next().context("a region without zones")
}

/// Runs a benchmark that needs a region, in a folder that is removed afterwards.
pub fn with_folder<T>(
    dir: &Path,
    run: impl AsyncFnOnce(&Path) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let folder = tempfile::Builder::new().prefix("ectype-bench-").tempdir_in(dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(folder.path()))
}

//! A region in a folder of its own, which a test may shut down and open again, and short ways to
//! do what its users do.
//!
//! Next to read: `stage` for what a region begins with, `process` for what it is made of.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base::{Clock, ImageId, ManualClock, RegionName, SeededEntropy, Timestamp, VolumeId, ZoneName};
use blocks::sealed::ChunkStore;
use compute::Fake;
use ectype_control::{
    ActionCreate, BootVolume, Control, Error, ImageCreate, InstanceCreate, InstanceNetwork,
    NicCreate, RequestContext, VolumeSource,
};
use jobs::{JobRecord, JobStatus};
use meta::{JobStore, OutboxStore, Page, SqlStore};
use model::{
    ActionKind, Event, HostFailurePolicy, ImageView, IpRequest, MetadataService, Refusal,
    UsageRecord, VolumeView,
};
use policy::{InternalActor, SystemPermit};
use tempfile::TempDir;

pub use crate::stage::{Tenant, Vm};
use crate::{
    disk::Disk,
    objects::Objects,
    process::{Opened, Options, open},
    stage::Facts,
};

/// Leave of the region's operator.
pub const OPERATOR: SystemPermit = SystemPermit::of(InternalActor::Operator);
/// The operating system of the stock image.
pub const OS: &str = "debian-12-amd64";
/// Size of the stock image.
pub const GB: u64 = 1 << 30;

/// A region, its folder and its clock.
pub struct World {
    pub folder: TempDir,
    pub options: Options,
    pub opened: Mutex<Arc<Opened>>,
    pub clock: Arc<ManualClock>,
    pub objects: Option<Objects>,
    pub facts: Facts,
}

pub fn page(limit: u32) -> Page {
    Page { limit, after: None }
}

/// The rule that refused.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Whether a call found nothing of what it is about.
pub fn not_found<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::NotFound { .. }))
}

impl World {
    /// What a server does first.
    pub async fn begin(&self) {
        self.region().jobs_take_over().await.unwrap();
        self.region().adopt().await.unwrap();
    }

    /// What the running process has open.
    pub fn opened(&self) -> Arc<Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn region(&self) -> Arc<Control> {
        self.opened().region.clone()
    }

    pub fn store(&self) -> Arc<SqlStore> {
        self.opened().store.clone()
    }

    pub fn fake(&self) -> Arc<Fake> {
        self.opened().fake.clone()
    }

    pub fn chunks(&self) -> Arc<ChunkStore> {
        self.opened().storage.chunks().clone()
    }

    /// The folder of a volume's write layers.
    pub fn layers(&self, volume: &VolumeId) -> PathBuf {
        self.folder.path().join("volumes").join(volume.as_str())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The first account's context.
    pub fn ctx(&self) -> &RequestContext {
        &self.facts.a.ctx
    }

    /// The process ends without a word, and another one opens what it left.
    pub async fn restart(&self) {
        self.reopen().await;
        self.begin().await;
    }

    /// As [`Self::restart`], and nothing is taken up yet.
    pub async fn reopen(&self) {
        self.store().close().await;
        let objects = self.objects.as_ref();
        let next = open(self.folder.path(), &self.clock, &self.options, objects).await.0;
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// Runs jobs, and moves the clock to where the next one is due, until none is left that the
    /// passing of time brings on.
    pub async fn settle(&self) {
        for _ in 0..500 {
            self.region().jobs_drain().await.unwrap();
            let open = self.store().jobs_open(OPERATOR, 100).await.unwrap();
            let Some(next) = open.iter().filter_map(due).min() else { return };
            self.clock.advance(next.since(self.clock.wall()).max(Duration::from_millis(1)));
        }
        panic!("jobs do not settle: {:?}", self.store().jobs_open(OPERATOR, 100).await);
    }

    /// The newest job of a kind about a resource.
    pub async fn job(&self, subject: impl ToString, kind: &str) -> JobRecord {
        self.store().job_of(OPERATOR, &subject.to_string(), kind).await.unwrap().unwrap()
    }

    /// Events of the first account whose action is `action`.
    pub async fn events(&self, action: &str) -> Vec<Event> {
        let account = &self.ctx().caller.account;
        let events = self.store().events(OPERATOR, account, 0, 10_000).await.unwrap();
        events.into_iter().map(|(_, event)| event).filter(|e| e.action == action).collect()
    }

    /// Usage records of the first account about the resource of that id.
    pub async fn usage(&self, id: impl ToString) -> Vec<UsageRecord> {
        let account = &self.ctx().caller.account;
        let mut records = self.store().usage(OPERATOR, account).await.unwrap();
        records.retain(|r| r.crn.ends_with(&id.to_string()));
        records
    }

    /// What is asked for an instance of `tenant` that boots `source`.
    pub fn wish(&self, tenant: &Tenant, source: VolumeSource) -> InstanceCreate {
        InstanceCreate {
            name: None,
            group: None,
            zone: zone(),
            vpc: None,
            profile: None,
            boot: BootVolume { attachment_name: None, delete_with_instance: None, source },
            data: Vec::new(),
            network: InstanceNetwork::Interfaces(vec![NicCreate {
                name: None,
                subnet: tenant.subnet.clone(),
                primary_ip: IpRequest::Any { name: None },
                security_groups: Vec::new(),
                allow_ip_spoofing: false,
            }]),
            keys: vec![tenant.key.clone()],
            user_data: None,
            metadata_service: MetadataService::default(),
            host_failure: HostFailurePolicy::Restart,
        }
    }

    /// Makes an instance of the first account; it is pending.
    pub async fn create(&self, want: InstanceCreate) -> Result<Vm, Error> {
        let view = self.region().instance_create(self.ctx(), want).await?;
        let volume = view.boot().unwrap().volume.id.clone();
        Ok(Vm { id: view.instance.head.id, volume })
    }

    /// A running instance of an image.
    pub async fn boot(&self, image: &ImageId) -> Vm {
        let vm = self.create(self.wish(&self.facts.a, of_image(image))).await.unwrap();
        self.settle().await;
        vm
    }

    /// A stopped instance of an image.
    pub async fn boot_and_stop(&self, image: &ImageId) -> Vm {
        let vm = self.boot(image).await;
        self.stop(&vm).await;
        vm
    }

    /// Asks an action; jobs do not run yet.
    pub async fn ask(&self, vm: &Vm, kind: ActionKind) -> Result<model::InstanceAction, Error> {
        let want = ActionCreate { kind, force: kind == ActionKind::Stop };
        self.region().instance_action(self.ctx(), &vm.id, want).await
    }

    pub async fn stop(&self, vm: &Vm) {
        self.ask(vm, ActionKind::Stop).await.unwrap();
        self.settle().await;
    }

    pub async fn start(&self, vm: &Vm) {
        self.ask(vm, ActionKind::Start).await.unwrap();
        self.settle().await;
    }

    /// Deletes an instance and keeps its boot volume.
    pub async fn keep_volume_and_delete(&self, vm: &Vm) {
        let region = self.region();
        let view = region.instance(self.ctx(), &vm.id).await.unwrap();
        let boot = &view.boot().unwrap().attachment.id;
        region.attachment_update(self.ctx(), &vm.id, boot, None, Some(false)).await.unwrap();
        region.instance_delete(self.ctx(), &vm.id).await.unwrap();
        self.settle().await;
    }

    /// The guest of a stopped instance wrote to its disk before: `disk` becomes what is there.
    pub async fn guest_writes(&self, vm: &Vm, mut disk: Disk, seed: u64, times: usize) -> Disk {
        let device = self.region().volume_open(&vm.volume).await.unwrap();
        let work = move || {
            disk.scribble(&device, &SeededEntropy::new(seed), times);
            device.close().unwrap();
            disk
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    }

    /// Begins an image of a volume.
    pub async fn begin_image(&self, volume: &VolumeId) -> Result<ImageView, Error> {
        self.region().image_create(self.ctx(), image_of(volume)).await
    }

    /// An image of a volume, made.
    pub async fn capture(&self, volume: &VolumeId) -> ImageView {
        let id = self.begin_image(volume).await.unwrap().image.head.id;
        self.settle().await;
        self.image(&id).await
    }

    pub async fn image(&self, id: &ImageId) -> ImageView {
        self.region().image(self.ctx(), id).await.unwrap()
    }

    pub async fn volume(&self, id: &VolumeId) -> VolumeView {
        self.region().volume(self.ctx(), id).await.unwrap()
    }

    pub async fn instance(&self, vm: &Vm) -> model::Instance {
        self.region().instance(self.ctx(), &vm.id).await.unwrap().instance
    }

    /// What an image holds, read by a process that has read nothing of it yet.
    pub async fn image_disk(&self, id: &ImageId) -> Disk {
        let image = self.region().image_open(id).await.unwrap();
        tokio::task::spawn_blocking(move || Disk::read(&image)).await.unwrap()
    }

    /// Bytes of a volume at rest, as its write layer says.
    pub async fn volume_disk_size(&self, id: &VolumeId) -> u64 {
        let volume = self.region().volume_open(id).await.unwrap();
        let work = move || {
            let size = blocks::BlockSource::size(&volume);
            volume.close().unwrap();
            size
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    }

    /// What a volume at rest holds.
    pub async fn volume_disk(&self, id: &VolumeId) -> Disk {
        let volume = self.region().volume_open(id).await.unwrap();
        let work = move || {
            let disk = Disk::read(&volume);
            volume.close().unwrap();
            disk
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    }
}

pub fn zone() -> ZoneName {
    RegionName::parse("us-south").unwrap().zones().swap_remove(0)
}

pub fn of_image(image: &ImageId) -> VolumeSource {
    VolumeSource::Image { image: image.clone(), volume: Box::default() }
}

pub fn image_of(volume: &VolumeId) -> ImageCreate {
    ImageCreate {
        name: None,
        group: None,
        source: volume.clone(),
        encryption_key: None,
        deprecation_at: None,
        obsolescence_at: None,
        allowed_use: None,
    }
}

/// When the passing of time brings a job on.
fn due(job: &JobRecord) -> Option<Timestamp> {
    let at = match job.progress.status {
        JobStatus::Queued => job.progress.not_before,
        JobStatus::Running => job.lease_until,
        JobStatus::Succeeded | JobStatus::Failed | JobStatus::Cancelled => return None,
    };
    (at < Timestamp::from_micros(i64::MAX)).then_some(at)
}

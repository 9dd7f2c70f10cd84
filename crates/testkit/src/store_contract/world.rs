//! Two accounts, a provider, a clock that tests move, and short ways to make resources.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use base::{
    AccountId, AclId, AddressPrefixId, ApiKeyId, AttachmentId, ByteCount, Clock as _, Entropy as _,
    EventId, ImageId, InstanceActionId, InstanceId, JobId, KeyId, ManualClock, NicId, PrincipalId,
    RegionName, ReservedIpId, ResourceGroupId, RoutingTableId, SecurityGroupId,
    SecurityGroupRuleId, SeededEntropy, SubnetId, Timestamp, TokenKeyId, UsageId, VolumeId, VpcId,
    ZoneName,
};
use jobs::{Claim, Fence, JobStatus, NewJob};
use meta::{Bootstrap, Change, ImageCommit, NewInstance, NewVpc, Page, Store, StoreError};
use model::{
    Account, Acl, ActionKind, ActionStatus, AddressPrefix, AllowedUse, ApiKey, Attachment,
    AttachmentKind, AttachmentStatus, Event, EventDraft, Head, HostFailurePolicy, Image,
    ImageEncryption, ImageStatus, ImageStatusReason, Instance, InstanceAction, InstanceStatus,
    IpOwner, IpRequest, LifecycleState, MetadataService, Metric, Nic, Outcome, Principal,
    ReservedIp, ResourceGroup, ResourceName, RoutingTable, SealedRef, SecurityGroup,
    SecurityGroupRule, SshKey, SshKeyType, Subnet, Target, TokenKey, UsageChange, UsageRecord,
    Visibility, Volume, VolumeEncryption, VolumeStatus, VolumeStorage, Vpc,
};
use policy::{Action, Caller, InternalActor, Permit, Resource, Scope, SystemPermit};

use super::FreshStore;

/// The host of every volume and instance.
pub const HOST: &str = "host-1";
/// The operating system of boot volumes and images.
pub const OS: &str = "debian-12-amd64";

/// An account with its owner.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The account.
    pub account: AccountId,
    /// Its default group.
    pub group: ResourceGroupId,
    /// Its owner.
    pub caller: Caller,
}

impl Tenant {
    /// Leave to make something.
    #[must_use]
    pub fn may_make(&self, action: Action) -> Permit {
        let (account, group) = (self.account.clone(), self.group.clone());
        policy::permit(&self.caller, action, Resource::New { account, group }).unwrap()
    }

    /// Leave to do something to what is there.
    pub fn may(&self, action: Action, id: impl ToString) -> Permit {
        let (account, group) = (self.account.clone(), self.group.clone());
        let resource = Resource::One { account, group, id: id.to_string() };
        policy::permit(&self.caller, action, resource).unwrap()
    }

    /// What the owner sees.
    #[must_use]
    pub fn sees(&self) -> Scope {
        policy::scope(&self.caller, Action::ImageList).unwrap()
    }
}

/// A network that instances can be put into.
#[derive(Clone, Debug)]
pub struct Net {
    /// The VPC.
    pub vpc: Vpc,
    /// A /24 in the first zone.
    pub subnet: Subnet,
    /// The VPC's default group.
    pub security_group: SecurityGroupId,
}

/// An instance with its boot volume.
#[derive(Clone, Debug)]
pub struct Made {
    /// The instance.
    pub id: InstanceId,
    /// Its boot volume.
    pub volume: VolumeId,
    /// Its start.
    pub job: JobId,
}

/// A capture under way.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The pending image.
    pub image: ImageId,
    /// Its source.
    pub volume: VolumeId,
    /// The job's claim.
    pub fence: Fence,
}

/// Everything a test works with.
pub struct World {
    /// The store under test.
    pub store: Arc<dyn Store>,
    /// Stands still until it is told to move.
    pub clock: Arc<ManualClock>,
    /// Repeatable randomness.
    pub entropy: Arc<SeededEntropy>,
    /// The region.
    pub region: RegionName,
    /// The provider's account, for stock images.
    pub provider: Tenant,
    /// The first account.
    pub a: Tenant,
    /// The second account.
    pub b: Tenant,
}

/// The region's own leave.
#[must_use]
pub const fn system() -> SystemPermit {
    SystemPermit::of(InternalActor::Job)
}

/// A page from the start.
#[must_use]
pub const fn page(limit: u32) -> Page {
    Page { limit, after: None }
}

/// A name.
#[must_use]
pub fn name(text: &str) -> ResourceName {
    ResourceName::parse(text).unwrap()
}

/// Asserts the kind of a failure.
#[macro_export]
macro_rules! refused {
    ($result:expr, $pattern:pat) => {{
        let result = $result;
        assert!(
            matches!(&result, Err($pattern)),
            "expected {}, got {result:?}",
            stringify!($pattern)
        );
    }};
}

/// Asserts that a call does not find what it is about.
#[macro_export]
macro_rules! not_found {
    ($result:expr) => {
        $crate::refused!($result, meta::StoreError::NotFound { .. })
    };
}

impl World {
    /// An empty store with the provider and two accounts in it.
    pub async fn new(fresh: &dyn FreshStore) -> Self {
        let start = Timestamp::parse("2026-11-24T10:00:00Z").unwrap();
        let clock = Arc::new(ManualClock::at(start));
        let entropy = Arc::new(SeededEntropy::new(7));
        let store = fresh.open(clock.clone(), entropy.clone()).await;
        let tenant = || {
            let account = AccountId::mint("", &*entropy);
            let principal = PrincipalId::mint("IBMid-", &*entropy);
            let caller = Caller { principal, account: account.clone(), owner: true };
            Tenant { account, group: ResourceGroupId::mint("", &*entropy), caller }
        };
        let (provider, a, b) = (tenant(), tenant(), tenant());
        let region = RegionName::parse("us-south").unwrap();
        let world = Self { store, clock, entropy, region, provider, a, b };
        assert!(world.store.bootstrap(system(), world.first_rows()).await.unwrap());
        let b = world.b.clone();
        let (account, owner, group, key) = world.account_rows(&b, "second");
        world.store.account_create(system(), account, owner, group, key).await.unwrap();
        world
    }

    /// Rows of a first start.
    #[must_use]
    pub fn first_rows(&self) -> Bootstrap {
        let now = self.clock.region();
        let (account, owner, group, api_key) = self.account_rows(&self.a, "first");
        Bootstrap {
            provider: Account {
                id: self.provider.account.clone(),
                name: "provider".to_owned(),
                provider: true,
                owner: None,
                created_at: now,
            },
            provider_group: self.group_row(&self.provider),
            account,
            owner,
            group,
            api_key,
            token_key: TokenKey {
                id: TokenKeyId::mint("kid-", &*self.entropy),
                sealed_private: vec![1, 0, 255],
                public_der: vec![2, 0, 254],
                created_at: now,
            },
        }
    }

    fn group_row(&self, tenant: &Tenant) -> ResourceGroup {
        ResourceGroup {
            id: tenant.group.clone(),
            account: tenant.account.clone(),
            name: "Default".to_owned(),
            default: true,
            created_at: self.clock.region(),
        }
    }

    /// Rows of an account.
    #[must_use]
    pub fn account_rows(
        &self,
        tenant: &Tenant,
        name: &str,
    ) -> (Account, Principal, ResourceGroup, ApiKey) {
        let mut hash = [0; 32];
        self.entropy.fill(&mut hash);
        let owner = Principal {
            id: tenant.caller.principal.clone(),
            account: tenant.account.clone(),
            name: format!("Owner of {name}"),
            email: format!("{name}@example.com"),
        };
        let account = Account {
            id: tenant.account.clone(),
            name: name.to_owned(),
            provider: false,
            owner: Some(owner.id.clone()),
            created_at: self.clock.region(),
        };
        let key = ApiKey {
            id: ApiKeyId::mint("ApiKey-", &*self.entropy),
            account: tenant.account.clone(),
            principal: owner.id.clone(),
            name: "first key".to_owned(),
            hash,
            created_at: self.clock.region(),
        };
        (account, owner, self.group_row(tenant), key)
    }

    /// Moves the clock by a second and says what time it is.
    pub fn tick(&self) -> Timestamp {
        self.clock.advance(Duration::from_secs(1));
        self.clock.region()
    }

    /// The first zone.
    #[must_use]
    pub fn zone(&self) -> ZoneName {
        self.region.zones()[0].clone()
    }

    /// The head of something new.
    pub fn head<Id>(&self, tenant: &Tenant, id: Id, text: &str) -> Head<Id> {
        Head {
            id,
            account: tenant.account.clone(),
            group: tenant.group.clone(),
            name: name(text),
            created_at: self.tick(),
            revision: 1,
        }
    }

    /// One event about something.
    pub fn change(&self, tenant: &Tenant, action: &'static str, id: impl ToString) -> Change {
        let draft = EventDraft {
            action,
            outcome: Outcome::Success,
            target: Target {
                crn: format!("crn:test:{}", id.to_string()),
                name: String::new(),
                type_uri: "is.test/test".to_owned(),
                group: Some(tenant.group.clone()),
            },
            request_data: "{}".to_owned(),
        };
        let id = EventId::mint("event-", &*self.entropy);
        let event = Event::by_region(id, self.clock.region(), tenant.account.clone(), draft);
        Change { events: vec![event], usage: Vec::new() }
    }

    /// One event and the beginning of a billed interval.
    pub fn change_begin(&self, tenant: &Tenant, action: &'static str, crn: &str) -> Change {
        let mut change = self.change(tenant, action, crn);
        change.usage.push(UsageChange::Begin(UsageRecord {
            id: UsageId::mint("usage-", &*self.entropy),
            account: tenant.account.clone(),
            group: tenant.group.clone(),
            crn: crn.to_owned(),
            metric: Metric::ImageGigabytes,
            quantity: 3,
            from: self.clock.region(),
            until: None,
        }));
        change
    }

    /// A job about something.
    pub fn job(&self, tenant: &Tenant, kind: &str, subject: impl ToString) -> NewJob {
        NewJob {
            id: JobId::mint("job-", &*self.entropy),
            kind: kind.to_owned(),
            account: Some(tenant.account.clone()),
            subject: subject.to_string(),
            host: Some(HOST.to_owned()),
            asked_by: tenant.caller.principal.to_string(),
            state_json: "{}".to_owned(),
        }
    }

    /// Takes the next job that is due.
    pub async fn claim(&self) -> Option<(JobId, Fence)> {
        let now = self.clock.wall();
        let lease_until = now.plus(Duration::from_secs(30));
        let claim = Claim { owner: "worker-1", host: HOST, now, lease_until };
        let record = self.store.claim(claim).await.unwrap()?;
        let fence = Fence { job: record.id.clone(), epoch: record.epoch };
        Some((record.id, fence))
    }

    /// Takes jobs until this one is taken.
    pub async fn claim_of(&self, job: &JobId) -> Fence {
        loop {
            let (id, fence) = self.claim().await.expect("the job is due");
            if &id == job {
                return fence;
            }
        }
    }

    /// Settles a job.
    pub async fn finish(&self, fence: &Fence) {
        let now = self.clock.wall();
        let mut progress = self.store.job(system(), &fence.job).await.unwrap().progress;
        progress.status = JobStatus::Succeeded;
        self.store.save(fence, &progress, now, now).await.unwrap();
    }

    /// A VPC with its defaults and a /18 prefix in each zone.
    pub fn new_vpc(&self, tenant: &Tenant, text: &str) -> NewVpc {
        let e = &*self.entropy;
        let id = VpcId::mint("r006-", e);
        let acl = Acl { head: self.head(tenant, AclId::mint("r006-", e), "acl"), vpc: id.clone() };
        let group = SecurityGroupId::mint("r006-", e);
        let rule = |text: &str, inbound, remote| SecurityGroupRule {
            id: SecurityGroupRuleId::mint("r006-", e),
            name: name(text),
            inbound,
            remote,
            created_at: self.clock.region(),
        };
        let rules = vec![rule("in", true, Some(group.clone())), rule("out", false, None)];
        let security_group =
            SecurityGroup { head: self.head(tenant, group, "group"), vpc: id.clone(), rules };
        let routing_table = RoutingTable {
            head: self.head(tenant, RoutingTableId::mint("r006-", e), "table"),
            vpc: id.clone(),
            is_default: true,
        };
        let prefixes = (0_u8..3).map(|n| self.new_prefix(tenant, &id, n)).collect();
        NewVpc {
            vpc: Vpc {
                head: self.head(tenant, id, text),
                default_acl: acl.head.id.clone(),
                default_security_group: security_group.head.id.clone(),
                default_routing_table: routing_table.head.id.clone(),
            },
            acl,
            security_group,
            routing_table,
            prefixes,
        }
    }

    /// `10.240.(64 n).0/18`, the default prefix of zone n.
    pub fn new_prefix(&self, tenant: &Tenant, vpc: &VpcId, zone: u8) -> AddressPrefix {
        let id = AddressPrefixId::mint("r006-", &*self.entropy);
        AddressPrefix {
            head: self.head(tenant, id, &format!("prefix-{zone}")),
            vpc: vpc.clone(),
            zone: self.region.zones()[usize::from(zone)].clone(),
            cidr: (Ipv4Addr::new(10, 240, 64 * zone, 0), 18),
            is_default: true,
        }
    }

    /// A subnet of a VPC in the first zone, with the provider's addresses.
    pub fn new_subnet(
        &self,
        tenant: &Tenant,
        vpc: &Vpc,
        text: &str,
        cidr: (Ipv4Addr, u8),
    ) -> (Subnet, Vec<ReservedIp>) {
        let subnet = Subnet {
            head: self.head(tenant, SubnetId::mint("0717-", &*self.entropy), text),
            vpc: vpc.head.id.clone(),
            zone: self.zone(),
            cidr,
            acl: vpc.default_acl.clone(),
            routing_table: vpc.default_routing_table.clone(),
        };
        let first = u32::from(cidr.0);
        let last = first + u32::try_from(subnet.total_addresses()).unwrap() - 1;
        let ips = (first..first + 4).chain([last]).enumerate().map(|(n, address)| {
            let mut ip = self.new_ip(tenant, &subnet.head.id, &format!("ibm-{n}"));
            ip.address = Ipv4Addr::from(address);
            ip.owner = IpOwner::Provider;
            ip
        });
        let ips = ips.collect();
        (subnet, ips)
    }

    /// A reserved IP with any free address.
    pub fn new_ip(&self, tenant: &Tenant, subnet: &SubnetId, text: &str) -> ReservedIp {
        ReservedIp {
            head: self.head(tenant, ReservedIpId::mint("0717-", &*self.entropy), text),
            subnet: subnet.clone(),
            address: Ipv4Addr::UNSPECIFIED,
            auto_delete: false,
            owner: IpOwner::User,
            target: None,
        }
    }

    /// A VPC and a /24 in it.
    pub async fn net(&self, tenant: &Tenant) -> Net {
        let new = self.new_vpc(tenant, "net");
        let (vpc, group) = (new.vpc.clone(), new.security_group.head.id.clone());
        let change = self.change(tenant, "is.vpc.vpc.create", &vpc.head.id);
        self.store.vpc_create(&tenant.may_make(Action::VpcCreate), new, change).await.unwrap();
        let cidr = (Ipv4Addr::new(10, 240, 0, 0), 24);
        let (subnet, ips) = self.new_subnet(tenant, &vpc, "subnet", cidr);
        let change = self.change(tenant, "is.subnet.subnet.create", &subnet.head.id);
        let permit = tenant.may_make(Action::SubnetCreate);
        self.store.subnet_create(&permit, subnet.clone(), ips, change).await.unwrap();
        Net { vpc, subnet, security_group: group }
    }

    /// An SSH key; the text makes it another one.
    pub fn new_key(&self, tenant: &Tenant, text: &str) -> SshKey {
        SshKey {
            head: self.head(tenant, KeyId::mint("r006-", &*self.entropy), text),
            kind: SshKeyType::Ed25519,
            length: 256,
            fingerprint: format!("SHA256:{text}"),
            public_key: format!("ssh-ed25519 {text}"),
        }
    }

    /// Writes a key.
    pub async fn key(&self, tenant: &Tenant, text: &str) -> SshKey {
        let key = self.new_key(tenant, text);
        let change = self.change(tenant, "is.key.key.create", &key.head.id);
        let permit = tenant.may_make(Action::KeyCreate);
        self.store.key_create(&permit, key.clone(), change).await.unwrap();
        key
    }

    /// A boot volume of 100 GB.
    pub fn new_volume(&self, tenant: &Tenant, text: &str) -> Volume {
        Volume {
            head: self.head(tenant, VolumeId::mint("r006-", &*self.entropy), text),
            zone: self.zone(),
            profile: "general-purpose".to_owned(),
            capacity: ByteCount::from_gb(100),
            iops: 3_000,
            bandwidth: 393,
            status: VolumeStatus::Available,
            busy: false,
            encryption: VolumeEncryption::ProviderManaged,
            operating_system: Some(OS.to_owned()),
            source_image: None,
            allowed_use: Some(AllowedUse::anything("2026-10-06")),
            user_tags: vec!["env:test".to_owned()],
            storage: VolumeStorage {
                host: HOST.to_owned(),
                generation: 0,
                epoch: 0,
                base: None,
                wrapped_data_key: vec![0, 1, 2, 255],
            },
        }
    }

    /// A data volume of 10 GB.
    pub fn new_data_volume(&self, tenant: &Tenant, text: &str) -> Volume {
        let mut volume = self.new_volume(tenant, text);
        volume.capacity = ByteCount::from_gb(10);
        volume.operating_system = None;
        volume.allowed_use = None;
        volume.user_tags.clear();
        volume
    }

    /// Writes an unattached volume.
    pub async fn volume_put(&self, tenant: &Tenant, volume: Volume) -> VolumeId {
        let id = volume.head.id.clone();
        let change = self.change(tenant, "is.volume.volume.create", &id);
        let permit = tenant.may_make(Action::VolumeCreate);
        self.store.volume_create(&permit, volume, change).await.unwrap();
        id
    }

    /// An attachment.
    pub fn new_attachment(
        &self,
        instance: &InstanceId,
        volume: &VolumeId,
        position: u32,
    ) -> Attachment {
        Attachment {
            id: AttachmentId::mint("0717-", &*self.entropy),
            name: name(&format!("attachment-{position}")),
            instance: instance.clone(),
            volume: volume.clone(),
            kind: if position == 0 { AttachmentKind::Boot } else { AttachmentKind::Data },
            status: AttachmentStatus::Attached,
            delete_volume_on_instance_delete: position == 0,
            position,
            created_at: self.clock.region(),
        }
    }

    /// An instance with one new boot volume and one interface.
    pub fn new_instance(&self, tenant: &Tenant, net: &Net, text: &str) -> NewInstance {
        let e = &*self.entropy;
        let head = self.head(tenant, InstanceId::mint("0717_", e), text);
        let volume = self.new_volume(tenant, &format!("{text}-boot"));
        let attachment = self.new_attachment(&head.id, &volume.head.id, 0);
        let nic = Nic {
            head: self.head(tenant, NicId::mint("0717-", e), "eth0"),
            instance: head.id.clone(),
            subnet: net.subnet.head.id.clone(),
            primary_ip: ReservedIpId::mint("0717-", e),
            security_groups: vec![net.security_group.clone()],
            allow_ip_spoofing: false,
            primary: true,
            mac: "02:00:00:00:00:01".to_owned(),
        };
        let job = self.job(tenant, "instance-start", &head.id);
        NewInstance {
            instance: Instance {
                head,
                zone: self.zone(),
                vpc: net.vpc.head.id.clone(),
                profile: "bx2-2x8".to_owned(),
                image: None,
                status: InstanceStatus::Pending,
                status_reasons: Vec::new(),
                lifecycle_state: LifecycleState::Pending,
                keys: Vec::new(),
                user_data: Some("#!/bin/sh\n".to_owned()),
                metadata_service: MetadataService::default(),
                host_failure: HostFailurePolicy::Restart,
                total_volume_bandwidth: 1_000,
                host: HOST.to_owned(),
            },
            volumes: vec![volume],
            attachments: vec![attachment],
            nics: vec![(nic, IpRequest::Any { name: None })],
            job,
        }
    }

    /// Writes an instance; it is pending and its job waits to be taken.
    pub async fn instance_put(&self, tenant: &Tenant, new: NewInstance) -> Made {
        let made = Made {
            id: new.instance.head.id.clone(),
            volume: new.attachments[0].volume.clone(),
            job: new.job.id.clone(),
        };
        let change = self.change(tenant, "is.instance.instance.create", &made.id);
        let permit = tenant.may_make(Action::InstanceCreate);
        self.store.instance_create(&permit, new, change).await.unwrap();
        made
    }

    /// Moves an instance to a status.
    pub async fn instance_becomes(&self, id: &InstanceId, status: InstanceStatus) {
        self.store
            .instance_status_set(
                system(),
                id,
                InstanceStatus::ALL,
                status,
                Vec::new(),
                LifecycleState::Stable,
                Change::default(),
            )
            .await
            .unwrap();
    }

    /// An instance that was started and stopped; no job is left.
    pub async fn stopped(&self, tenant: &Tenant, net: &Net, text: &str) -> Made {
        let made = self.instance_put(tenant, self.new_instance(tenant, net, text)).await;
        let fence = self.claim_of(&made.job).await;
        self.instance_becomes(&made.id, InstanceStatus::Stopped).await;
        self.finish(&fence).await;
        made
    }

    /// A pending image of nothing yet.
    pub fn new_image(&self, tenant: &Tenant, text: &str) -> Image {
        Image {
            head: self.head(tenant, ImageId::mint("r006-", &*self.entropy), text),
            visibility: Visibility::Private,
            status: ImageStatus::Pending,
            status_reasons: vec![ImageStatusReason::ImageRequestQueued],
            operating_system: "to be replaced".to_owned(),
            source_volume: None,
            encryption: ImageEncryption::None,
            deprecation_at: None,
            obsolescence_at: None,
            capacity: ByteCount(0),
            logical: None,
            stored: None,
            allowed_use: AllowedUse::anything("2020-01-01"),
            sealed: None,
            wrapped_data_key: vec![9, 0, 9],
        }
    }

    /// A finished stock image.
    pub fn new_stock(&self, text: &str, operating_system: &str) -> Image {
        let mut image = self.new_image(&self.provider, text);
        image.visibility = Visibility::Public;
        image.status = ImageStatus::Available;
        image.status_reasons.clear();
        image.operating_system = operating_system.to_owned();
        image.capacity = ByteCount::from_gb(100);
        image.logical = Some(ByteCount::from_gb(1));
        image.stored = Some(ByteCount(5_000));
        image.sealed = Some(sealed(&format!("root-{text}")));
        image
    }

    /// Writes a stock image.
    pub async fn stock_put(&self, image: Image) {
        let change = self.change(&self.provider, "is.image.image.create", &image.head.id);
        self.store.image_stock_add(system(), image, change).await.unwrap();
    }

    /// Asks for an image of a volume.
    pub async fn image_create(
        &self,
        tenant: &Tenant,
        image: Image,
        source: &VolumeId,
    ) -> Result<JobId, StoreError> {
        let job = self.job(tenant, "image-capture", &image.head.id);
        let id = job.id.clone();
        let change = self.change(tenant, "is.image.image.create", &image.head.id);
        let permit = tenant.may_make(Action::ImageCreate);
        self.store
            .image_create(&permit, &self.region, image, source, true, job, change)
            .await
            .map(|()| id)
    }

    /// An image that is being made, its job taken.
    pub async fn capture(&self, tenant: &Tenant, source: &VolumeId, text: &str) -> Capture {
        let image = self.new_image(tenant, text);
        let id = image.head.id.clone();
        let job = self.image_create(tenant, image, source).await.unwrap();
        let fence = self.claim_of(&job).await;
        Capture { image: id, volume: source.clone(), fence }
    }

    /// What a finished capture would write.
    #[must_use]
    pub fn commit(&self, capture: &Capture) -> ImageCommit {
        ImageCommit {
            image: capture.image.clone(),
            sealed: sealed(&format!("root-of-{}", capture.image)),
            logical: ByteCount(5_000_000),
            stored: ByteCount(1_000_000),
            at: self.clock.region(),
        }
    }

    /// A finished image, and its source volume free again.
    pub async fn image(&self, tenant: &Tenant, source: &VolumeId, text: &str) -> ImageId {
        let capture = self.capture(tenant, source, text).await;
        let crn = format!("crn:image:{}", capture.image);
        let change = self.change_begin(tenant, "is.image.image.create", &crn);
        let commit = self.commit(&capture);
        self.store.image_commit(system(), &capture.fence, commit, change).await.unwrap();
        self.store.image_settled(system(), &capture.fence, source).await.unwrap();
        self.finish(&capture.fence).await;
        capture.image
    }

    /// Something asked of an instance.
    pub fn new_action(&self, instance: &InstanceId, kind: ActionKind) -> InstanceAction {
        InstanceAction {
            id: InstanceActionId::mint("action-", &*self.entropy),
            instance: instance.clone(),
            kind,
            force: false,
            status: ActionStatus::Pending,
            created_at: self.tick(),
            started_at: None,
            completed_at: None,
        }
    }

    /// Takes an action; returns it with its job.
    pub async fn act(
        &self,
        tenant: &Tenant,
        instance: &InstanceId,
        kind: ActionKind,
    ) -> Result<(InstanceAction, JobId), StoreError> {
        let job = self.job(tenant, "instance-action", instance);
        let id = job.id.clone();
        let change = self.change(tenant, "is.instance.instance.operate", instance);
        let action = self.new_action(instance, kind);
        let permit = tenant.may(Action::InstanceOperate, instance);
        let action = self.store.instance_action(&permit, action, job, change).await?;
        Ok((action, id))
    }

    /// The status of an image.
    pub async fn image_status(&self, id: &ImageId) -> ImageStatus {
        self.store.image_any(system(), id).await.unwrap().image.status
    }

    /// How many events an account has.
    pub async fn events(&self, tenant: &Tenant) -> usize {
        self.store.events(system(), &tenant.account, 0, 10_000).await.unwrap().len()
    }
}

/// A sealed root.
#[must_use]
pub fn sealed(root: &str) -> SealedRef {
    SealedRef { root_id: root.to_owned(), sealed_root_key: root.as_bytes().to_vec() }
}

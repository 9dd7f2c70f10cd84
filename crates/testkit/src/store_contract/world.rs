//! Two accounts, a provider, a clock that tests move, and short ways to make resources.

use std::{sync::Arc, time::Duration};

use base::{
    AccountId, ApiKeyId, Clock as _, Entropy as _, EventId, ImageId, InstanceId, JobId,
    ManualClock, PrincipalId, RegionName, ResourceGroupId, SecurityGroupId, SeededEntropy,
    Timestamp, TokenKeyId, UsageId, VolumeId, ZoneName,
};
use jobs::{Claim, Fence, JobStatus, NewJob};
use meta::{Bootstrap, Change, Page, Store};
use model::{
    Account, ApiKey, Event, EventDraft, Head, Metric, Outcome, Principal, PrincipalKind,
    ResourceGroup, ResourceName, SealedRef, Subnet, Target, TokenKey, UsageChange, UsageRecord,
    Vpc,
};
use policy::{
    Access, Action, Caller, InternalActor, Permit, Resource, Scope, Scopes, SystemPermit,
};

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

impl Tenant {
    /// What the owner sees of each type.
    #[must_use]
    pub fn sees_each(&self) -> Scopes {
        Access::of_owner(&self.caller).scopes(Timestamp::default())
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
            updated_at: self.clock.region(),
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
        let now = self.clock.region();
        let owner = Principal::new(
            tenant.caller.principal.clone(),
            tenant.account.clone(),
            PrincipalKind::User,
            format!("Owner of {name}"),
            now,
        );
        let owner = Principal { email: format!("{name}@example.com"), ..owner };
        let account = Account {
            id: tenant.account.clone(),
            name: name.to_owned(),
            provider: false,
            owner: Some(owner.id.clone()),
            created_at: self.clock.region(),
        };
        let id = ApiKeyId::mint("ApiKey-", &*self.entropy);
        let (holder, named) = (owner.id.clone(), "first key".to_owned());
        let key = ApiKey::new(id, tenant.account.clone(), holder, named, hash, now);
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

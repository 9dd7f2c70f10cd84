//! What a region is made of.

use std::sync::Arc;

use base::{Clock, Entropy, RegionName, Timestamp};
use compute::Hypervisor;
use jobs::JobLog;
use kms::KeyStore;
use meta::Store;
use policy::{InternalActor, SystemPermit};
use tokio::sync::Notify;

use crate::{Credentials, IdentityError, Storage};

/// The ports that a region is built from.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Volumes and images.
    pub storage: Arc<Storage>,
    /// Keys.
    pub keys: Arc<dyn KeyStore>,
    /// Guests.
    pub hypervisor: Arc<dyn Hypervisor>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// Settings of a region.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name.
    pub region: RegionName,
    /// This host's name in rows that belong to a host.
    pub host: String,
    /// How long a guest may take to obey the power button before it is switched off.
    pub powerdown_deadline: std::time::Duration,
}

/// The region: every use case is a method of it. Cheap to clone behind an `Arc`.
pub struct Control {
    pub(crate) parts: Parts,
    pub(crate) config: Config,
    /// The store as the log of its jobs.
    pub(crate) job_log: Arc<dyn JobLog>,
    /// Tells the workers of this process from those of one before it.
    pub(crate) run_id: String,
    /// Rung when a job was queued.
    pub(crate) jobs_queued: Arc<Notify>,
    /// Rung when what guests may be reached by has changed.
    pub(crate) network_rung: Notify,
    pub(crate) forwards: crate::network::ForwardBoard,
    pub(crate) signers: crate::identity::Signers,
    /// Who holds tokens.
    pub(crate) known: crate::identity::Known,
    /// Uses of API keys that are still to be written.
    pub(crate) uses: crate::identity::Uses,
    pub(crate) progress: crate::image::ProgressBoard,
    /// Which job has the turn with an instance.
    pub(crate) turns: crate::instance::Turns,
    pub(crate) consoles: crate::instance::Consoles,
    /// What callers may do.
    pub(crate) decisions: crate::decisions::Decisions,
    /// Held while the bytes of an image are measured.
    pub(crate) measuring: tokio::sync::Mutex<()>,
    /// How far upkeep of the chunk store is.
    pub(crate) board: crate::store::Board,
    /// Set once the database was seen to know the store's newest operation.
    pub(crate) sequence_checked: tokio::sync::OnceCell<()>,
}

impl Control {
    /// Opens a region: on an empty database the first account is made, and its credentials are
    /// returned; they are not kept anywhere else.
    ///
    /// # Errors
    /// When the database or the keys cannot be read.
    pub async fn open(
        parts: Parts,
        config: Config,
    ) -> Result<(Arc<Self>, Option<Credentials>), IdentityError> {
        let credentials = crate::identity::bootstrap(&parts).await?;
        let wall = parts.clock.wall();
        let signer = crate::identity::Signer::load(&*parts.store, &*parts.keys, wall).await?;
        let job_log: Arc<dyn JobLog> = Arc::clone(&parts.store) as Arc<dyn JobLog>;
        let region = Self {
            job_log,
            run_id: base::uuid_of(&*parts.entropy),
            config,
            jobs_queued: Arc::new(Notify::new()),
            network_rung: Notify::new(),
            forwards: crate::network::ForwardBoard::default(),
            signers: crate::identity::Signers::new(signer),
            known: crate::identity::Known::default(),
            uses: crate::identity::Uses::default(),
            progress: crate::image::ProgressBoard::default(),
            turns: crate::instance::Turns::default(),
            consoles: crate::instance::Consoles::default(),
            decisions: crate::decisions::Decisions::default(),
            measuring: tokio::sync::Mutex::default(),
            board: crate::store::Board::default(),
            sequence_checked: tokio::sync::OnceCell::new(),
            parts,
        };
        Ok((Arc::new(region), credentials))
    }

    /// Region time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.parts.clock.region()
    }

    /// What reaches guests is looked at again, soon.
    pub(crate) fn network_changed(&self) {
        self.network_rung.notify_one();
    }

    /// How guests are run.
    #[must_use]
    pub fn hypervisor_info(&self) -> compute::HypervisorInfo {
        self.parts.hypervisor.info()
    }

    /// The region's name.
    #[must_use]
    pub const fn region(&self) -> &RegionName {
        &self.config.region
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.parts.store
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.parts.entropy
    }

    pub(crate) const fn system(actor: InternalActor) -> SystemPermit {
        SystemPermit::of(actor)
    }
}

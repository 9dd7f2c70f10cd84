//! Numbers of operations that write packs.

use base::JobId;

use super::{OFFLINE, Upkeep, UpkeepError, errand::UPKEEP};
use crate::Control;

impl Control {
    /// The store's upkeep.
    #[must_use]
    pub fn upkeep(&self) -> Upkeep {
        let parts = &self.parts;
        Upkeep::new(parts.store.clone(), parts.storage.chunks().clone(), parts.clock.clone())
    }

    /// Begins an operation that writes packs; its number, which no pack in the store has.
    ///
    /// The first one of a process looks whether the store knows newer numbers than the database,
    /// as after the restore of an older copy: the tidying of a new operation would then delete
    /// the packs of an old one that had the same number.
    pub(crate) async fn operation_begin(&self, job: Option<&JobId>) -> Result<u64, UpkeepError> {
        self.sequence_checked
            .get_or_try_init(|| async { self.upkeep().sequence_check().await.map(drop) })
            .await?;
        Ok(self.store().operation_begin(UPKEEP, &self.owner_prefix(), job).await?)
    }

    /// Ends an operation that has no job. What cannot be written now is made up for by the next
    /// start; until then the collection judges nothing newer.
    pub(crate) async fn operation_end(&self, sequence: u64) {
        if let Err(error) = self.store().operation_end(UPKEEP, sequence).await {
            tracing::warn!(%error, sequence, "an operation was not ended");
        }
    }

    /// Ends what dead processes of this host left open: operations that no job has, and pins of
    /// views that are closed.
    pub(crate) async fn store_take_over(&self) -> Result<(), crate::Error> {
        let hosts = format!("{}-", self.config.host);
        self.store().operations_forget(UPKEEP, &hosts, &self.owner_prefix()).await?;
        // Whoever takes over holds the data directory: no offline command runs.
        self.store().operations_forget(UPKEEP, OFFLINE, "-").await?;
        for (holder, _) in self.store().pins(UPKEEP).await? {
            let runs = self.parts.storage.export_running(&holder).await;
            if matches!(runs, Ok(false)) {
                self.store().unpin(UPKEEP, &holder).await?;
            }
        }
        Ok(())
    }
}

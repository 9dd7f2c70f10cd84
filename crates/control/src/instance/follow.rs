//! The reconciler that follows guests: what they do by themselves, and what happened to them
//! while no server ran.
//!
//! It takes events as hints only: what it acts on is the state that the hypervisor reports, so a
//! lost event costs time and nothing else.

use std::{collections::HashSet, sync::Arc, time::Duration};

use base::InstanceId;
use compute::{GuestEvent, GuestEventKind, GuestState, PauseReason};
use meta::Change;
use model::{Instance, InstanceStatus, InstanceStatusReason, LifecycleState, Outcome};
use policy::{InternalActor, SystemPermit};
use tokio::sync::{broadcast, watch};

use crate::{Control, Error, StorageError};

const RECONCILER: SystemPermit = SystemPermit::of(InternalActor::Reconciler);
/// How often every guest is looked at, events or not. Also: how soon a guest that waits for
/// room on the host's disk is tried again.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Control {
    /// Brings rows, guests and exports together after a start of the server: guests that outlived
    /// the one before are adopted, instances whose guest is gone are stopped, exports that serve
    /// nobody end.
    ///
    /// # Errors
    /// When the database or the hypervisor cannot be asked.
    pub async fn adopt(self: &Arc<Self>) -> Result<usize, Error> {
        let guests = self.parts.hypervisor.adopt().await.map_err(Error::unavailable)?;
        for instance in self.store().instances_of_host(RECONCILER, &self.config.host).await? {
            self.look_at(&instance, false).await?;
        }
        self.exports_adopt().await?;
        Ok(guests.len())
    }

    /// Ends exports whose volume belongs to no instance that has, or is getting, a guest.
    async fn exports_adopt(&self) -> Result<(), Error> {
        let mut used = HashSet::new();
        for instance in self.store().instances_of_host(RECONCILER, &self.config.host).await? {
            let view = self.store().instance_any(RECONCILER, &instance.head.id).await?;
            used.extend(view.attachments.into_iter().map(|a| a.attachment.volume.to_string()));
        }
        let storage = &self.parts.storage;
        for id in storage.exports().await.map_err(Error::unavailable)? {
            if !used.contains(&id) {
                tracing::info!(export = %id, "ends: nothing uses it");
                storage.unexport(&id).await.map_err(Error::unavailable)?;
            }
        }
        Ok(())
    }

    pub(crate) async fn follow_guests(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut events = self.parts.hypervisor.events();
        let mut missing = HashSet::new();
        while !*stopped.borrow() {
            let looked = tokio::select! {
                event = events.recv() => match event {
                    Ok(event) => self.heard(&event).await,
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        self.look_at_all(&mut missing).await
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                () = self.network_rung.notified() => self.forwards_apply_all().await,
                () = tokio::time::sleep(LOOK_EVERY) => self.look_at_all(&mut missing).await,
                _ = stopped.changed() => return,
            };
            if let Err(error) = looked {
                tracing::error!(error = %base::error_chain(&error), "guests cannot be followed");
            }
        }
    }

    async fn heard(&self, event: &GuestEvent) -> Result<(), Error> {
        let by_guest = matches!(event.kind, GuestEventKind::Stopped { by_guest: true });
        match self.store().instance_any(RECONCILER, &event.instance).await {
            Ok(view) => self.look_at(&view.instance, by_guest).await,
            Err(meta::StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks at every guest. One that is gone is only noted in `missing` at first: the event that
    /// says who switched it off comes a moment later, and counts. The next look acts without it.
    async fn look_at_all(&self, missing: &mut HashSet<InstanceId>) -> Result<(), Error> {
        let mut seen = HashSet::new();
        let mut wrong = Ok(());
        for instance in self.store().instances_of_host(RECONCILER, &self.config.host).await? {
            let id = &instance.head.id;
            let running = instance.status == InstanceStatus::Running;
            let state = self.parts.hypervisor.state(id).await;
            if running && matches!(state, Ok(GuestState::Absent)) && !missing.contains(id) {
                seen.insert(id.clone());
                continue;
            }
            // One guest that cannot be asked does not hide the others.
            if let Err(error) = self.look_at(&instance, false).await {
                wrong = Err(error);
            }
        }
        *missing = seen;
        wrong
    }

    /// What guests may be reached by has changed: looks at those that run.
    async fn forwards_apply_all(&self) -> Result<(), Error> {
        for instance in self.store().instances_of_host(RECONCILER, &self.config.host).await? {
            let id = &instance.head.id;
            let state = self.parts.hypervisor.state(id).await.map_err(Error::unavailable)?;
            if instance.status == InstanceStatus::Running && state == GuestState::Running {
                self.forwards_apply(id).await?;
            }
        }
        Ok(())
    }

    /// Acts on what the hypervisor says of a running instance. Others belong to a job.
    async fn look_at(&self, instance: &Instance, by_guest: bool) -> Result<(), Error> {
        if instance.status != InstanceStatus::Running {
            return Ok(());
        }
        let id = &instance.head.id;
        let state = self.parts.hypervisor.state(id).await.map_err(Error::unavailable)?;
        match state {
            GuestState::Absent => self.guest_ended(instance, by_guest).await,
            GuestState::Starting => Ok(()),
            GuestState::Running => {
                if self.disks_fell_back(id).await? {
                    // Its memory and its disk no longer belong together: as after a host failure.
                    tracing::error!(instance = %id, "a disk lost unflushed writes; guest ended");
                    self.parts.hypervisor.power_off(id).await.map_err(Error::unavailable)?;
                    return self.guest_ended(instance, false).await;
                }
                self.running_reasons(instance, Vec::new()).await?;
                self.forwards_apply(id).await
            }
            GuestState::Paused { reason: PauseReason::NoSpace | PauseReason::DiskError } => {
                let full = vec![InstanceStatusReason::PausedStorageFull];
                self.running_reasons(instance, full).await?;
                self.guest_resume(id).await
            }
            GuestState::Paused { reason: PauseReason::Other } => Ok(()),
        }
    }

    async fn disks_fell_back(&self, id: &InstanceId) -> Result<bool, Error> {
        if !self.parts.hypervisor.info().needs_export {
            return Ok(false);
        }
        let view = self.store().instance_any(RECONCILER, id).await?;
        for attached in &view.attachments {
            let volume = attached.attachment.volume.as_str();
            let fell = self.parts.storage.export_fell_back(volume).await;
            if fell.map_err(Error::unavailable)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn guest_resume(&self, id: &InstanceId) -> Result<(), Error> {
        match self.parts.hypervisor.resume(id).await {
            Ok(()) => {
                tracing::info!(instance = %id, "guest goes on");
                Ok(())
            }
            // Still no room: the next look tries again.
            Err(compute::ComputeError::StillPaused { .. }) => Ok(()),
            Err(error) => Err(Error::unavailable(error)),
        }
    }

    async fn running_reasons(
        &self,
        instance: &Instance,
        reasons: Vec<InstanceStatusReason>,
    ) -> Result<(), Error> {
        if instance.status_reasons == reasons {
            return Ok(());
        }
        let set = self.store().instance_status_set(
            RECONCILER,
            &instance.head.id,
            &[InstanceStatus::Running],
            InstanceStatus::Running,
            reasons,
            LifecycleState::Stable,
            Change::default(),
        );
        ignore_changed(set.await)
    }

    /// The guest of a running instance is gone: its volumes are closed and it is stopped.
    async fn guest_ended(&self, instance: &Instance, by_guest: bool) -> Result<(), Error> {
        let id = &instance.head.id;
        // A job that is at it sees the same; the next look comes soon.
        let Some(_turn) = self.turns.take(id) else { return Ok(()) };
        let view = self.store().instance_any(RECONCILER, id).await?;
        // Asked again after the row: it may have been started anew meanwhile.
        let state = self.parts.hypervisor.state(id).await.map_err(Error::unavailable)?;
        if view.instance.status != InstanceStatus::Running || state != GuestState::Absent {
            return Ok(());
        }
        for attached in &view.attachments {
            let volume = attached.attachment.volume.as_str();
            let closed: Result<(), StorageError> = self.parts.storage.unexport(volume).await;
            closed.map_err(Error::unavailable)?;
        }
        let reasons =
            if by_guest { Vec::new() } else { vec![InstanceStatusReason::StoppedByHostFailure] };
        let usage = vec![self.instance_usage_end(instance)];
        let change = self.region_change(
            "is.instance.instance.stop",
            Outcome::Success,
            "instance",
            &instance.head,
            instance.zone.as_str(),
            usage,
        );
        tracing::info!(instance = %id, by_guest, "guest ended by itself");
        let set = self.store().instance_status_set(
            RECONCILER,
            id,
            &[InstanceStatus::Running],
            InstanceStatus::Stopped,
            reasons,
            LifecycleState::Stable,
            change,
        );
        ignore_changed(set.await)
    }

    /// Stops every guest and export of this host, as the end of a region does: the power button
    /// for all guests at once, then off after the deadline.
    ///
    /// # Errors
    /// When the database or the hypervisor cannot be asked.
    pub async fn guests_stop(self: &Arc<Self>) -> Result<usize, Error> {
        let running: Vec<Instance> = self
            .store()
            .instances_of_host(RECONCILER, &self.config.host)
            .await?
            .into_iter()
            .filter(|instance| instance.status == InstanceStatus::Running)
            .collect();
        let mut ends = tokio::task::JoinSet::new();
        for instance in running.clone() {
            let region = Arc::clone(self);
            ends.spawn(async move { region.guest_end(&instance).await });
        }
        while let Some(ended) = ends.join_next().await {
            ended.map_err(Error::internal)??;
        }
        // Views, and what a job that did not finish left: the next start serves it anew.
        let storage = &self.parts.storage;
        for id in storage.exports().await.map_err(Error::unavailable)? {
            storage.unexport(&id).await.map_err(Error::unavailable)?;
        }
        Ok(running.len())
    }

    async fn guest_end(&self, instance: &Instance) -> Result<(), Error> {
        let id = &instance.head.id;
        let hypervisor = &self.parts.hypervisor;
        let began = self.parts.clock.monotonic();
        let mut rounds = 0_u32;
        while hypervisor.state(id).await.map_err(Error::unavailable)? != GuestState::Absent {
            if self.parts.clock.monotonic().saturating_sub(began) > self.config.powerdown_deadline {
                hypervisor.power_off(id).await.map_err(Error::unavailable)?;
                break;
            }
            if rounds.is_multiple_of(15) && hypervisor.powerdown(id).await.is_err() {
                tracing::debug!(instance = %id, "the power button was not heard");
            }
            rounds += 1;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.guest_ended(instance, true).await
    }
}

/// Another was first: what it wrote counts.
fn ignore_changed(set: Result<(), meta::StoreError>) -> Result<(), Error> {
    match set {
        Ok(()) | Err(meta::StoreError::Changed { .. } | meta::StoreError::NotFound { .. }) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

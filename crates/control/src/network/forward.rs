//! How guests are connected: their interfaces, which of their ports the host forwards (those that
//! their security groups open, on a floating IP), and whether they have a way out (by a floating IP
//! or a public gateway).
//!
//! A reconciler: what is wanted follows from rows alone, and is looked at every few seconds and
//! after each change. Connections come from the host's loopback address, so a rule opens a port
//! when it admits that. A way out leads everywhere: the destinations of outbound rules and network
//! ACLs are not applied. Guests do not reach each other.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base::InstanceId;
use compute::{ComputeError, Forward, GuestNic};
use meta::NicReach;
use model::{FLOATING_SOURCE, lets_out, open_ports};
use policy::{InternalActor, SystemPermit};

use crate::{Control, Error};

const RECONCILER: SystemPermit = SystemPermit::of(InternalActor::Reconciler);

/// What each guest was last given, and whether it has it.
#[derive(Debug, Default)]
pub(crate) struct ForwardBoard(Mutex<Given>);

type Given = HashMap<InstanceId, (Vec<GuestNic>, bool)>;

impl ForwardBoard {
    fn given(&self) -> MutexGuard<'_, Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Control {
    /// The guest is new, or gone: it forwards nothing.
    pub(crate) fn forwards_forget(&self, instance: &InstanceId) {
        self.forwards.given().remove(instance);
    }

    /// The network interfaces of an instance's guest, the primary one first.
    pub(crate) async fn guest_nics(&self, instance: &InstanceId) -> Result<Vec<GuestNic>, Error> {
        let reach = self.store().instance_reach(RECONCILER, instance).await?;
        Ok(reach.into_iter().map(guest_nic).collect())
    }

    /// Makes a running guest have the interfaces, ways out and forwards that it is to have.
    pub(crate) async fn forwards_apply(&self, instance: &InstanceId) -> Result<(), Error> {
        let wanted = self.guest_nics(instance).await?;
        let before = self.forwards.given().get(instance).cloned();
        let same = before.as_ref().is_some_and(|(given, _)| given == &wanted);
        if same && before.as_ref().is_some_and(|(_, done)| *done) {
            return Ok(());
        }
        let done = self.parts.hypervisor.network(instance, &wanted).await;
        match &done {
            // The guest is asked again; only its own slowness shows.
            Ok(()) | Err(ComputeError::NicHeld { .. }) => {}
            Err(error) if same => {
                tracing::debug!(%instance, why = base::error_chain(error), "network of a guest");
            }
            Err(error) => {
                let why = base::error_chain(error);
                tracing::warn!(%instance, %why, "the network of a guest is not as it is to be");
            }
        }
        self.forwards.given().insert(instance.clone(), (wanted, done.is_ok()));
        Ok(())
    }
}

fn guest_nic(reach: NicReach) -> GuestNic {
    let forwards = match reach.floating {
        None => Vec::new(),
        Some(address) => open_ports(&reach.rules, reach.own, FLOATING_SOURCE)
            .into_iter()
            .map(|open| Forward { udp: open.udp, address, port: open.port })
            .collect(),
    };
    GuestNic {
        id: reach.nic.to_string(),
        mac: reach.mac,
        address: reach.own,
        range: reach.range,
        way_out: (reach.gateway || reach.floating.is_some()) && lets_out(&reach.rules, reach.own),
        forwards,
    }
}

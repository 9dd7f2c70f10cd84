//! Region time, as the operator of a region for tests reads and moves it (B9).

use std::time::Duration;

use base::{Clock, MoveError, Timestamp, VirtualClock};
use model::Refusal;
use policy::InternalActor;

use crate::{Control, Error};

/// What the clocks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// Region time.
    pub region: Timestamp,
    /// The machine's time.
    pub wall: Timestamp,
    /// Region time can be moved.
    pub is_virtual: bool,
    /// Region time stands.
    pub frozen: bool,
    /// When the next image is due by a lifecycle date.
    pub next_due: Option<Timestamp>,
}

/// A move of region time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMove {
    /// It stands.
    Freeze,
    /// It runs again.
    Resume,
    /// Forward by so much.
    Advance(Duration),
    /// Forward to the next due event.
    NextDue,
}

impl Control {
    /// What the clocks say.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn clock_read(&self) -> Result<ClockReading, Error> {
        let clock = &self.parts.clock;
        let permit = Self::system(InternalActor::Operator);
        Ok(ClockReading {
            next_due: self.store().image_due_next(permit).await?,
            region: clock.region(),
            wall: clock.wall(),
            is_virtual: clock.virtual_clock().is_some(),
            frozen: clock.virtual_clock().is_some_and(VirtualClock::is_frozen),
        })
    }

    /// Moves region time. What became due is done when this returns.
    ///
    /// # Errors
    /// A region that follows the machine's time; nothing that is due; the end of time.
    pub async fn clock_move(&self, how: ClockMove) -> Result<ClockReading, Error> {
        let clock = self.parts.clock.virtual_clock().ok_or(Refusal::ClockNotVirtual)?;
        match how {
            ClockMove::Freeze => moved(clock.freeze())?,
            ClockMove::Resume => moved(clock.resume())?,
            ClockMove::Advance(by) => moved(clock.advance(by))?,
            ClockMove::NextDue => {
                let permit = Self::system(InternalActor::Operator);
                let due = self.store().image_due_next(permit).await?.ok_or(Refusal::NothingDue)?;
                moved(clock.advance_to(due))?;
            }
        }
        tracing::info!(?how, region_time = %clock.region(), "region time was moved");
        while self.images_due(crate::worker::DUE_BATCH).await? > 0 {}
        self.clock_read().await
    }
}

fn moved(done: Result<(), MoveError>) -> Result<(), Error> {
    done.map_err(|error| match error {
        MoveError::Beyond => Refusal::ClockRange.into(),
        kept @ MoveError::Keep { .. } => Error::unavailable(kept),
    })
}

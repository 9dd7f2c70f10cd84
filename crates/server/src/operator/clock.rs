//! `/_ectype/v1/clock`: region time, read and moved.

use control::{ClockMove, ClockReading};
use wire::{
    Fields,
    request::{ClockRequest, clock_request},
    response,
};

use super::OperatorCall;
use crate::reply::{Answer, Reply};

/// What the clocks say.
pub(crate) async fn clock_get(call: OperatorCall) -> Answer {
    render(&call.app.control.clock_read().await?)
}

/// Freezes, resumes, or moves region time.
pub(crate) async fn clock_move(call: OperatorCall) -> Answer {
    let body = call.json()?;
    let how = match clock_request(&Fields::root(&body))? {
        ClockRequest::Freeze => ClockMove::Freeze,
        ClockRequest::Resume => ClockMove::Resume,
        ClockRequest::Advance(by) => ClockMove::Advance(by),
        ClockRequest::NextDue => ClockMove::NextDue,
    };
    render(&call.app.control.clock_move(how).await?)
}

fn render(read: &ClockReading) -> Answer {
    let ClockReading { region, wall, is_virtual, frozen, next_due } = *read;
    Reply::ok(&response::clock(region, wall, is_virtual, frozen, next_due))
}

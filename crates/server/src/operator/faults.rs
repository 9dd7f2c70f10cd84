//! `/_ectype/v1/faults`: failures on demand. Faults of calls are in memory, forced statuses are
//! rows; both are listed together and taken back alike.

use wire::{
    ApiError, ErrorCode, Fields,
    request::{FaultRequest, fault_request},
    response::{self, Faults},
};

use super::{OperatorCall, board::FAULTS_MAX};
use crate::{
    operations::OPERATIONS,
    reply::{Answer, Failure, Reply},
};

/// Adds a fault.
pub(crate) async fn fault_create(call: OperatorCall) -> Answer {
    let body = call.json()?;
    match fault_request(&Fields::root(&body))? {
        FaultRequest::Calls { operation, fault, count } => {
            let operation = operation.as_deref().map(known).transpose()?;
            let now = call.app.control.now();
            let added = call.app.faults.add(operation, fault, count, now);
            Reply::created(&added.ok_or_else(full)?)
        }
        FaultRequest::Status(want) => {
            let forced = call.app.control.status_force(want).await?;
            Reply::created(&response::status_fault(forced))
        }
    }
}

/// The name of an operation as the table has it.
fn known(name: &str) -> Result<&'static str, ApiError> {
    let found = OPERATIONS.iter().find(|o| o.name == name && !o.is_operators());
    found.map(|o| o.name).ok_or_else(|| {
        let message = "operation must be the name of an operation, such as create_image, or *.";
        ApiError::field(ErrorCode::ValidationEnum, "operation", message)
    })
}

fn full() -> Failure {
    let message = format!("There are {FAULTS_MAX} faults of calls already. Take some back.");
    ApiError::new(ErrorCode::OverQuota, message).into()
}

/// All faults.
pub(crate) async fn fault_list(call: OperatorCall) -> Answer {
    let mut faults = call.app.faults.list();
    let forced = call.app.control.statuses_forced().await?;
    faults.extend(forced.into_iter().map(response::status_fault));
    Reply::ok(&Faults { faults })
}

/// Takes one back.
pub(crate) async fn fault_delete(call: OperatorCall) -> Answer {
    let id = call.param("id");
    if !call.app.faults.remove(id) {
        call.app.control.status_restore(id).await?;
    }
    Ok(Reply::empty())
}

/// Takes all back.
pub(crate) async fn faults_delete(call: OperatorCall) -> Answer {
    call.app.faults.clear();
    for forced in call.app.control.statuses_forced().await? {
        call.app.control.status_restore(&forced.id).await?;
    }
    Ok(Reply::empty())
}

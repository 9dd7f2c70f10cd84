//! `/v2/resource_instances`: there are none yet.

use wire::response;

use crate::{
    call::Call,
    reply::{Answer, Reply},
};

pub(crate) async fn list(call: Call) -> Answer {
    call.control().resource_instances_check(&call.ctx).await?;
    Reply::ok(&response::no_resources())
}

pub(crate) async fn get(call: Call) -> Answer {
    call.control().resource_instances_check(&call.ctx).await?;
    Err(wire::error::not_found("resource instance", call.param("id"), None).into())
}

//! `/v1/regions` and their zones: this one region.

use wire::{error::not_found, response};

use crate::{
    call::Call,
    reply::{Answer, Failure, Reply},
};

fn check_region(call: &Call) -> Result<(), Failure> {
    let name = call.param("name");
    if name == call.app.config.region.as_str() {
        Ok(())
    } else {
        Err(not_found("region", name, None).into())
    }
}

pub(crate) async fn region_list(call: Call) -> Answer {
    Reply::ok(&response::regions(&call.render()))
}

pub(crate) async fn region_get(call: Call) -> Answer {
    check_region(&call)?;
    Reply::ok(&response::region(&call.render()))
}

pub(crate) async fn zone_list(call: Call) -> Answer {
    check_region(&call)?;
    Reply::ok(&response::zones(&call.render(), &call.app.zones))
}

pub(crate) async fn zone_get(call: Call) -> Answer {
    check_region(&call)?;
    let name = call.param("zone");
    let zone = call.app.config.region.zone(name);
    let zone = zone.ok_or_else(|| not_found("zone", name, None))?;
    Reply::ok(&response::zone(&call.render(), &zone))
}

//! `/v1/operating_systems`.

use model::catalog::{OPERATING_SYSTEMS, operating_system};
use wire::{List, PageRequest, error::not_found, response};

use crate::{
    call::Call,
    reply::{Answer, Reply},
};

const LIST: List<'_> = List { path: "operating_systems", items: "operating_systems" };

pub(crate) async fn list(call: Call) -> Answer {
    let page = PageRequest::parse(LIST.path, &call.query)?;
    let found = page.slice(OPERATING_SYSTEMS, |os| os.name);
    let r = call.render();
    let items = found.items.iter().map(|os| response::operating_system(&r, os)).collect();
    call.collection(LIST, &page, items, found.next.as_ref(), OPERATING_SYSTEMS.len() as u64)
}

pub(crate) async fn get(call: Call) -> Answer {
    let name = call.param("name");
    let os = operating_system(name).ok_or_else(|| not_found("operating system", name, None))?;
    Reply::ok(&response::operating_system(&call.render(), os))
}

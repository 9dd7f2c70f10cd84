//! `/v1/security_groups`: the defaults of VPCs, to read.

use wire::{List, request, response};

use super::vpcs;
use crate::{
    call::{Call, page_of},
    reply::{Answer, Reply},
};

const LIST: List<'_> = List { path: "security_groups", items: "security_groups" };

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::security_group_list(&call.asked(), &call.query)?;
    let page = page_of(&want.page);
    let found = call.control().security_groups(&call.ctx, want.vpc, page).await?;
    let r = call.render();
    let each = found.items.iter();
    let items = each.map(|(sg, group, vpc)| response::security_group(&r, sg, group, vpc, &[]));
    call.page(LIST, &want.page, items.collect(), found.next.as_ref(), found.total)
}

pub(crate) async fn get(call: Call) -> Answer {
    let id = call.id("id", "security group")?;
    let (security_group, group, vpc) = call.control().security_group(&call.ctx, &id).await?;
    let vpc = vpcs::reference(&vpc);
    Reply::ok(&response::security_group(&call.render(), &security_group, &group, &vpc, &[]))
}

//! `/v1/network_acls/{id}`: the defaults of VPCs, to read.

use wire::response;

use super::vpcs;
use crate::{
    call::Call,
    reply::{Answer, Reply},
};

pub(crate) async fn get(call: Call) -> Answer {
    let id = call.id("id", "network ACL")?;
    let (acl, group, vpc, subnets) = call.control().acl(&call.ctx, &id).await?;
    let vpc = vpcs::reference(&vpc);
    Reply::ok(&response::network_acl(&call.render(), &acl, &group, &vpc, &subnets))
}

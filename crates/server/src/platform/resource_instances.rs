//! `/v2/resource_instances`: instances of Key Protect, the one service beside VPC.

use base::{Crn, ResourceGroupId, ServiceInstanceId};
use control::ServiceInstanceCreate;
use wire::{
    ApiError, ErrorCode, Fields, request,
    response::{self, KEY_PROTECT_ID, KEY_PROTECT_PLAN},
};

use crate::{
    call::Call,
    reply::{Answer, Reply},
};

/// The name of the plan.
const PLAN_NAME: &str = "tiered-pricing";

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::resource_instance_list(&call.query);
    let found = call.control().service_instances(&call.ctx).await?;
    let is = |want: &Option<String>, text: &str| want.as_ref().is_none_or(|want| want == text);
    let wanted = found.iter().filter(|one| {
        is(&want.name, &one.name)
            && is(&want.guid, one.id.as_str())
            && is(&want.group, one.group.as_str())
            && is(&want.service, KEY_PROTECT_ID)
            && is(&want.plan, KEY_PROTECT_PLAN)
    });
    let each = wanted.map(|one| shown(&call, one));
    Reply::ok(&response::resource_instances(each.collect()))
}

fn shown(call: &Call, one: &model::ServiceInstance) -> serde_json::Value {
    response::resource_instance(one, &call.app.config.region, &call.base_url)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::resource_instance_prototype(&Fields::root(&body))?;
    if want.plan != KEY_PROTECT_PLAN && want.plan != PLAN_NAME {
        let error = ApiError::not_implemented("A plan other than Key Protect's tiered-pricing");
        return Err(error.at(wire::TargetKind::Field, "resource_plan_id").into());
    }
    let region = call.app.config.region.as_str();
    let target = want.target.strip_prefix("bluemix-").unwrap_or(&want.target);
    if target != region {
        let message = format!("target must be {region}: this region serves no other.");
        return Err(ApiError::field(ErrorCode::InvalidValue, "target", message).into());
    }
    let group = ResourceGroupId::parse(&want.group).map_err(|_| {
        wire::error::not_found("resource_group", &want.group, Some("resource_group"))
    })?;
    let want = ServiceInstanceCreate { name: want.name, group };
    let made = call.control().service_instance_create(&call.ctx, want).await?;
    Reply::created(&shown(&call, &made))
}

pub(crate) async fn get(call: Call) -> Answer {
    let one = call.control().service_instance(&call.ctx, &id(&call)?).await?;
    Reply::ok(&shown(&call, &one))
}

pub(crate) async fn update(call: Call) -> Answer {
    let body = call.json()?;
    let name = request::resource_instance_patch(&Fields::root(&body))?;
    let one = call.control().service_instance_rename(&call.ctx, &id(&call)?, name).await?;
    Reply::ok(&shown(&call, &one))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().service_instance_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

/// The GUID of the path, which may be in a CRN.
fn id(call: &Call) -> Result<ServiceInstanceId, ApiError> {
    let text = call.param("id");
    let missing = || wire::error::not_found("resource instance", text, None);
    if !text.starts_with("crn:") {
        return ServiceInstanceId::parse(text).map_err(|_| missing());
    }
    let crn = Crn::parse(text).map_err(|_| missing())?;
    let here = crn.service == "kms"
        && crn.location == call.app.config.region.as_str()
        && crn.account.as_ref() == Some(&call.ctx.caller.account)
        && crn.kind.is_empty()
        && crn.resource.is_empty();
    let id = ServiceInstanceId::parse(&crn.instance).map_err(|_| missing())?;
    if here { Ok(id) } else { Err(missing()) }
}

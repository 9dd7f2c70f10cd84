//! `/v1/policies` and `/v2/policies`: two forms of the same policies. The first form shows those
//! that it can say.

use axum::http::StatusCode;
use base::PolicyId;
use control::{PolicyFilter, PolicyWrite};
use model::{AccessPolicy, CustomRole};
use serde_json::Value;
use wire::{
    Fields,
    request::{self, PolicyBody, PolicyList},
    response,
};

use super::{etag, roles::facts_of};
use crate::{
    call::Call,
    reply::{Answer, Failure, Reply},
};

/// IBM's forms of policies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    V1,
    V2,
}

impl Form {
    const fn path(self) -> &'static str {
        match self {
            Self::V1 => "/v1/policies",
            Self::V2 => "/v2/policies",
        }
    }

    fn shows(self, policy: &AccessPolicy) -> bool {
        self == Self::V2 || policy.terms.fits_v1()
    }
}

pub(crate) async fn list_v1(call: Call) -> Answer {
    list(call, Form::V1).await
}

pub(crate) async fn list_v2(call: Call) -> Answer {
    list(call, Form::V2).await
}

pub(crate) async fn create_v1(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::policy_v1(&Fields::root(&body))?;
    create(call, want, Form::V1).await
}

pub(crate) async fn create_v2(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::policy_v2(&Fields::root(&body))?;
    create(call, want, Form::V2).await
}

pub(crate) async fn get_v1(call: Call) -> Answer {
    get(call, Form::V1).await
}

pub(crate) async fn get_v2(call: Call) -> Answer {
    get(call, Form::V2).await
}

pub(crate) async fn replace_v1(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::policy_v1(&Fields::root(&body))?;
    replace(call, want, Form::V1).await
}

pub(crate) async fn replace_v2(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::policy_v2(&Fields::root(&body))?;
    replace(call, want, Form::V2).await
}

/// Restores a deleted policy.
pub(crate) async fn restore(call: Call) -> Answer {
    let body = call.json()?;
    request::policy_state(&Fields::root(&body))?;
    let old = found(&call, Form::V1).await?;
    let revision = call.iam_if_match(old.revision, old.id.as_str())?;
    let policy = call.control().policy_restore(&call.ctx, &old.id, revision).await?;
    render(&call, StatusCode::OK, Form::V1, &policy, false).await
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().policy_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

fn id(call: &Call) -> Result<PolicyId, Failure> {
    Ok(call.id("id", "policy")?)
}

async fn found(call: &Call, form: Form) -> Result<AccessPolicy, Failure> {
    let id = id(call)?;
    let policy = call.control().policy(&call.ctx, &id).await?;
    if form.shows(&policy) {
        return Ok(policy);
    }
    Err(wire::error::not_found("policy", id.as_str(), None).into())
}

async fn list(call: Call, form: Form) -> Answer {
    let want = request::policy_list(&call.query)?;
    call.iam_account(&want.account)?;
    let filter = PolicyFilter {
        iam_id: want.iam_id.clone(),
        access_group: want.access_group.clone(),
        kind: want.kind,
        state: want.state,
    };
    let all = call.control().policies(&call.ctx, &filter).await?;
    let fits = |policy: &AccessPolicy| form.shows(policy) && fits(policy, &want);
    let mut found: Vec<AccessPolicy> = all.into_iter().filter(fits).collect();
    if let Some(start) = &want.start {
        // A policy that was deleted since is no place to go on from: the list begins anew.
        let at = found.iter().position(|p| p.id.as_str() == start).unwrap_or_default();
        found.drain(..at);
    }
    let mut page = None;
    if let Some(limit) = want.limit {
        let url = call.own_url(form.path());
        let filters = call.query.filters_encoded();
        let next = found.get(limit as usize).map(|policy| {
            let start = policy.id.to_string();
            (format!("{url}?limit={limit}&start={start}{filters}"), start)
        });
        found.truncate(limit as usize);
        let first = format!("{url}?limit={limit}{filters}");
        page = Some(response::PolicyPage { limit, first, next });
    }
    let custom = custom_for(&call, found.iter()).await?;
    let items = found.iter().map(|p| shown(&call, form, p, &custom, want.display)).collect();
    Reply::ok(&response::policies(items, page))
}

fn fits(policy: &AccessPolicy, want: &PolicyList) -> bool {
    let terms = &policy.terms;
    let tag = |name: &str, value: Option<&str>| {
        terms.tags.iter().any(|t| {
            let same = value.is_none_or(|v| t.value == model::AttributeValue::Text(v.to_owned()));
            t.key == name && same
        })
    };
    want.resource.iter().all(|(key, value)| terms.resource_text(key) == Some(value))
        && want.tag.0.as_deref().is_none_or(|name| tag(name, want.tag.1.as_deref()))
}

async fn create(call: Call, want: PolicyBody, form: Form) -> Answer {
    let want = PolicyWrite { kind: want.kind, terms: want.terms };
    let policy = call.control().policy_create(&call.ctx, want).await?;
    render(&call, StatusCode::CREATED, form, &policy, false).await
}

async fn get(call: Call, form: Form) -> Answer {
    let display = request::policy_format(&call.query)?;
    let policy = found(&call, form).await?;
    render(&call, StatusCode::OK, form, &policy, display).await
}

async fn replace(call: Call, want: PolicyBody, form: Form) -> Answer {
    let old = found(&call, form).await?;
    let revision = call.iam_if_match(old.revision, old.id.as_str())?;
    let want = PolicyWrite { kind: want.kind, terms: want.terms };
    let policy = call.control().policy_replace(&call.ctx, &old.id, revision, want).await?;
    render(&call, StatusCode::OK, form, &policy, false).await
}

/// The account's own roles, when one of the policies gives one: their names are shown with it.
async fn custom_for(
    call: &Call,
    mut policies: impl Iterator<Item = &AccessPolicy>,
) -> Result<Vec<CustomRole>, Failure> {
    if policies.any(|p| p.terms.roles.iter().any(|r| r.contains(":customRole:"))) {
        return Ok(call.control().custom_roles(&call.ctx).await.unwrap_or_default());
    }
    Ok(Vec::new())
}

fn shown(
    call: &Call,
    form: Form,
    policy: &AccessPolicy,
    custom: &[CustomRole],
    display: bool,
) -> Value {
    let service = policy.terms.resource_text("serviceName").unwrap_or_default().to_owned();
    let roles = |crn: &str| facts_of(crn, &service, custom);
    match form {
        Form::V1 => response::policy_v1(policy, &call.base_url, &roles),
        Form::V2 => response::policy_v2(policy, &call.base_url, &roles, display),
    }
}

async fn render(
    call: &Call,
    status: StatusCode,
    form: Form,
    policy: &AccessPolicy,
    display: bool,
) -> Answer {
    let custom = custom_for(call, std::iter::once(policy)).await?;
    let body = shown(call, form, policy, &custom, display);
    let etag = etag(policy.revision, policy.id.as_str());
    Ok(Reply::json(status, &body)?.with_etag(etag))
}

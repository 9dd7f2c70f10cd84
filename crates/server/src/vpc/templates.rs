//! `/v1/instance/templates`.

use base::InstanceTemplateId;
use control::TemplateCreate;
use model::InstanceTemplate;
use serde_json::{Map, Value};
use wire::{Fields, List, PageRequest, request, response};

use super::instances;
use crate::{
    call::{Call, page_of},
    reply::{Answer, Failure, Reply, internal},
};

const LIST: List<'_> = List { path: "instance/templates", items: "templates" };

pub(crate) async fn list(call: Call) -> Answer {
    let page = PageRequest::parse(LIST.path, &call.query)?;
    let found = call.control().templates(&call.ctx, page_of(&page)).await?;
    let r = call.render();
    let mut items = Vec::with_capacity(found.items.len());
    for (template, group) in &found.items {
        items.push(response::instance_template(&r, template, kept(template)?, group));
    }
    call.page(LIST, &page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = over_source(&call, call.json()?).await?;
    let want = request::template_prototype(&call.asked(), &body)?;
    let keys = instances::keys(&call, &want.instance.keys).await?;
    let command = TemplateCreate {
        name: want.name,
        group: want.group,
        prototype: Value::Object(want.kept).to_string(),
        instance: instances::command(want.instance, keys),
    };
    let (template, group) = call.control().template_create(&call.ctx, command).await?;
    let kept = kept(&template)?;
    Reply::created(&response::instance_template(&call.render(), &template, kept, &group))
}

pub(crate) async fn get(call: Call) -> Answer {
    let (template, group) = call.control().template(&call.ctx, &id(&call)?).await?;
    render(&call, &template, &group)
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let name = request::rename(&Fields::root(&body))?;
    let (template, group) = call.control().template_rename(&call.ctx, &id, name).await?;
    render(&call, &template, &group)
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().template_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

/// A body laid over the template that it names as its source, if it names one.
pub(super) async fn over_source(
    call: &Call,
    body: Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let Some(id) = request::source_template(&call.asked(), &Fields::root(&body))? else {
        return Ok(body);
    };
    let found = call.control().template(&call.ctx, &id).await;
    let (template, _) = found.map_err(|error| error.named_by("source_template"))?;
    Ok(request::over_template(&kept(&template)?, &body)?)
}

/// What a template keeps: JSON that was written here.
fn kept(template: &InstanceTemplate) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(&template.prototype).map_err(|error| {
        tracing::error!(template = %template.head.id, %error, "a template cannot be read");
        internal().into()
    })
}

fn id(call: &Call) -> Result<InstanceTemplateId, Failure> {
    Ok(call.id("id", "instance template")?)
}

fn render(call: &Call, template: &InstanceTemplate, group: &str) -> Answer {
    let kept = kept(template)?;
    Reply::ok(&response::instance_template(&call.render(), template, kept, group))
}

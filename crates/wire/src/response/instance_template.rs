//! Instance templates: what was kept, as it was asked for, with what every resource has.

use model::InstanceTemplate;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Ref;
use crate::{Kind, Render};

/// An instance template.
#[derive(Debug, Serialize)]
pub struct Template<'a> {
    created_at: String,
    crn: String,
    href: String,
    id: &'a str,
    name: &'a str,
    resource_group: Ref<'a>,
    #[serde(flatten)]
    kept: Map<String, Value>,
}

/// An instance template with what it keeps, and the name of its resource group.
#[must_use]
pub fn instance_template<'a>(
    r: &Render<'_>,
    template: &'a InstanceTemplate,
    kept: Map<String, Value>,
    group_name: &'a str,
) -> Template<'a> {
    let head = &template.head;
    let id = head.id.as_str();
    Template {
        created_at: head.created_at.to_string(),
        crn: r.crn_in(Kind::INSTANCE_TEMPLATE, template.zone.as_str(), id),
        href: r.href_of(Kind::INSTANCE_TEMPLATE, id),
        id,
        name: head.name.as_str(),
        resource_group: Ref::group(r, &head.group, group_name),
        kept,
    }
}

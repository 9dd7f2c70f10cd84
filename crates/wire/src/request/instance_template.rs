//! Instance templates, and instances made from them.
//!
//! A template is kept as the JSON that it was asked for with. An instance is made from it by
//! laying the request over that, property by property, and reading the whole as any prototype: so
//! there is one reading of prototypes, and one set of errors.

use base::{InstanceTemplateId, ResourceGroupId};
use model::ResourceName;
use serde_json::{Map, Value};

use super::{
    Asked,
    instance::{InstancePrototype, VolumeSource, instance_prototype},
};
use crate::{ApiError, ErrorCode, Fields, Kind};

/// Properties that a template keeps: those of a prototype but name and resource group, which are
/// the template's own.
const KEPT: [&str; 22] = [
    "availability",
    "availability_policy",
    "boot_volume_attachment",
    "confidential_compute_mode",
    "enable_secure_boot",
    "image",
    "keys",
    "metadata_service",
    "network_attachments",
    "network_interfaces",
    "placement_target",
    "primary_network_attachment",
    "primary_network_interface",
    "profile",
    "reservation_affinity",
    "threads_per_core",
    "total_volume_bandwidth",
    "user_data",
    "vcpu",
    "volume_attachments",
    "vpc",
    "zone",
];

/// The two network styles; a template has one, and what is laid over it must be of the same.
const STYLES: [(&str, &str); 2] = [
    ("primary_network_interface", "primary_network_attachment"),
    ("primary_network_attachment", "primary_network_interface"),
];

/// `POST /instance/templates`.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplatePrototype {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the default one when none.
    pub group: Option<ResourceGroupId>,
    /// What is kept.
    pub kept: Map<String, Value>,
    /// The same, read.
    pub instance: InstancePrototype,
}

/// The template that a body names as its source.
///
/// # Errors
/// What the body names wrongly.
pub fn source_template(
    asked: &Asked<'_>,
    f: &Fields<'_>,
) -> Result<Option<InstanceTemplateId>, ApiError> {
    asked.place.id_in(Kind::INSTANCE_TEMPLATE, f, "source_template")
}

/// A body laid over a template's prototype. Nulls count as absent, as in any creation.
///
/// # Errors
/// `validation_only_one` for the other network style than the template's.
pub fn over_template(
    template: &Map<String, Value>,
    body: &Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    let f = Fields::root(body);
    for (one, other) in STYLES {
        if template.contains_key(one) && f.has(other) {
            let what = format!("excludes the template's {one}");
            return Err(f.error(ErrorCode::ValidationOnlyOne, other, &what));
        }
    }
    let mut merged = template.clone();
    for (name, value) in body {
        if !value.is_null() && name != "source_template" {
            merged.insert(name.clone(), value.clone());
        }
    }
    Ok(merged)
}

/// Reads `POST /instance/templates`, its source template already laid under it.
///
/// # Errors
/// As for an instance; `validation_failure` for an existing boot volume.
pub fn template_prototype(
    asked: &Asked<'_>,
    body: &Map<String, Value>,
) -> Result<TemplatePrototype, ApiError> {
    let f = Fields::root(body);
    let instance = instance_prototype(asked, &f)?;
    if matches!(instance.boot.source, VolumeSource::Existing(_)) {
        let what = "cannot be an existing volume in a template: name an image";
        let path = "boot_volume_attachment.volume";
        return Err(f.error(ErrorCode::ValidationFailure, path, what));
    }
    let kept =
        body.iter().filter(|(name, value)| KEPT.contains(&name.as_str()) && !value.is_null());
    Ok(TemplatePrototype {
        name: f.name("name")?,
        group: asked.place.group(&f)?,
        kept: kept.map(|(name, value)| (name.clone(), value.clone())).collect(),
        instance,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::testing::{parse, seen};

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("not an object") };
        map
    }

    fn body() -> Value {
        json!({"name": "one", "image": {"id": "r006-1"}, "zone": {"name": "us-south-1"},
            "primary_network_interface": {"subnet": {"id": "0717-1"}}, "user_data": "x",
            "resource_group": null, "unknown": 1})
    }

    fn read(body: Value) -> Result<TemplatePrototype, ApiError> {
        parse(json!({}), |asked, _| template_prototype(asked, &map(body)))
    }

    #[test]
    fn a_template_keeps_its_prototype_without_name_and_group() {
        let template = read(body()).unwrap();
        assert_eq!(template.name.unwrap().as_str(), "one");
        let kept: Vec<_> = template.kept.keys().map(String::as_str).collect();
        assert_eq!(kept, ["image", "primary_network_interface", "user_data", "zone"]);
        let mut volume = body();
        volume["image"] = Value::Null;
        volume["boot_volume_attachment"] = json!({"volume": {"id": "r006-2"}});
        assert_eq!(seen(read(volume)).0, ErrorCode::ValidationFailure);
    }

    #[test]
    fn a_body_is_laid_over_its_template() {
        let template = read(body()).unwrap().kept;
        let over = json!({"source_template": {"id": "0717-t"}, "user_data": null,
            "image": {"id": "r006-9"}, "name": "two"});
        let merged = over_template(&template, &map(over)).unwrap();
        assert_eq!(merged["image"], json!({"id": "r006-9"}));
        assert_eq!(merged["user_data"], "x");
        assert!(merged.contains_key("name") && !merged.contains_key("source_template"));
        let other = map(json!({"primary_network_attachment": {"virtual_network_interface": {}}}));
        let refused = over_template(&template, &other).unwrap_err();
        assert_eq!(refused.code, ErrorCode::ValidationOnlyOne);
    }

    #[test]
    fn a_source_template_is_named_like_any_resource() {
        let read = |body: Value| parse(body, source_template);
        assert_eq!(read(json!({})).unwrap(), None);
        let href = "http://127.0.0.1:9000/v1/instance/templates/0717-t";
        for named in [json!({"id": "0717-t"}), json!({"href": href})] {
            let id = read(json!({"source_template": named})).unwrap().unwrap();
            assert_eq!(id.as_str(), "0717-t");
        }
        let two = json!({"source_template": {"id": "a", "href": href}});
        assert_eq!(seen(read(two)).0, ErrorCode::ValidationOnlyOne);
    }
}

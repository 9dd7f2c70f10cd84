//! Every operation and every shape of JSON, described as OpenAPI 3.1 describes them.
//!
//! A file for each family, with its operations and its shapes; [`Described`] is an operation
//! without its path, which `server` knows. Nothing here is parsed by or rendered with: the tests
//! hold it to the parsers of [`crate::request`] field by field and limit by limit, and to every
//! answer that any test of `server` sees.
//!
//! To serve a new operation: add it to `operations()` of its family, its body and answer to
//! `shapes()`, and its parser to the table in `tests`. Next to read: `image`, then `check`.

mod access;
mod build;
pub mod check;
mod extension;
mod failure;
mod floating_ip;
mod geography;
mod iam;
mod identity;
mod image;
mod instance;
mod key;
mod key_protect;
pub mod mutate;
mod network_interface;
mod operation;
mod profile;
mod reference;
mod resource_group;
mod rule;
pub mod sample;
mod subnet;
mod tagging;
mod virtual_network_interface;
mod volume;
mod vpc;

#[cfg(test)]
mod tests;

pub use build::Schema;
pub use failure::{IAM_COMPONENT, component as error_component};
pub use operation::{Described, Media, Parameter};

use serde_json::{Map, Value};

/// Named schemas: the document's `components.schemas`.
#[derive(Clone, Debug, Default)]
pub struct Shapes(Map<String, Value>);

impl Shapes {
    fn add(&mut self, name: &str, schema: Schema) {
        let twice = self.0.insert(name.to_owned(), schema.into());
        debug_assert!(twice.is_none(), "two schemas are named {name}");
    }

    /// The schema of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All of them, by name.
    #[must_use]
    pub const fn all(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The schema that a `$ref` names, or the schema itself.
    #[must_use]
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let name = schema.get("$ref").and_then(Value::as_str);
        let name = name.and_then(|name| name.strip_prefix("#/components/schemas/"));
        name.map_or(schema, |name| self.get(name).unwrap_or(&Value::Null))
    }
}

/// The alternatives of a schema, and whether only one may fit.
fn alternatives(schema: &Value) -> Option<(&[Value], bool)> {
    let of = |name: &str| schema.get(name).and_then(Value::as_array).map(Vec::as_slice);
    of("oneOf").map(|all| (all, true)).or_else(|| of("anyOf").map(|all| (all, false)))
}

type Family = (&'static str, fn() -> Vec<Described>, fn(&mut Shapes));

/// The families, in the order of the document.
const FAMILIES: &[Family] = &[
    ("Images", image::operations, image::shapes),
    ("Volumes", volume::operations, volume::shapes),
    ("Instances", instance::operations, instance::shapes),
    ("Network interfaces", network_interface::operations, network_interface::shapes),
    (
        "Virtual network interfaces",
        virtual_network_interface::operations,
        virtual_network_interface::shapes,
    ),
    ("Instance profiles", profile::operations, profile::shapes),
    ("SSH keys", key::operations, key::shapes),
    ("VPCs", vpc::operations, vpc::shapes),
    ("Subnets", subnet::operations, subnet::shapes),
    ("Security groups and network ACLs", rule::operations, rule::shapes),
    ("Floating IPs and public gateways", floating_ip::operations, floating_ip::shapes),
    ("Geography", geography::operations, geography::shapes),
    ("Resource groups", resource_group::operations, resource_group::shapes),
    ("Tags and search", tagging::operations, tagging::shapes),
    ("Identity", iam::operations, iam::shapes),
    ("API keys, service IDs, profiles and users", identity::operations, identity::shapes),
    ("Access management", access::operations, access::shapes),
    ("Key Protect", key_protect::operations, key_protect::shapes),
    ("Ectype", extension::operations, extension::shapes),
    ("References", Vec::new, reference::shapes),
    ("Errors", Vec::new, failure::shapes),
];

/// Every operation that is described.
#[must_use]
pub fn operations() -> Vec<Described> {
    let each = FAMILIES.iter().flat_map(|(tag, operations, _)| {
        operations().into_iter().map(|described| Described { tag, ..described })
    });
    each.collect()
}

/// The headings of the operations.
#[must_use]
pub fn tags() -> Vec<&'static str> {
    FAMILIES.iter().filter(|(_, all, _)| !all().is_empty()).map(|(tag, _, _)| *tag).collect()
}

/// Every shape that is described, the pages of the operations among them.
#[must_use]
pub fn shapes() -> Shapes {
    let mut shapes = Shapes::default();
    for (_, operations, add) in FAMILIES {
        add(&mut shapes);
        for (name, page) in operations().into_iter().filter_map(|described| described.page) {
            shapes.0.insert(name, page);
        }
    }
    shapes
}

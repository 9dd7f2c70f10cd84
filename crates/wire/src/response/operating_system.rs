//! Operating systems: no id, no CRN.

use model::catalog;
use serde::Serialize;

use crate::Render;

/// An operating system.
#[derive(Debug, Serialize)]
pub struct OperatingSystem<'a> {
    allow_user_image_creation: bool,
    architecture: &'a str,
    dedicated_host_only: bool,
    display_name: &'a str,
    family: &'a str,
    href: String,
    name: &'a str,
    user_data_format: &'a str,
    vendor: &'a str,
    version: &'a str,
}

/// An operating system.
#[must_use]
pub fn operating_system(r: &Render<'_>, os: &catalog::OperatingSystem) -> OperatingSystem<'static> {
    OperatingSystem {
        allow_user_image_creation: os.allow_user_image_creation,
        architecture: os.architecture,
        dedicated_host_only: os.dedicated_host_only,
        display_name: os.display_name,
        family: os.family,
        href: r.href(&["operating_systems", os.name]),
        name: os.name,
        user_data_format: os.user_data_format,
        vendor: os.vendor,
        version: os.version,
    }
}

/// The operating system of that name; one that the catalogue no longer has keeps its name.
pub(crate) fn by_name<'a>(r: &Render<'_>, name: &'a str) -> OperatingSystem<'a> {
    match catalog::operating_system(name) {
        Some(os) => operating_system(r, os),
        None => OperatingSystem {
            allow_user_image_creation: false,
            architecture: "amd64",
            dedicated_host_only: false,
            display_name: name,
            family: "",
            href: r.href(&["operating_systems", name]),
            name,
            user_data_format: "cloud_init",
            vendor: "",
            version: "",
        },
    }
}

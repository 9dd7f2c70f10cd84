//! Regions and zones. A server is one region and lists itself.

use base::ZoneName;
use serde::Serialize;

use super::NamedRef;
use crate::Render;

/// A region.
#[derive(Debug, Serialize)]
pub struct Region<'a> {
    endpoint: &'a str,
    href: String,
    name: &'a str,
    status: &'static str,
}

/// This region.
#[must_use]
pub fn region<'a>(r: &Render<'a>) -> Region<'a> {
    let name = r.region.as_str();
    Region { endpoint: r.base_url, href: r.href(&["regions", name]), name, status: "available" }
}

/// All regions; not paginated.
#[derive(Debug, Serialize)]
pub struct Regions<'a> {
    regions: [Region<'a>; 1],
}

/// All regions.
#[must_use]
pub fn regions<'a>(r: &Render<'a>) -> Regions<'a> {
    Regions { regions: [region(r)] }
}

/// A zone.
#[derive(Debug, Serialize)]
pub struct Zone<'a> {
    data_center: &'a str,
    href: String,
    name: &'a str,
    region: NamedRef<'a>,
    status: &'static str,
    universal_name: &'a str,
}

/// A zone of this region.
#[must_use]
pub fn zone<'a>(r: &Render<'a>, zone: &'a ZoneName) -> Zone<'a> {
    let name = zone.as_str();
    Zone {
        data_center: name,
        href: r.href(&["regions", r.region.as_str(), "zones", name]),
        name,
        region: NamedRef::region(r),
        status: "available",
        universal_name: name,
    }
}

/// The zones of this region; not paginated.
#[derive(Debug, Serialize)]
pub struct Zones<'a> {
    zones: Vec<Zone<'a>>,
}

/// The zones of this region.
#[must_use]
pub fn zones<'a>(r: &Render<'a>, all: &'a [ZoneName]) -> Zones<'a> {
    Zones { zones: all.iter().map(|z| zone(r, z)).collect() }
}

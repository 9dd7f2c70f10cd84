//! Regions, zones and operating systems.

use super::{
    Shapes,
    build::{has, href, just, object, text, to},
    operation::{Described, all, page, read},
};

pub(super) fn operations() -> Vec<Described> {
    vec![
        all("list_regions", "RegionCollection", "Region", "regions"),
        read("get_region", to("Region")),
        all("list_region_zones", "ZoneCollection", "Zone", "zones"),
        read("get_region_zone", to("Zone")),
        page("list_operating_systems", "OperatingSystem", "operating_systems"),
        read("get_operating_system", to("OperatingSystem")),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    into.add(
        "Region",
        object([
            has("endpoint", href()),
            has("href", href()),
            has("name", text()),
            has("status", just("available")),
        ]),
    );
    into.add(
        "Zone",
        object([
            has("data_center", text()),
            has("href", href()),
            has("name", text()),
            has("region", to("RegionReference")),
            has("status", just("available")),
            has("universal_name", text()),
        ]),
    );
}

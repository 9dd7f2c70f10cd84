//! `/v1/volume/profiles` and `/v1/instance/profiles`.

use model::catalog::{INSTANCE_PROFILES, VOLUME_PROFILES, instance_profile, volume_profile};
use wire::{List, PageRequest, error::not_found, response};

use crate::{
    call::Call,
    reply::{Answer, Reply},
};

const VOLUMES: List<'_> = List { path: "volume/profiles", items: "profiles" };
const INSTANCES: List<'_> = List { path: "instance/profiles", items: "profiles" };

pub(crate) async fn volume_list(call: Call) -> Answer {
    let page = PageRequest::parse(VOLUMES.path, &call.query)?;
    let found = page.slice(VOLUME_PROFILES, |profile| profile.name);
    let r = call.render();
    let items = found.items.iter().map(|p| response::volume_profile(&r, p)).collect();
    call.collection(VOLUMES, &page, items, found.next.as_ref(), VOLUME_PROFILES.len() as u64)
}

pub(crate) async fn volume_get(call: Call) -> Answer {
    let name = call.param("name");
    let profile = volume_profile(name).ok_or_else(|| not_found("volume profile", name, None))?;
    Reply::ok(&response::volume_profile(&call.render(), profile))
}

/// A page since 2026-04-07, everything at once before.
pub(crate) async fn instance_list(call: Call) -> Answer {
    let (r, zones) = (call.render(), &call.app.zones);
    if !call.version.paginates_instance_profiles() {
        return Reply::ok(&response::instance_profiles_unpaginated(&r, zones));
    }
    let page = PageRequest::parse(INSTANCES.path, &call.query)?;
    let found = page.slice(INSTANCE_PROFILES, |profile| profile.name);
    let items = found.items.iter().map(|p| response::instance_profile(&r, p, zones)).collect();
    call.collection(INSTANCES, &page, items, found.next.as_ref(), INSTANCE_PROFILES.len() as u64)
}

pub(crate) async fn instance_get(call: Call) -> Answer {
    let name = call.param("name");
    let profile =
        instance_profile(name).ok_or_else(|| not_found("instance profile", name, None))?;
    Reply::ok(&response::instance_profile(&call.render(), profile, &call.app.zones))
}

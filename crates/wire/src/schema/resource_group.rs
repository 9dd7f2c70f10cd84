//! Resource groups and quota definitions.

use super::{
    Shapes,
    build::{date, flag, has, id, just, may, none_yet, object, text, text_up_to, to},
    operation::{Described, act, all, change, create, read},
};
use crate::request::GROUP_NAME_LEN_MAX;

pub(super) fn operations() -> Vec<Described> {
    vec![
        all("list_resource_groups", "ResourceGroupList", "ResourceGroup", "resources")
            .by("account_id", text())
            .by("name", text())
            .by("default", flag()),
        create("create_resource_group", to("ResourceGroupPrototype"), to("CreatedResourceGroup")),
        read("get_resource_group", to("ResourceGroup")),
        change("update_resource_group", to("ResourceGroupPatch"), to("ResourceGroup")),
        act("delete_resource_group"),
        all("list_quota_definitions", "QuotaDefinitionList", "QuotaDefinition", "resources"),
        read("get_quota_definition", to("QuotaDefinition")),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    into.add(
        "ResourceGroup",
        object([
            has("account_id", id()),
            has("created_at", date()),
            has("crn", text()),
            has("default", flag()),
            has("id", id()),
            has("name", text()),
            has("payment_methods_url", text()),
            has("quota_id", id()),
            has("quota_url", text()),
            has("resource_linkages", none_yet()),
            has("state", just("ACTIVE")),
            has("teams_url", text()),
            has("updated_at", date()),
        ]),
    );
    into.add("CreatedResourceGroup", object([has("crn", text()), has("id", id())]));
    let name = || {
        text_up_to(GROUP_NAME_LEN_MAX)
            .fits("^[-0-9A-Za-z_.]([-0-9A-Za-z_. ]*[-0-9A-Za-z_.])?$")
            .like("my group")
    };
    into.add("ResourceGroupPrototype", object([has("name", name()), may("account_id", text())]));
    into.add("ResourceGroupPatch", object([may("name", name())]));
    into.add(
        "QuotaDefinition",
        object([
            has("created_at", date()),
            has("id", id()),
            has("name", text()),
            has("resource_quotas", none_yet()),
            has("type", text()),
            has("updated_at", date()),
        ]),
    );
}

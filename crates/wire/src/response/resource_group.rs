//! Resource groups, in the shape of IBM's resource manager.

use base::Crn;
use serde::Serialize;

/// A resource group.
#[derive(Debug, Serialize)]
pub struct ResourceGroup<'a> {
    id: &'a str,
    crn: String,
    account_id: &'a str,
    name: &'a str,
    state: &'static str,
    default: bool,
    quota_id: &'static str,
    quota_url: &'static str,
    payment_methods_url: String,
    resource_linkages: [(); 0],
    teams_url: String,
    created_at: String,
    updated_at: String,
}

/// A resource group. There are no quotas, payments or teams here: their links lead nowhere.
#[must_use]
pub fn resource_group(group: &model::ResourceGroup) -> ResourceGroup<'_> {
    let crn = Crn {
        service: "resource-controller".to_owned(),
        location: String::new(),
        account: Some(group.account.clone()),
        instance: String::new(),
        kind: "resource-group".to_owned(),
        resource: group.id.to_string(),
    };
    let created_at = group.created_at.to_string();
    ResourceGroup {
        id: group.id.as_str(),
        crn: crn.to_string(),
        account_id: group.account.as_str(),
        name: &group.name,
        state: "ACTIVE",
        default: group.default,
        quota_id: "00000000000000000000000000000000",
        quota_url: "/v2/quota_definitions/00000000000000000000000000000000",
        payment_methods_url: format!("/v2/resource_groups/{}/payment_methods", group.id),
        resource_linkages: [],
        teams_url: format!("/v2/resource_groups/{}/teams", group.id),
        updated_at: created_at.clone(),
        created_at,
    }
}

/// A list of resource groups; not paginated.
#[derive(Debug, Serialize)]
pub struct ResourceGroups<'a> {
    resources: Vec<ResourceGroup<'a>>,
}

/// A list of resource groups.
#[must_use]
pub fn resource_groups(groups: &[model::ResourceGroup]) -> ResourceGroups<'_> {
    ResourceGroups { resources: groups.iter().map(resource_group).collect() }
}

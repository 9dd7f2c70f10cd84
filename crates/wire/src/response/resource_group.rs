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

fn crn_of(group: &model::ResourceGroup) -> String {
    let crn = Crn {
        service: "resource-controller".to_owned(),
        location: String::new(),
        account: Some(group.account.clone()),
        instance: String::new(),
        kind: "resource-group".to_owned(),
        resource: group.id.to_string(),
    };
    crn.to_string()
}

/// The one quota definition, which limits nothing.
const QUOTA_ID: &str = "00000000000000000000000000000000";

/// A resource group. There are no quotas, payments or teams here: their links lead nowhere.
#[must_use]
pub fn resource_group(group: &model::ResourceGroup) -> ResourceGroup<'_> {
    ResourceGroup {
        id: group.id.as_str(),
        crn: crn_of(group),
        account_id: group.account.as_str(),
        name: &group.name,
        state: "ACTIVE",
        default: group.default,
        quota_id: QUOTA_ID,
        quota_url: "/v2/quota_definitions/00000000000000000000000000000000",
        payment_methods_url: format!("/v2/resource_groups/{}/payment_methods", group.id),
        resource_linkages: [],
        teams_url: format!("/v2/resource_groups/{}/teams", group.id),
        created_at: group.created_at.to_string(),
        updated_at: group.updated_at.to_string(),
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

/// What the creation of a resource group is answered with.
#[derive(Debug, Serialize)]
pub struct CreatedGroup<'a> {
    id: &'a str,
    crn: String,
}

/// What the creation of a resource group is answered with.
#[must_use]
pub fn created_group(group: &model::ResourceGroup) -> CreatedGroup<'_> {
    CreatedGroup { id: group.id.as_str(), crn: crn_of(group) }
}

/// A quota definition.
#[derive(Debug, Serialize)]
pub struct QuotaDefinition {
    id: &'static str,
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    resource_quotas: [(); 0],
    created_at: &'static str,
    updated_at: &'static str,
}

/// The quota definition of that id, if there is one.
#[must_use]
pub fn quota_definition(id: &str) -> Option<QuotaDefinition> {
    (id == QUOTA_ID).then_some(QuotaDefinition {
        id: QUOTA_ID,
        name: "Ectype",
        kind: "STANDARD",
        resource_quotas: [],
        created_at: "2020-01-01T00:00:00Z",
        updated_at: "2020-01-01T00:00:00Z",
    })
}

/// A list of quota definitions.
#[derive(Debug, Serialize)]
pub struct QuotaDefinitions {
    resources: Vec<QuotaDefinition>,
}

/// Every quota definition.
#[must_use]
pub fn quota_definitions() -> QuotaDefinitions {
    QuotaDefinitions { resources: quota_definition(QUOTA_ID).into_iter().collect() }
}

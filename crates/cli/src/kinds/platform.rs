//! What IBM's platform services keep: resource groups, service instances, API keys, access.

use super::{Column, Kind, See, Service};

pub(crate) static RESOURCE_GROUP: Kind =
    Kind::new("resource group", "resource groups", "/v2/resource_groups", "resources")
        .at(Service::ResourceManager)
        .seen(&[
            Column("Name", See::At("/name")),
            Column("ID", See::At("/id")),
            Column("Default Group", See::At("/default")),
            Column("State", See::At("/state")),
        ]);

pub(crate) static SERVICE_INSTANCE: Kind =
    Kind::new("service instance", "service instances", "/v2/resource_instances", "resources")
        .at(Service::ResourceController)
        .seen(&[
            Column("Name", See::At("/name")),
            Column("Location", See::At("/region_id")),
            Column("State", See::At("/state")),
            Column("Type", See::At("/type")),
            Column("Resource Group ID", See::At("/resource_group_id")),
        ]);

pub(crate) static API_KEY: Kind =
    Kind::new("API key", "API keys", "/v1/apikeys", "apikeys").at(Service::Iam).seen(&[
        Column("ID", See::At("/id")),
        Column("Name", See::At("/name")),
        Column("Description", See::At("/description")),
        Column("Locked", See::At("/locked")),
        Column("Created At", See::At("/created_at")),
    ]);

pub(crate) static SERVICE_ID: Kind =
    Kind::new("service ID", "service IDs", "/v1/serviceids/", "serviceids").at(Service::Iam).seen(
        &[
            Column("ID", See::At("/id")),
            Column("Name", See::At("/name")),
            Column("Description", See::At("/description")),
            Column("Locked", See::At("/locked")),
            Column("Created At", See::At("/created_at")),
        ],
    );

pub(crate) static ACCESS_GROUP: Kind =
    Kind::new("access group", "access groups", "/v2/groups", "groups").at(Service::Iam).seen(&[
        Column("Name", See::At("/name")),
        Column("ID", See::At("/id")),
        Column("Description", See::At("/description")),
    ]);

pub(crate) static USER: Kind =
    Kind::new("user", "users", "/v2/accounts/{}/users", "resources").at(Service::Users).seen(&[
        Column("First name", See::At("/firstname")),
        Column("Last name", See::At("/lastname")),
        Column("Email", See::At("/email")),
        Column("State", See::At("/state")),
        Column("User ID", See::At("/iam_id")),
    ]);

/// Of access and of authorization; what they are of is a filter.
pub(crate) static POLICY: Kind =
    Kind::new("policy", "policies", "/v1/policies", "policies").at(Service::Iam).seen(&[
        Column("Policy ID", See::At("/id")),
        Column("Roles", See::Each("/roles", "/display_name")),
        Column("Subject", See::Each("/subjects/0/attributes", "/value")),
        Column("Resources", See::Each("/resources/0/attributes", "/value")),
        Column("State", See::At("/state")),
    ]);

pub(crate) static GROUP_MEMBER: Kind =
    Kind::new("member", "members", "/v2/groups/{}/members", "members")
        .at(Service::Iam)
        .named("iam_id")
        .of(&ACCESS_GROUP)
        .seen(&[
            Column("Name", See::At("/name")),
            Column("IAM ID", See::At("/iam_id")),
            Column("Type", See::At("/type")),
        ]);

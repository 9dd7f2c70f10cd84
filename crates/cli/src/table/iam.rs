//! `iam …`.

use super::{
    Act, Command, Positional, Put, Rule, Value, flag,
    flags::{FORCE, NEW_NAME_N},
    refers, word,
};
use crate::{
    kinds::{ACCESS_GROUP, API_KEY, GROUP_MEMBER, POLICY, SERVICE_ID},
    verbs,
};

const THE_SERVICE_ID: Positional = refers("NAME", &SERVICE_ID, "Name or ID of the service ID.");
const THE_KEY: Positional = refers("NAME", &API_KEY, "Name or ID of the API key.");
const DESCRIPTION: &[super::Flag] =
    &[flag("description", Value::Text, Put::Body("/description"), "What it is for.").also(&["d"])];
const THE_GROUP: Positional =
    refers("GROUP_NAME", &ACCESS_GROUP, "Name or ID of the access group.");
/// What a policy says.
const TERMS: &[super::Flag] = &[
    flag("roles", Value::List, Put::Nothing, "Names of the roles.").also(&["role"]),
    flag("service-name", Value::Text, Put::Nothing, "Service that it is about: is."),
    flag("service-instance", Value::Text, Put::Nothing, "GUID of a service instance."),
    flag("region", Value::Text, Put::Nothing, "Region that it is about."),
    flag("resource-type", Value::Text, Put::Nothing, "Type of resource: image, instance, volume."),
    flag("resource", Value::Text, Put::Nothing, "ID of the resource."),
    flag("resource-group-id", Value::Text, Put::Nothing, "ID of the resource group."),
    flag("resource-group-name", Value::Text, Put::Nothing, "Name of the resource group."),
    flag("attributes", Value::List, Put::Nothing, "More of them, as NAME=VALUE.")
        .hint("NAME=VALUE,..."),
    flag("file", Value::Json, Put::Nothing, "The whole policy in JSON.").also(&["F"]),
    flag("account-management", Value::Switch, Put::Nothing, "About account management services.")
        .hidden(),
];
const TERM_RULES: &[Rule] = &[
    Rule::AtLeast(&["roles", "file"]),
    Rule::AtMost(&["resource-group-id", "resource-group-name"]),
];
const NEW_KEY: &[super::Flag] = &[
    flag("file", Value::Text, Put::Nothing, "File that the API key is written to.").also(&["F"]),
    flag("lock", Value::Switch, Put::Nothing, "Keep it from being deleted."),
];

pub(super) static COMMANDS: &[Command] = &[
    Command::new(
        "iam",
        "oauth-tokens",
        "Show the token that requests are made with.",
        Act::Own(verbs::oauth_tokens),
    ),
    Command::new("iam", "api-keys", "List your API keys.", Act::List(&API_KEY, &[])),
    Command::new("iam", "api-key", "Show an API key, without its text.", Act::Show(&API_KEY))
        .takes(&[THE_KEY]),
    Command::new("iam", "api-key-create", "Create an API key.", Act::Own(verbs::api_key_create))
        .takes(&[word("NAME", Value::Text, Put::Body("/name"), "Name of the API key.")])
        .flagged(&[DESCRIPTION, NEW_KEY]),
    Command::new("iam", "api-key-update", "Update an API key.", Act::Update(&API_KEY))
        .takes(&[THE_KEY])
        .flagged(&[NEW_NAME_N, DESCRIPTION])
        .ruled(&[Rule::AtLeast(&["name", "description"])]),
    Command::new("iam", "api-key-delete", "Delete an API key.", Act::Delete(&API_KEY))
        .takes(&[THE_KEY])
        .flagged(&[FORCE]),
    Command::new(
        "iam",
        "api-key-lock",
        "Keep an API key from being deleted.",
        Act::Below(&API_KEY, "POST", "/lock", None),
    )
    .takes(&[THE_KEY])
    .flagged(&[FORCE]),
    Command::new(
        "iam",
        "api-key-unlock",
        "Let an API key be deleted.",
        Act::Below(&API_KEY, "DELETE", "/lock", None),
    )
    .takes(&[THE_KEY])
    .flagged(&[FORCE]),
    Command::new("iam", "service-ids", "List service IDs.", Act::List(&SERVICE_ID, &[])),
    Command::new("iam", "service-id", "Show a service ID.", Act::Show(&SERVICE_ID))
        .takes(&[THE_SERVICE_ID]),
    Command::new(
        "iam",
        "service-id-create",
        "Create a service ID.",
        Act::Own(verbs::service_id_create),
    )
    .takes(&[word("NAME", Value::Text, Put::Body("/name"), "Name of the service ID.")])
    .flagged(&[
        DESCRIPTION,
        &[flag("lock", Value::Switch, Put::Nothing, "Keep it from being deleted.")],
    ]),
    Command::new("iam", "service-id-update", "Update a service ID.", Act::Update(&SERVICE_ID))
        .takes(&[THE_SERVICE_ID])
        .flagged(&[NEW_NAME_N, DESCRIPTION, FORCE])
        .ruled(&[Rule::AtLeast(&["name", "description"])]),
    Command::new("iam", "service-id-delete", "Delete a service ID.", Act::Delete(&SERVICE_ID))
        .takes(&[THE_SERVICE_ID])
        .flagged(&[FORCE]),
    Command::new(
        "iam",
        "service-api-key-create",
        "Create an API key of a service ID.",
        Act::Own(verbs::service_api_key_create),
    )
    .takes(&[
        word("NAME", Value::Text, Put::Body("/name"), "Name of the API key."),
        refers("SERVICE_ID", &SERVICE_ID, "Name or ID of the service ID."),
    ])
    .flagged(&[DESCRIPTION, NEW_KEY]),
    Command::new("iam", "access-groups", "List access groups.", Act::List(&ACCESS_GROUP, &[])),
    Command::new("iam", "access-group", "Show an access group.", Act::Show(&ACCESS_GROUP))
        .takes(&[THE_GROUP]),
    Command::new(
        "iam",
        "access-group-create",
        "Create an access group.",
        Act::Own(verbs::access_group_create),
    )
    .takes(&[word("GROUP_NAME", Value::Text, Put::Body("/name"), "Its name.")])
    .flagged(&[DESCRIPTION]),
    Command::new(
        "iam",
        "access-group-update",
        "Update an access group.",
        Act::Update(&ACCESS_GROUP),
    )
    .takes(&[THE_GROUP])
    .flagged(&[NEW_NAME_N, DESCRIPTION])
    .ruled(&[Rule::AtLeast(&["name", "description"])]),
    Command::new(
        "iam",
        "access-group-delete",
        "Delete an access group.",
        Act::Delete(&ACCESS_GROUP),
    )
    .takes(&[THE_GROUP])
    .flagged(&[
        FORCE,
        &[flag("recursive", Value::Switch, Put::Query("force"), "Also when somebody is in it.")],
    ]),
    Command::new(
        "iam",
        "access-group-members",
        "List who is in an access group.",
        Act::List(&GROUP_MEMBER, &[]),
    )
    .also(&["access-group-users", "access-group-service-ids"])
    .takes(&[THE_GROUP]),
    Command::new(
        "iam",
        "access-group-user-add",
        "Put users into an access group.",
        Act::Own(verbs::group_user_add),
    )
    .takes(&[
        THE_GROUP,
        word("USER", Value::Text, Put::Nothing, "Email or IAM ID of a user.").many(),
    ]),
    Command::new(
        "iam",
        "access-group-service-id-add",
        "Put service IDs into an access group.",
        Act::Own(verbs::group_service_id_add),
    )
    .takes(&[THE_GROUP, refers("SERVICE_ID", &SERVICE_ID, "Name or ID of a service ID.").many()]),
    Command::new(
        "iam",
        "access-group-policies",
        "List the policies of an access group.",
        Act::Own(verbs::policies),
    )
    .takes(&[THE_GROUP]),
    Command::new(
        "iam",
        "access-group-policy-create",
        "Let an access group do something.",
        Act::Own(verbs::policy_create),
    )
    .takes(&[THE_GROUP])
    .flagged(&[TERMS])
    .ruled(TERM_RULES)
    .noted(
        "EXAMPLES:\n    ectype iam access-group-policy-create builders --roles Editor \
         --service-name is --resource-type image",
    ),
    Command::new(
        "iam",
        "access-group-policy-delete",
        "Delete policies of an access group.",
        Act::Delete(&POLICY),
    )
    .takes(&[THE_GROUP, refers("POLICY_ID", &POLICY, "ID of a policy.").many()])
    .flagged(&[FORCE]),
    Command::new(
        "iam",
        "service-policies",
        "List the policies of a service ID.",
        Act::Own(verbs::policies),
    )
    .takes(&[THE_SERVICE_ID]),
    Command::new(
        "iam",
        "service-policy-create",
        "Let a service ID do something.",
        Act::Own(verbs::policy_create),
    )
    .takes(&[THE_SERVICE_ID])
    .flagged(&[TERMS])
    .ruled(TERM_RULES),
    Command::new("iam", "user-policies", "List the policies of a user.", Act::Own(verbs::policies))
        .takes(&[word("USER", Value::Text, Put::Nothing, "Email or IAM ID of the user.")]),
    Command::new(
        "iam",
        "user-policy-create",
        "Let a user do something.",
        Act::Own(verbs::policy_create),
    )
    .takes(&[word("USER", Value::Text, Put::Nothing, "Email or IAM ID of the user.")])
    .flagged(&[TERMS])
    .ruled(TERM_RULES),
    Command::new("iam", "policy-delete", "Delete policies of any kind.", Act::Delete(&POLICY))
        .takes(&[refers("POLICY_ID", &POLICY, "ID of a policy.").many()])
        .flagged(&[FORCE]),
    Command::new("iam", "roles", "List roles.", Act::Own(verbs::roles)).flagged(&[&[flag(
        "service",
        Value::Text,
        Put::Nothing,
        "Service whose roles are listed, too: is.",
    )]]),
    Command::new(
        "iam",
        "authorization-policies",
        "List authorizations between services.",
        Act::Own(verbs::authorizations),
    ),
    Command::new(
        "iam",
        "authorization-policy-create",
        "Let a service use another.",
        Act::Own(verbs::authorization_create),
    )
    .takes(&[
        word("SOURCE_SERVICE", Value::Text, Put::Nothing, "Service that may."),
        word("TARGET_SERVICE", Value::Text, Put::Nothing, "Service that it may use."),
        word("ROLES", Value::List, Put::Nothing, "Names of the roles, with commas between them."),
    ])
    .flagged(&[&[
        flag("source-resource-type", Value::Text, Put::Nothing, "Type of resource that may."),
        flag("target-resource-type", Value::Text, Put::Nothing, "Type of resource it may use."),
        flag("source-service-instance-id", Value::Text, Put::Nothing, "GUID of the one that may."),
        flag(
            "target-service-instance-id",
            Value::Text,
            Put::Nothing,
            "GUID of the one it may use.",
        ),
    ]]),
    Command::new(
        "iam",
        "authorization-policy-delete",
        "Delete an authorization.",
        Act::Delete(&POLICY),
    )
    .takes(&[refers("POLICY_ID", &POLICY, "ID of the policy.")])
    .flagged(&[FORCE]),
    Command::new("iam", "users", "List the users of the account.", Act::Own(verbs::users)),
];

//! `iam …`.

use super::{Act, Command, Positional, Put, Rule, Value, flag, is_images::FORCE, word};
use crate::{
    kinds::{ACCESS_GROUP, API_KEY, SERVICE_ID},
    verbs,
};

const THE_SERVICE_ID: Positional =
    word("NAME", Value::Ref(&SERVICE_ID), Put::Nothing, "Name or ID of the service ID.");
const THE_KEY: Positional =
    word("NAME", Value::Ref(&API_KEY), Put::Nothing, "Name or ID of the API key.");
const DESCRIPTION: &[super::Flag] =
    &[flag("description", Value::Text, Put::Body("/description"), "What it is for.").also(&["d"])];
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
        .flagged(&[
            &[flag("name", Value::Text, Put::Body("/name"), "Its new name.").also(&["n"])],
            DESCRIPTION,
        ])
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
        .flagged(&[
            &[flag("name", Value::Text, Put::Body("/name"), "Its new name.").also(&["n"])],
            DESCRIPTION,
            FORCE,
        ])
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
        word("SERVICE_ID", Value::Ref(&SERVICE_ID), Put::Nothing, "Name or ID of the service ID."),
    ])
    .flagged(&[DESCRIPTION, NEW_KEY]),
    Command::new("iam", "access-groups", "List access groups.", Act::List(&ACCESS_GROUP, &[])),
    Command::new("iam", "users", "List the users of the account.", Act::Own(verbs::users)),
];

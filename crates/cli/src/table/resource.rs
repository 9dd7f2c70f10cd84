//! `resource …`: groups, service instances, tags, search.

use super::{
    Act, Command, Positional, Put, Rule, Value, flag,
    flags::{FORCE, NEW_NAME_N},
    refers, word,
};
use crate::{
    kinds::{RESOURCE_GROUP, SERVICE_INSTANCE},
    verbs,
};

const THE_GROUP: Positional = refers("NAME", &RESOURCE_GROUP, "Name or ID of the resource group.");
const TAGGED: &[super::Flag] = &[
    flag("tag-names", Value::List, Put::Nothing, "Names of the tags.").also(&["tag-name"]),
    flag("resource-id", Value::Text, Put::Nothing, "CRN of the resource.").hint("CRN"),
    flag("resource-name", Value::Text, Put::Nothing, "Name of the resource."),
    flag(
        "tag-type",
        Value::Choice(&["user", "access", "service"]),
        Put::Nothing,
        "Type of the tags; user unless given.",
    ),
];
const TAG_RULES: &[Rule] =
    &[Rule::Required("tag-names"), Rule::Exactly(&["resource-id", "resource-name"])];

pub(super) static COMMANDS: &[Command] = &[
    Command::new("resource", "groups", "List resource groups.", Act::Own(verbs::groups))
        .flagged(&[&[flag("default", Value::Switch, Put::Nothing, "Only the default one.")]]),
    Command::new("resource", "group", "Show a resource group.", Act::Own(verbs::group_show))
        .takes(&[THE_GROUP])
        .flagged(&[&[flag("id", Value::Switch, Put::Nothing, "Only its ID.")]]),
    Command::new(
        "resource",
        "group-create",
        "Create a resource group.",
        Act::Own(verbs::group_create),
    )
    .takes(&[word("NAME", Value::Text, Put::Body("/name"), "Name of the resource group.")]),
    Command::new(
        "resource",
        "group-update",
        "Rename a resource group.",
        Act::Update(&RESOURCE_GROUP),
    )
    .takes(&[THE_GROUP])
    .flagged(&[NEW_NAME_N, FORCE])
    .ruled(&[Rule::Required("name")]),
    Command::new(
        "resource",
        "group-delete",
        "Delete a resource group.",
        Act::Delete(&RESOURCE_GROUP),
    )
    .takes(&[THE_GROUP])
    .flagged(&[FORCE]),
    Command::new(
        "resource",
        "service-instances",
        "List service instances.",
        Act::List(&SERVICE_INSTANCE, &[]),
    ),
    Command::new(
        "resource",
        "service-instance",
        "Show a service instance.",
        Act::Own(verbs::service_instance),
    )
    .takes(&[refers("NAME", &SERVICE_INSTANCE, "Name, ID or CRN of the service instance.")]),
    Command::new(
        "resource",
        "service-instance-create",
        "Create a service instance.",
        Act::Own(verbs::service_instance_create),
    )
    .takes(&[
        word("NAME", Value::Text, Put::Body("/name"), "Name of the service instance."),
        word("SERVICE_NAME", Value::Text, Put::Nothing, "Name of the service."),
        word("PLAN", Value::Text, Put::Body("/resource_plan_id"), "Name or ID of its plan."),
        word("LOCATION", Value::Text, Put::Body("/target"), "Where it is."),
    ])
    .flagged(&[&[
        flag("p", Value::Json, Put::Body("/parameters"), "Parameters.").hint("JSON | @JSON_FILE"),
        flag("g", Value::Ref(&RESOURCE_GROUP), Put::Nothing, "Name or ID of its resource group.")
            .hint("RESOURCE_GROUP"),
    ]]),
    Command::new("resource", "search", "Search resources.", Act::Own(verbs::search)).takes(&[
        word(
            "QUERY",
            Value::Text,
            Put::Nothing,
            "What to look for, in Lucene's words: name:web* AND type:image.",
        ),
    ]),
    Command::new("resource", "tags", "List tags.", Act::Own(verbs::tags)).flagged(&[&[
        flag(
            "tag-type",
            Value::Choice(&["user", "access", "service"]),
            Put::Query("tag_type"),
            "Type of the tags; user unless given.",
        ),
        flag("attached", Value::Switch, Put::Nothing, "Only those that something has."),
    ]]),
    Command::new("resource", "tag-attach", "Tag a resource.", Act::Own(verbs::tag_attach))
        .flagged(&[TAGGED])
        .ruled(TAG_RULES),
    Command::new(
        "resource",
        "tag-detach",
        "Take tags from a resource.",
        Act::Own(verbs::tag_detach),
    )
    .flagged(&[TAGGED])
    .ruled(TAG_RULES),
];

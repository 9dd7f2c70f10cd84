//! Flags that commands of several families have.

use super::{Flag, Put, Rule, Value, flag};

const GROUP_ID: Flag =
    flag("resource-group-id", Value::Text, Put::Nothing, "ID of the resource group.");
const GROUP_NAME: Flag =
    flag("resource-group-name", Value::Text, Put::Nothing, "Name of the resource group.");

/// Which resource group a new one is in.
pub(super) const GROUP: &[Flag] = &[GROUP_ID, GROUP_NAME];

/// Which resource groups a list is of.
pub(super) const GROUPS: &[Flag] = &[
    GROUP_ID,
    GROUP_NAME,
    flag("all-resource-groups", Value::Switch, Put::Nothing, "Of all resource groups."),
];

pub(super) const ONE_GROUP: Rule = Rule::AtMost(&["resource-group-id", "resource-group-name"]);
pub(super) const ONE_OF_GROUPS: Rule =
    Rule::AtMost(&["resource-group-id", "resource-group-name", "all-resource-groups"]);

/// `-f`.
pub(super) const FORCE: &[Flag] =
    &[flag("force", Value::Switch, Put::Nothing, "Do it without a question.").also(&["f"])];

/// What a volume or image may be used for.
pub(super) const ALLOWED_USE: &[Flag] = &[
    flag(
        "allowed-use-api-version",
        Value::Text,
        Put::Body("/allowed_use/api_version"),
        "API version by which the expressions are judged.",
    )
    .also(&["au-api-version"]),
    flag(
        "allowed-use-bare-metal-server",
        Value::Text,
        Put::Body("/allowed_use/bare_metal_server"),
        "Expression that a bare metal server must satisfy.",
    )
    .also(&["au-bms"]),
    flag(
        "allowed-use-instance",
        Value::Text,
        Put::Body("/allowed_use/instance"),
        "Expression that an instance must satisfy.",
    )
    .also(&["au-ins"]),
];

/// What a resource is called from now on.
pub(super) const NEW_NAME: &[Flag] =
    &[flag("name", Value::Text, Put::Body("/name"), "Its new name.")];
/// The same where IBM has a letter for it.
pub(super) const NEW_NAME_N: &[Flag] =
    &[flag("name", Value::Text, Put::Body("/name"), "Its new name.").also(&["n"])];

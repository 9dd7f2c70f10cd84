//! Signing in, what is targeted, and settings.

use super::{Act, Command, Put, Rule, Value, flag, word};
use crate::verbs;

pub(super) static COMMANDS: &[Command] = &[
    Command::new("", "login", "Log in.", Act::Own(verbs::login))
        .talks()
        .flagged(&[&[
            flag(
                "a",
                Value::Text,
                Put::Nothing,
                "Address of the region, such as http://127.0.0.1:7480.",
            )
            .also(&["api-endpoint"])
            .hint("API_ENDPOINT"),
            flag("apikey", Value::Text, Put::Nothing, "API key, or @ and the file that has it.")
                .hint("API_KEY | @API_KEY_FILE"),
            flag(
                "cr-token",
                Value::Text,
                Put::Nothing,
                "Token of a compute resource, or @ and its file.",
            )
            .hint("TOKEN | @TOKEN_FILE"),
            flag(
                "profile",
                Value::Text,
                Put::Nothing,
                "ID of the trusted profile, with --cr-token.",
            ),
            flag(
                "u",
                Value::Text,
                Put::Nothing,
                "User name; regions of Ectype take API keys only.",
            )
            .hint("USERNAME"),
            flag("p", Value::Text, Put::Nothing, "Password, likewise.").hint("PASSWORD"),
            flag("sso", Value::Switch, Put::Nothing, "One-time passcode, likewise."),
            flag("c", Value::Text, Put::Nothing, "ID of the account.").hint("ACCOUNT_ID"),
            flag("no-account", Value::Switch, Put::Nothing, "Without an account."),
            flag("g", Value::Text, Put::Nothing, "Name or ID of the resource group to target.")
                .hint("RESOURCE_GROUP"),
            flag("r", Value::Text, Put::Nothing, "Name of the region to target.").hint("REGION"),
            flag("no-region", Value::Switch, Put::Nothing, "Without targeting a region."),
            flag("vpc", Value::Switch, Put::Nothing, "By the private network; no difference here."),
            flag("accept", Value::Switch, Put::Nothing, "Taken, and without effect.").hidden(),
            flag(
                "skip-ssl-validation",
                Value::Switch,
                Put::Nothing,
                "Believe any certificate. Do not do this where others are on the network.",
            ),
        ]])
        .ruled(&[
            Rule::AtMost(&["apikey", "cr-token", "u", "sso"]),
            Rule::Needs("cr-token", "profile"),
            Rule::AtMost(&["c", "no-account"]),
            Rule::AtMost(&["r", "no-region"]),
        ]),
    Command::new("", "logout", "Log out.", Act::Own(verbs::logout)).talks(),
    Command::new("", "target", "Show or set what is targeted.", Act::Own(verbs::target))
        .flagged(&[&[
            flag("r", Value::Text, Put::Nothing, "Name of the region.").hint("REGION"),
            flag("unset-region", Value::Switch, Put::Nothing, "Target no region."),
            flag("c", Value::Text, Put::Nothing, "ID of the account.").hint("ACCOUNT_ID"),
            flag("g", Value::Text, Put::Nothing, "Name or ID of the resource group.")
                .hint("RESOURCE_GROUP"),
            flag("unset-resource-group", Value::Switch, Put::Nothing, "Target no resource group."),
        ]])
        .ruled(&[
            Rule::AtMost(&["r", "unset-region"]),
            Rule::AtMost(&["g", "unset-resource-group"]),
        ]),
    Command::new("", "regions", "List regions.", Act::Own(verbs::regions)),
    Command::new("", "api", "Show or set the address of the region.", Act::Own(verbs::api))
        .talks()
        .takes(&[word("ENDPOINT", Value::Text, Put::Nothing, "Address of the region.").optional()])
        .flagged(&[&[
            flag("unset", Value::Switch, Put::Nothing, "Forget the address."),
            flag("vpc", Value::Switch, Put::Nothing, "By the private network; no difference here."),
            flag("skip-ssl-validation", Value::Switch, Put::Nothing, "Believe any certificate."),
        ]])
        .ruled(&[Rule::AtMost(&["ENDPOINT", "unset"])]),
    Command::new("", "config", "Change settings.", Act::Own(verbs::config))
        .talks()
        .flagged(&[&[
            flag(
                "http-timeout",
                Value::Number,
                Put::Nothing,
                "Seconds that an answer may take; 60.",
            ),
            flag("trace", Value::Text, Put::Nothing, "Note requests: true, false, or a file.")
                .hint("true | false | PATH"),
            flag("color", Value::Bool, Put::Nothing, "Whether output is coloured."),
            flag(
                "locale",
                Value::Text,
                Put::Nothing,
                "Language, or CLEAR; English is the only one.",
            ),
            flag("check-version", Value::Bool, Put::Nothing, "Taken, and without effect."),
            flag("sso-otp", Value::Text, Put::Nothing, "Taken, and without effect."),
            flag("alpha-commands", Value::Bool, Put::Nothing, "Taken, and without effect."),
        ]])
        .ruled(&[Rule::Exactly(&[
            "http-timeout",
            "trace",
            "color",
            "locale",
            "check-version",
            "sso-otp",
            "alpha-commands",
        ])]),
];

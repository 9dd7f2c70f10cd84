//! `kp …`, as IBM's Key Protect plug-in has it.

use super::{Act, Command, Flag, Positional, Put, Value, flag, flags::FORCE, word};
use crate::verbs;

const INSTANCE: &[Flag] = &[
    flag(
        "instance-id",
        Value::Text,
        Put::Nothing,
        "Name or GUID of the Key Protect instance; KP_INSTANCE_ID unless given.",
    )
    .also(&["i"]),
    flag("key-ring", Value::Text, Put::Nothing, "ID of the key ring."),
];
const THE_KEY: Positional =
    word("KEY", Value::Text, Put::Nothing, "ID, name or CRN of the root key.");

pub(super) static COMMANDS: &[Command] = &[
    Command::new("kp", "keys", "List keys.", Act::Own(verbs::keys)).flagged(&[INSTANCE]),
    Command::new(
        "kp",
        "key create",
        "Create a key; a root key unless told otherwise.",
        Act::Own(verbs::key_create),
    )
    .takes(&[word("NAME", Value::Text, Put::Nothing, "Name of the key.")])
    .flagged(&[
        INSTANCE,
        &[
            flag(
                "key-material",
                Value::File,
                Put::Nothing,
                "Its bytes in base64; made there unless given.",
            )
            .also(&["k"]),
            flag("standard-key", Value::Switch, Put::Nothing, "A standard key, which can be read.")
                .also(&["s"]),
            flag("description", Value::Text, Put::Nothing, "What it is for.").also(&["d"]),
        ],
    ]),
    Command::new("kp", "key show", "Show a key.", Act::Own(verbs::key_show))
        .takes(&[THE_KEY])
        .flagged(&[INSTANCE]),
    Command::new("kp", "key rotate", "Give a root key a new version.", Act::Own(verbs::key_rotate))
        .takes(&[THE_KEY])
        .flagged(&[
            INSTANCE,
            &[flag("key-material", Value::File, Put::Nothing, "Its new bytes in base64.")
                .also(&["k"])],
        ]),
    Command::new("kp", "key disable", "Suspend a root key.", Act::Own(verbs::key_disable))
        .takes(&[THE_KEY])
        .flagged(&[INSTANCE]),
    Command::new(
        "kp",
        "key enable",
        "Use a suspended root key again.",
        Act::Own(verbs::key_enable),
    )
    .takes(&[THE_KEY])
    .flagged(&[INSTANCE]),
    Command::new("kp", "key delete", "Delete a key.", Act::Own(verbs::key_delete))
        .takes(&[THE_KEY])
        .flagged(&[INSTANCE, FORCE])
        .noted("What it encrypts cannot be read until it is restored. -f also deletes one in use."),
    Command::new("kp", "key restore", "Restore a deleted key.", Act::Own(verbs::key_restore))
        .takes(&[THE_KEY])
        .flagged(&[INSTANCE]),
    Command::new("kp", "key-rings", "List key rings.", Act::Own(verbs::key_rings))
        .flagged(&[INSTANCE]),
];

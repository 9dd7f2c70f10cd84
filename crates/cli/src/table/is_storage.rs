//! `is volume…`.

use super::{
    Act, Command, Positional, Put, Rule, Value, flag,
    flags::{ALLOWED_USE, FORCE, GROUP, GROUPS, NEW_NAME, ONE_GROUP, ONE_OF_GROUPS},
    refers, word,
};
use crate::kinds::{SNAPSHOT, VOLUME, VOLUME_PROFILE};

const THE_VOLUME: Positional = refers("VOLUME", &VOLUME, "ID or name of the volume.");

pub(super) static COMMANDS: &[Command] = &[
    Command::new("is", "volumes", "List volumes.", Act::List(&VOLUME, &[]))
        .also(&["vols"])
        .flagged(&[
            &[
                flag(
                    "attachment-state",
                    Value::Choice(&["attached", "unattached", "unusable"]),
                    Put::Query("attachment_state"),
                    "Whether something has them.",
                ),
                flag(
                    "encryption",
                    Value::Choice(&["provider_managed", "user_managed"]),
                    Put::Query("encryption"),
                    "Whose key they are encrypted by.",
                ),
                flag(
                    "operating-system-family",
                    Value::Text,
                    Put::Query("operating_system.family"),
                    "Family of their operating system; null, not:null.",
                ),
                flag(
                    "operating-system-architecture",
                    Value::Text,
                    Put::Query("operating_system.architecture"),
                    "Architecture of their operating system; null, not:null.",
                ),
                flag("zone", Value::Text, Put::Query("zone.name"), "Their zone."),
            ],
            GROUPS,
        ])
        .ruled(&[ONE_OF_GROUPS]),
    Command::new("is", "volume", "Show a volume.", Act::Show(&VOLUME)).takes(&[THE_VOLUME]),
    Command::new("is", "volume-create", "Create a volume.", Act::Create(&VOLUME))
        .takes(&[
            word("VOLUME_NAME", Value::Text, Put::Body("/name"), "Name of the volume."),
            word("PROFILE", Value::Text, Put::Body("/profile/name"), "Name of its profile."),
            word("ZONE", Value::Text, Put::Body("/zone/name"), "Name of its zone."),
        ])
        .flagged(&[
            &[
                flag("capacity", Value::Number, Put::Body("/capacity"), "Its size in GB."),
                flag("iops", Value::Number, Put::Body("/iops"), "Its IOPS, of a custom profile."),
                flag(
                    "bandwidth",
                    Value::Number,
                    Put::Body("/bandwidth"),
                    "Its bandwidth in Mbps, of an sdp profile.",
                ),
                flag(
                    "encryption-key",
                    Value::Text,
                    Put::Body("/encryption_key/crn"),
                    "CRN of its root key.",
                ),
                flag(
                    "snapshot",
                    Value::Ref(&SNAPSHOT),
                    Put::Body("/source_snapshot"),
                    "ID, name or CRN of the snapshot that it is made of.",
                ),
                flag("tags", Value::List, Put::Body("/user_tags"), "Its tags."),
            ],
            ALLOWED_USE,
            GROUP,
        ])
        .ruled(&[ONE_GROUP]),
    Command::new("is", "volume-update", "Update a volume.", Act::Update(&VOLUME))
        .takes(&[THE_VOLUME])
        .flagged(&[
            NEW_NAME,
            &[
                flag("capacity", Value::Number, Put::Body("/capacity"), "Its new size in GB."),
                flag("profile", Value::Text, Put::Body("/profile/name"), "Its new profile."),
                flag("iops", Value::Number, Put::Body("/iops"), "Its new IOPS."),
                flag("bandwidth", Value::Number, Put::Body("/bandwidth"), "Its new bandwidth."),
                flag("tags", Value::List, Put::Body("/user_tags"), "Its new tags, all of them."),
            ],
            ALLOWED_USE,
        ])
        .ruled(&[Rule::AtLeast(&[
            "name",
            "capacity",
            "profile",
            "iops",
            "bandwidth",
            "tags",
            "allowed-use-api-version",
            "allowed-use-bare-metal-server",
            "allowed-use-instance",
        ])])
        .also(&["volu"]),
    Command::new("is", "volume-delete", "Delete volumes.", Act::Delete(&VOLUME))
        .also(&["vold"])
        .takes(&[refers("VOLUME", &VOLUME, "ID or name of a volume.").many()])
        .flagged(&[FORCE]),
    Command::new("is", "volume-profiles", "List volume profiles.", Act::List(&VOLUME_PROFILE, &[])),
    Command::new("is", "volume-profile", "Show a volume profile.", Act::Show(&VOLUME_PROFILE))
        .takes(&[refers("PROFILE", &VOLUME_PROFILE, "Name of the profile.")]),
    Command::new("is", "snapshots", "List snapshots.", Act::List(&SNAPSHOT, &[]))
        .flagged(&[GROUPS])
        .ruled(&[ONE_OF_GROUPS]),
    Command::new("is", "snapshot", "Show a snapshot.", Act::Show(&SNAPSHOT)).takes(&[refers(
        "SNAPSHOT",
        &SNAPSHOT,
        "ID or name of the snapshot.",
    )]),
];

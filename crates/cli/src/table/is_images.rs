//! `is image…`: the rows of IBM's reference for images.

use super::{
    Act, Command, Flag, Put, Rule, Value, flag,
    flags::{ALLOWED_USE, FORCE, GROUP, GROUPS, NEW_NAME, ONE_GROUP, ONE_OF_GROUPS},
    refers, word,
};
use crate::kinds::{
    EXPORT_JOB, IMAGE, IMAGE_BARE_METAL_PROFILE, IMAGE_PROFILE, OPERATING_SYSTEM, VOLUME,
};

const THE_IMAGE: super::Positional = refers("IMAGE", &IMAGE, "ID or name of the image.");

const DATES: &[Flag] = &[
    flag(
        "deprecate-at",
        Value::Text,
        Put::Body("/deprecation_at"),
        "When it becomes deprecated, as YYYY-MM-DDThh:mm:ss+hh:mm.",
    ),
    flag(
        "obsolete-at",
        Value::Text,
        Put::Body("/obsolescence_at"),
        "When it becomes obsolete, as YYYY-MM-DDThh:mm:ss+hh:mm.",
    ),
];

pub(super) static COMMANDS: &[Command] = &[
    Command::new("is", "images", "List images.", Act::List(&IMAGE, &[("status", "available")]))
        .flagged(&[
            &[
                flag(
                    "visibility",
                    Value::Choice(&["all", "public", "private"]),
                    Put::Query("visibility"),
                    "Who may see them.",
                ),
                flag(
                    "status",
                    Value::List,
                    Put::Query("status"),
                    "Their status; available unless given. Of: available, deleting, deprecated, \
                     failed, obsolete, partially_available, pending, unusable, all.",
                ),
                flag(
                    "user-data-format",
                    Value::List,
                    Put::Query("user_data_format"),
                    "Format of their user data. Of: cloud_init, esxi_kickstart, ipxe.",
                ),
                flag(
                    "remote-account-id",
                    Value::Text,
                    Put::Query("remote.account.id"),
                    "Whose they are: provider, user, or an account's ID.",
                )
                .hint("provider | user | ACCOUNT"),
            ],
            GROUPS,
        ])
        .ruled(&[ONE_OF_GROUPS]),
    Command::new("is", "image", "Show an image.", Act::Show(&IMAGE)).takes(&[THE_IMAGE]),
    Command::new("is", "image-create", "Create an image.", Act::Create(&IMAGE))
        .takes(&[word("IMAGE_NAME", Value::Text, Put::Body("/name"), "Name of the image.")])
        .flagged(&[
            &[
                flag(
                    "file",
                    Value::Text,
                    Put::Body("/file/href"),
                    "Where the file of the image is: cos://REGION/BUCKET/OBJECT.",
                ),
                flag(
                    "source-volume",
                    Value::Ref(&VOLUME),
                    Put::Body("/source_volume"),
                    "ID or name of the boot volume that it is made of; its instance is stopped.",
                ),
                flag(
                    "os-name",
                    Value::Text,
                    Put::Body("/operating_system/name"),
                    "Name of its operating system.",
                )
                .hint("OPERATING_SYSTEM_NAME"),
                flag(
                    "encrypted-data-key",
                    Value::Text,
                    Put::Body("/encrypted_data_key"),
                    "Data key of the file, wrapped by the root key, in base64.",
                ),
                flag(
                    "encryption-key",
                    Value::Text,
                    Put::Body("/encryption_key/crn"),
                    "CRN of the root key that wraps the data key of the file.",
                ),
                flag(
                    "encryption-key-volume",
                    Value::Text,
                    Put::Body("/encryption_key/crn"),
                    "CRN of the root key of the image; that of the volume unless given.",
                ),
            ],
            ALLOWED_USE,
            DATES,
            GROUP,
        ])
        .ruled(&[
            Rule::Exactly(&["file", "source-volume"]),
            Rule::Needs("file", "os-name"),
            Rule::Needs("os-name", "file"),
            Rule::Needs("encrypted-data-key", "file"),
            Rule::Needs("encryption-key", "encrypted-data-key"),
            Rule::Needs("encrypted-data-key", "encryption-key"),
            Rule::Needs("encryption-key-volume", "source-volume"),
            ONE_GROUP,
        ])
        .noted(
            "EXAMPLES:\n    ectype is image-create my-image --source-volume my-boot-volume\n    \
             ectype is image-create my-image --source-volume my-boot-volume --deprecate-at \
             2030-01-01T00:00:00+00:00",
        ),
    Command::new("is", "image-update", "Update an image.", Act::Update(&IMAGE))
        .takes(&[THE_IMAGE])
        .flagged(&[
            NEW_NAME,
            ALLOWED_USE,
            DATES,
            &[
                flag(
                    "reset-deprecate-at",
                    Value::Switch,
                    Put::Null("/deprecation_at"),
                    "Take back when it becomes deprecated.",
                ),
                flag(
                    "reset-obsolete-at",
                    Value::Switch,
                    Put::Null("/obsolescence_at"),
                    "Take back when it becomes obsolete.",
                ),
            ],
        ])
        .ruled(&[
            Rule::AtLeast(&[
                "name",
                "allowed-use-api-version",
                "allowed-use-bare-metal-server",
                "allowed-use-instance",
                "deprecate-at",
                "reset-deprecate-at",
                "obsolete-at",
                "reset-obsolete-at",
            ]),
            Rule::AtMost(&["deprecate-at", "reset-deprecate-at"]),
            Rule::AtMost(&["obsolete-at", "reset-obsolete-at"]),
        ]),
    Command::new(
        "is",
        "image-deprecate",
        "Deprecate an image.",
        Act::Below(&IMAGE, "POST", "/deprecate", None),
    )
    .takes(&[THE_IMAGE]),
    Command::new(
        "is",
        "image-obsolete",
        "Obsolete an image.",
        Act::Below(&IMAGE, "POST", "/obsolete", None),
    )
    .takes(&[THE_IMAGE]),
    Command::new("is", "image-delete", "Delete images.", Act::Delete(&IMAGE))
        .takes(&[refers("IMAGE", &IMAGE, "ID or name of an image.").many()])
        .flagged(&[FORCE]),
    Command::new(
        "is",
        "image-instance-profiles",
        "List the instance profiles that an image may be used with.",
        Act::List(&IMAGE_PROFILE, &[]),
    )
    .takes(&[THE_IMAGE]),
    Command::new(
        "is",
        "image-bare-metal-server-profiles",
        "List the bare metal server profiles that an image may be used with.",
        Act::List(&IMAGE_BARE_METAL_PROFILE, &[]),
    )
    .takes(&[THE_IMAGE]),
    Command::new(
        "is",
        "image-export-jobs",
        "List the export jobs of an image.",
        Act::List(&EXPORT_JOB, &[]),
    )
    .takes(&[THE_IMAGE]),
    Command::new("is", "image-export-job", "Show an export job.", Act::Show(&EXPORT_JOB))
        .takes(&[THE_IMAGE, THE_JOB]),
    Command::new(
        "is",
        "image-export-job-create",
        "Export an image to a bucket.",
        Act::Create(&EXPORT_JOB),
    )
    .takes(&[THE_IMAGE])
    .flagged(&[&[
        flag("bucket", Value::Text, Put::Body("/storage_bucket/name"), "Name of the bucket."),
        flag("name", Value::Text, Put::Body("/name"), "Name of the job."),
        flag(
            "format",
            Value::Choice(&["qcow2", "vhd"]),
            Put::Body("/format"),
            "Format of the file; qcow2 unless given.",
        ),
    ]])
    .ruled(&[Rule::Required("bucket")]),
    Command::new(
        "is",
        "image-export-job-update",
        "Rename an export job.",
        Act::Update(&EXPORT_JOB),
    )
    .takes(&[THE_IMAGE, THE_JOB])
    .flagged(&[NEW_NAME])
    .ruled(&[Rule::Required("name")]),
    Command::new("is", "image-export-job-delete", "Delete export jobs.", Act::Delete(&EXPORT_JOB))
        .takes(&[THE_IMAGE, refers("JOB", &EXPORT_JOB, "ID or name of a job.").many()])
        .flagged(&[FORCE]),
    Command::new(
        "is",
        "operating-systems",
        "List operating systems.",
        Act::List(&OPERATING_SYSTEM, &[]),
    ),
    Command::new(
        "is",
        "operating-system",
        "Show an operating system.",
        Act::Show(&OPERATING_SYSTEM),
    )
    .takes(&[refers("OPERATING_SYSTEM", &OPERATING_SYSTEM, "Name of the operating system.")]),
];

const THE_JOB: super::Positional = refers("JOB", &EXPORT_JOB, "ID or name of the job.");

//! `is instance…`, `is key…`, regions and zones.

use super::{
    Act, Command, Flag, Positional, Put, Rule, Value, flag,
    flags::{FORCE, GROUP, GROUPS, NEW_NAME, ONE_GROUP, ONE_OF_GROUPS},
    refers, word,
};
use crate::{
    kinds::{
        IMAGE, INSTANCE, INSTANCE_PROFILE, INSTANCE_TEMPLATE, KEY, NETWORK_ATTACHMENT,
        NETWORK_INTERFACE, REGION, SECURITY_GROUP, SUBNET, VIRTUAL_NETWORK_INTERFACE, VOLUME,
        VOLUME_ATTACHMENT, VPC, ZONE,
    },
    verbs,
};

pub(super) const THE_INSTANCE: Positional =
    refers("INSTANCE", &INSTANCE, "ID or name of the instance.");
const THE_KEY: Positional = refers("KEY", &KEY, "ID or name of the key.");
const THE_ATTACHMENT: Positional =
    refers("VOLUME_ATTACHMENT", &VOLUME_ATTACHMENT, "ID or name of the volume attachment.");

/// What an instance is made of.
const PARTS: &[Flag] = &[
    flag("image", Value::Ref(&IMAGE), Put::Body("/image"), "ID or name of the image.")
        .also(&["image-id"]),
    flag(
        "catalog-offering",
        Value::Text,
        Put::Body("/catalog_offering/offering/crn"),
        "CRN of a catalog offering.",
    ),
    flag(
        "catalog-offering-version",
        Value::Text,
        Put::Body("/catalog_offering/version/crn"),
        "CRN of a version of a catalog offering.",
    ),
    flag(
        "boot-volume",
        Value::Json,
        Put::Body("/boot_volume_attachment"),
        "Attachment of the boot volume.",
    ),
    flag(
        "volume-attach",
        Value::Json,
        Put::Body("/volume_attachments"),
        "Attachments of data volumes, an array.",
    ),
    flag("keys", Value::Refs(&KEY), Put::Body("/keys"), "IDs or names of SSH keys.")
        .also(&["key-ids"]),
    flag("user-data", Value::File, Put::Body("/user_data"), "What the guest does at first."),
    flag(
        "primary-network-interface",
        Value::Json,
        Put::Body("/primary_network_interface"),
        "Its primary network interface; SUBNET is left out then.",
    ),
    flag(
        "network-interface",
        Value::Json,
        Put::Body("/network_interfaces"),
        "More network interfaces, an array.",
    ),
    flag(
        "sgs",
        Value::Refs(&SECURITY_GROUP),
        Put::Body("/primary_network_interface/security_groups"),
        "IDs or names of the security groups of its primary network interface.",
    )
    .also(&["security-group-ids"]),
    flag(
        "rip",
        Value::Text,
        Put::Body("/primary_network_interface/primary_ip/id"),
        "ID of the reserved IP of its primary network interface.",
    ),
    flag(
        "address",
        Value::Text,
        Put::Body("/primary_network_interface/primary_ip/address"),
        "Address of its primary network interface.",
    ),
    flag(
        "auto-delete",
        Value::Bool,
        Put::Body("/primary_network_interface/primary_ip/auto_delete"),
        "Whether that address ends with it.",
    ),
    flag(
        "ip-name",
        Value::Text,
        Put::Body("/primary_network_interface/primary_ip/name"),
        "Name of that address.",
    ),
    flag(
        "primary-network-attachment",
        Value::Json,
        Put::Body("/primary_network_attachment"),
        "Its primary network attachment; SUBNET is left out then.",
    ),
    flag(
        "network-attachments",
        Value::Json,
        Put::Body("/network_attachments"),
        "More network attachments, an array.",
    ),
    flag(
        "pnac-name",
        Value::Text,
        Put::Body("/primary_network_attachment/name"),
        "Name of its primary network attachment.",
    ),
    flag(
        "pnac-vni",
        Value::Ref(&VIRTUAL_NETWORK_INTERFACE),
        Put::Body("/primary_network_attachment/virtual_network_interface"),
        "ID or name of the virtual network interface of that attachment.",
    ),
];

const SETTINGS: &[Flag] = &[
    flag(
        "metadata-service",
        Value::Bool,
        Put::Body("/metadata_service/enabled"),
        "Whether it has the metadata service.",
    )
    .also(&["ms"]),
    flag(
        "metadata-service-protocol",
        Value::Choice(&["http", "https"]),
        Put::Body("/metadata_service/protocol"),
        "Protocol of the metadata service.",
    )
    .also(&["msp"]),
    flag(
        "metadata-service-response-hop-limit",
        Value::Number,
        Put::Body("/metadata_service/response_hop_limit"),
        "How far answers of the metadata service may go.",
    )
    .also(&["msrhl"]),
    flag(
        "total-volume-bandwidth",
        Value::Number,
        Put::Body("/total_volume_bandwidth"),
        "Mbps that its volumes share.",
    ),
    flag(
        "host-failure-policy",
        Value::Choice(&["restart", "stop"]),
        Put::Body("/availability_policy/host_failure"),
        "What happens to it when its host fails.",
    ),
    flag(
        "enable-secure-boot",
        Value::Bool,
        Put::Body("/enable_secure_boot"),
        "Whether it boots by Secure Boot.",
    )
    .also(&["esb"]),
    flag(
        "confidential-compute-mode",
        Value::Text,
        Put::Body("/confidential_compute_mode"),
        "Its confidential compute mode.",
    )
    .also(&["ccm"]),
    flag(
        "placement-group",
        Value::Text,
        Put::Body("/placement_target/id"),
        "ID of its placement group.",
    )
    .also(&["pg"]),
    flag(
        "dedicated-host",
        Value::Text,
        Put::Body("/placement_target/id"),
        "ID of its dedicated host.",
    )
    .also(&["dh"]),
    flag(
        "reservation-affinity-policy",
        Value::Choice(&["disabled", "manual", "automatic"]),
        Put::Body("/reservation_affinity/policy"),
        "How it uses reservations.",
    )
    .also(&["res-policy"]),
    flag(
        "availability-class",
        Value::Choice(&["spot", "standard"]),
        Put::Body("/availability/class"),
        "Whether it may be taken back.",
    ),
    flag(
        "threads-per-core",
        Value::Number,
        Put::Body("/threads_per_core"),
        "Threads of each of its cores.",
    ),
];

const NO_WAIT: &[Flag] = &[flag(
    "no-wait",
    Value::Switch,
    Put::Nothing,
    "At once, as by pulling the plug; what waits before it is dropped.",
)];

pub(super) static COMMANDS: &[Command] = &[
    Command::new("is", "instances", "List instances.", Act::List(&INSTANCE, &[]))
        .also(&["ins"])
        .flagged(&[
            &[
                flag("vpc", Value::Ref(&VPC), Put::Query("vpc.id"), "ID or name of their VPC."),
                flag(
                    "availability-class",
                    Value::Choice(&["spot", "standard"]),
                    Put::Query("availability_class"),
                    "Whether they may be taken back.",
                ),
                flag(
                    "reservation",
                    Value::Text,
                    Put::Query("reservation.id"),
                    "ID of their reservation.",
                ),
                flag(
                    "dedicated-host",
                    Value::Text,
                    Put::Query("dedicated_host.id"),
                    "ID of their dedicated host.",
                )
                .also(&["dh"]),
                flag(
                    "placement-group",
                    Value::Text,
                    Put::Query("placement_group.id"),
                    "ID of their placement group.",
                )
                .also(&["pg"]),
            ],
            GROUPS,
        ])
        .ruled(&[ONE_OF_GROUPS]),
    Command::new("is", "instance", "Show an instance.", Act::Show(&INSTANCE))
        .also(&["in"])
        .takes(&[THE_INSTANCE]),
    Command::new("is", "instance-create", "Create an instance.", Act::Own(verbs::instance_create))
        .also(&["inc"])
        .takes(&[
            word("INSTANCE_NAME", Value::Text, Put::Body("/name"), "Name of the instance."),
            word("VPC", Value::Ref(&VPC), Put::Body("/vpc"), "ID or name of its VPC."),
            word("ZONE", Value::Text, Put::Body("/zone/name"), "Name of its zone."),
            word("PROFILE", Value::Text, Put::Body("/profile/name"), "Name of its profile."),
            word(
                "SUBNET",
                Value::Ref(&SUBNET),
                Put::Body("/primary_network_interface/subnet"),
                "ID or name of the subnet of its primary network interface.",
            ),
        ])
        .flagged(&[
            PARTS,
            SETTINGS,
            GROUP,
            &[flag(
                "interactive",
                Value::Switch,
                Put::Nothing,
                "Asked for step by step: not built.",
            )
            .also(&["i"])],
        ])
        .ruled(&[
            Rule::AtMost(&["image", "catalog-offering", "catalog-offering-version"]),
            Rule::AtMost(&["rip", "address"]),
            ONE_GROUP,
        ])
        .noted(
            "EXAMPLES:\n    ectype is instance-create my-instance my-vpc us-south-1 cx2-2x4 \
             my-subnet --image my-image --keys my-key",
        ),
    Command::new("is", "instance-update", "Update an instance.", Act::Update(&INSTANCE))
        .also(&["inu"])
        .takes(&[THE_INSTANCE])
        .flagged(&[
            NEW_NAME,
            &[flag("profile", Value::Text, Put::Body("/profile/name"), "Its new profile.")],
            SETTINGS,
        ])
        .ruled(&[Rule::AtLeast(&[
            "name",
            "profile",
            "metadata-service",
            "metadata-service-protocol",
            "metadata-service-response-hop-limit",
            "total-volume-bandwidth",
            "host-failure-policy",
            "enable-secure-boot",
            "confidential-compute-mode",
            "placement-group",
            "dedicated-host",
            "reservation-affinity-policy",
            "availability-class",
            "threads-per-core",
        ])]),
    Command::new("is", "instance-delete", "Delete instances.", Act::Delete(&INSTANCE))
        .also(&["ind"])
        .takes(&[refers("INSTANCE", &INSTANCE, "ID or name of an instance.").many()])
        .flagged(&[FORCE]),
    Command::new("is", "instance-start", "Start an instance.", Act::Own(verbs::instance_start))
        .also(&["in-start"])
        .takes(&[THE_INSTANCE]),
    Command::new("is", "instance-stop", "Stop an instance.", Act::Own(verbs::instance_stop))
        .also(&["in-stop"])
        .takes(&[THE_INSTANCE])
        .flagged(&[NO_WAIT, FORCE]),
    Command::new("is", "instance-reboot", "Reboot an instance.", Act::Own(verbs::instance_reboot))
        .also(&["in-reboot"])
        .takes(&[THE_INSTANCE])
        .flagged(&[NO_WAIT, FORCE]),
    Command::new(
        "is",
        "instance-reinitialize",
        "Give an instance a new boot volume.",
        Act::Own(verbs::instance_reinitialize),
    )
    .takes(&[THE_INSTANCE])
    .flagged(&[
        &[
            flag("image", Value::Ref(&IMAGE), Put::Body("/image"), "ID or name of the image."),
            flag(
                "boot-volume",
                Value::Json,
                Put::Body("/boot_volume_attachment"),
                "Attachment of the new boot volume.",
            ),
            flag("keys", Value::Refs(&KEY), Put::Body("/keys"), "IDs or names of SSH keys."),
            flag(
                "user-data",
                Value::File,
                Put::Body("/user_data"),
                "What the guest does at first.",
            ),
        ],
        FORCE,
    ])
    .ruled(&[Rule::Exactly(&["image", "boot-volume"])]),
    Command::new(
        "is",
        "instance-console",
        "Type at the console of an instance.",
        Act::Own(verbs::console),
    )
    .talks()
    .takes(&[THE_INSTANCE])
    .flagged(&[&[
        flag("vnc", Value::Switch, Put::Nothing, "Its screen, which this region has not."),
        flag("force", Value::Switch, Put::Nothing, "Take it from whoever has it.").also(&["f"]),
    ]]),
    Command::new(
        "is",
        "instance-initialization-values",
        "Show what an instance was begun with.",
        Act::Own(verbs::instance_initialization),
    )
    .takes(&[THE_INSTANCE]),
    Command::new(
        "is",
        "instance-volume-attachments",
        "List the volume attachments of an instance.",
        Act::List(&VOLUME_ATTACHMENT, &[]),
    )
    .also(&["in-vols"])
    .takes(&[THE_INSTANCE]),
    Command::new(
        "is",
        "instance-volume-attachment",
        "Show a volume attachment.",
        Act::Show(&VOLUME_ATTACHMENT),
    )
    .takes(&[THE_INSTANCE, THE_ATTACHMENT]),
    Command::new(
        "is",
        "instance-volume-attachment-add",
        "Attach a volume to an instance.",
        Act::Create(&VOLUME_ATTACHMENT),
    )
    .takes(&[
        word("NAME", Value::Text, Put::Body("/name"), "Name of the attachment."),
        THE_INSTANCE,
        word(
            "VOLUME",
            Value::Ref(&VOLUME),
            Put::Body("/volume"),
            "ID or name of a volume that is there.",
        )
        .optional(),
    ])
    .flagged(&[&[
        flag("profile", Value::Text, Put::Body("/volume/profile/name"), "Profile of a new volume."),
        flag("capacity", Value::Number, Put::Body("/volume/capacity"), "Its size in GB."),
        flag("iops", Value::Number, Put::Body("/volume/iops"), "Its IOPS."),
        flag(
            "encryption-key",
            Value::Text,
            Put::Body("/volume/encryption_key/crn"),
            "CRN of its root key.",
        ),
        flag("volume-name", Value::Text, Put::Body("/volume/name"), "Its name."),
        flag("tags", Value::List, Put::Body("/volume/user_tags"), "Its tags."),
        flag(
            "auto-delete",
            Value::Bool,
            Put::Body("/delete_volume_on_instance_delete"),
            "Whether the volume ends with the instance.",
        ),
    ]])
    .ruled(&[Rule::Exactly(&["VOLUME", "profile"])]),
    Command::new(
        "is",
        "instance-volume-attachment-update",
        "Update a volume attachment.",
        Act::Update(&VOLUME_ATTACHMENT),
    )
    .takes(&[THE_INSTANCE, THE_ATTACHMENT])
    .flagged(&[
        NEW_NAME,
        &[flag(
            "auto-delete",
            Value::Bool,
            Put::Body("/delete_volume_on_instance_delete"),
            "Whether the volume ends with the instance.",
        )],
    ])
    .ruled(&[Rule::AtLeast(&["name", "auto-delete"])]),
    Command::new(
        "is",
        "instance-volume-attachment-detach",
        "Detach volumes from an instance.",
        Act::Delete(&VOLUME_ATTACHMENT),
    )
    .takes(&[
        THE_INSTANCE,
        refers("VOLUME_ATTACHMENT", &VOLUME_ATTACHMENT, "ID or name of a volume attachment.")
            .many(),
    ])
    .flagged(&[FORCE]),
    Command::new(
        "is",
        "instance-network-interfaces",
        "List the network interfaces of an instance.",
        Act::List(&NETWORK_INTERFACE, &[]),
    )
    .also(&["in-nics"])
    .takes(&[THE_INSTANCE]),
    Command::new(
        "is",
        "instance-network-interface",
        "Show a network interface.",
        Act::Show(&NETWORK_INTERFACE),
    )
    .takes(&[THE_INSTANCE, refers("NIC", &NETWORK_INTERFACE, "ID or name of the interface.")]),
    Command::new(
        "is",
        "instance-network-attachments",
        "List the network attachments of an instance.",
        Act::List(&NETWORK_ATTACHMENT, &[]),
    )
    .takes(&[THE_INSTANCE]),
    Command::new(
        "is",
        "instance-network-attachment",
        "Show a network attachment.",
        Act::Show(&NETWORK_ATTACHMENT),
    )
    .takes(&[
        THE_INSTANCE,
        refers("ATTACHMENT", &NETWORK_ATTACHMENT, "ID or name of the attachment."),
    ]),
    Command::new(
        "is",
        "instance-templates",
        "List instance templates.",
        Act::List(&INSTANCE_TEMPLATE, &[]),
    ),
    Command::new(
        "is",
        "instance-template",
        "Show an instance template.",
        Act::Show(&INSTANCE_TEMPLATE),
    )
    .takes(&[refers("TEMPLATE", &INSTANCE_TEMPLATE, "ID or name of the template.")]),
    Command::new(
        "is",
        "instance-template-delete",
        "Delete instance templates.",
        Act::Delete(&INSTANCE_TEMPLATE),
    )
    .takes(&[refers("TEMPLATE", &INSTANCE_TEMPLATE, "ID or name of a template.").many()])
    .flagged(&[FORCE]),
    Command::new(
        "is",
        "instance-profiles",
        "List instance profiles.",
        Act::List(&INSTANCE_PROFILE, &[]),
    )
    .also(&["in-prfs"]),
    Command::new(
        "is",
        "instance-profile",
        "Show an instance profile.",
        Act::Show(&INSTANCE_PROFILE),
    )
    .takes(&[refers("PROFILE", &INSTANCE_PROFILE, "Name of the profile.")]),
    Command::new("is", "keys", "List SSH keys.", Act::List(&KEY, &[]))
        .flagged(&[GROUPS])
        .ruled(&[ONE_OF_GROUPS]),
    Command::new("is", "key", "Show an SSH key.", Act::Show(&KEY)).takes(&[THE_KEY]),
    Command::new("is", "key-create", "Create an SSH key.", Act::Create(&KEY))
        .takes(&[
            word("KEY_NAME", Value::Text, Put::Body("/name"), "Name of the key."),
            word(
                "KEY",
                Value::File,
                Put::Body("/public_key"),
                "The public key, or @ and the file that has it.",
            ),
        ])
        .flagged(&[
            &[flag(
                "key-type",
                Value::Choice(&["rsa", "ed25519"]),
                Put::Body("/type"),
                "Its type; rsa unless given.",
            )],
            GROUP,
        ])
        .ruled(&[ONE_GROUP]),
    Command::new("is", "key-update", "Rename an SSH key.", Act::Update(&KEY))
        .takes(&[THE_KEY])
        .flagged(&[NEW_NAME])
        .ruled(&[Rule::Required("name")]),
    Command::new("is", "key-delete", "Delete SSH keys.", Act::Delete(&KEY))
        .takes(&[refers("KEY", &KEY, "ID or name of a key.").many()])
        .flagged(&[FORCE]),
    Command::new("is", "regions", "List regions.", Act::List(&REGION, &[])),
    Command::new("is", "region", "Show a region.", Act::Show(&REGION)).takes(&[refers(
        "REGION",
        &REGION,
        "Name of the region.",
    )]),
    Command::new("is", "zones", "List the zones of a region.", Act::List(&ZONE, &[])).takes(&[
        word("REGION", Value::Text, Put::Nothing, "Name of the region; the targeted one if none.")
            .optional(),
    ]),
    Command::new("is", "zone", "Show a zone.", Act::Show(&ZONE)).takes(&[
        refers("ZONE", &ZONE, "Name of the zone."),
        word("REGION", Value::Text, Put::Nothing, "Name of its region; the targeted one if none.")
            .optional(),
    ]),
    Command::new(
        "is",
        "target",
        "Show or set the generation, which is 2.",
        Act::Own(verbs::is_target),
    )
    .talks()
    .flagged(&[&[flag("gen", Value::Number, Put::Nothing, "The generation: 2.")]]),
];

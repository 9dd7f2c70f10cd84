//! `is vpc…`, `is subnet…`, addresses, security groups, access control lists.

use super::{
    Act, Command, Flag, Positional, Put, Rule, Value, flag,
    flags::{FORCE, GROUP, GROUPS, NEW_NAME, ONE_GROUP, ONE_OF_GROUPS},
    refers, word,
};
use crate::{
    kinds::{
        ADDRESS_PREFIX, FLOATING_IP, INSTANCE, NETWORK_ACL, NETWORK_ACL_RULE, NETWORK_INTERFACE,
        PUBLIC_GATEWAY, RESERVED_IP, ROUTE, ROUTING_TABLE, SECURITY_GROUP, SECURITY_GROUP_RULE,
        SECURITY_GROUP_TARGET, SUBNET, VIRTUAL_NETWORK_INTERFACE, VPC,
    },
    verbs,
};

const THE_VPC: Positional = refers("VPC", &VPC, "ID or name of the VPC.");
const THE_SUBNET: Positional = refers("SUBNET", &SUBNET, "ID or name of the subnet.");
const THE_GROUP: Positional = refers("GROUP", &SECURITY_GROUP, "ID or name of the security group.");
const THE_FLOATING_IP: Positional =
    refers("FLOATING_IP", &FLOATING_IP, "ID or name of the floating IP.");
const THE_GATEWAY: Positional =
    refers("GATEWAY", &PUBLIC_GATEWAY, "ID or name of the public gateway.");
const THE_ACL: Positional = refers("ACL", &NETWORK_ACL, "ID or name of the network ACL.");
const THE_VNI: Positional = refers(
    "VIRTUAL_NETWORK_INTERFACE",
    &VIRTUAL_NETWORK_INTERFACE,
    "ID or name of the virtual network interface.",
);

/// Makes a name unique.
const WITHIN: &[Flag] = &[flag(
    "vpc",
    Value::Text,
    Put::Nothing,
    "ID or name of the VPC, where a name is not unique without.",
)];
const NAME_IT: &[Rule] = &[Rule::Required("name")];
const ATTACHED: &[Flag] =
    &[flag("show-attached", Value::Switch, Put::Nothing, "Also what is in it.")];

pub(super) static COMMANDS: &[Command] = &[
    Command::new("is", "vpcs", "List VPCs.", Act::List(&VPC, &[]))
        .flagged(&[
            &[flag(
                "classic-access",
                Value::Bool,
                Put::Query("classic_access"),
                "Whether they reach classic infrastructure.",
            )],
            GROUPS,
        ])
        .ruled(&[ONE_OF_GROUPS]),
    Command::new("is", "vpc", "Show a VPC.", Act::Own(verbs::vpc_show))
        .takes(&[THE_VPC])
        .flagged(&[ATTACHED]),
    Command::new("is", "vpc-create", "Create a VPC.", Act::Create(&VPC))
        .takes(&[word("VPC_NAME", Value::Text, Put::Body("/name"), "Name of the VPC.")])
        .flagged(&[
            &[
                flag(
                    "address-prefix-management",
                    Value::Choice(&["auto", "manual"]),
                    Put::Body("/address_prefix_management"),
                    "Whether it gets address prefixes; auto unless given.",
                ),
                flag(
                    "classic-access",
                    Value::Bool,
                    Put::Body("/classic_access"),
                    "Whether it reaches classic infrastructure.",
                ),
            ],
            GROUP,
        ])
        .ruled(&[ONE_GROUP]),
    Command::new("is", "vpc-update", "Rename a VPC.", Act::Update(&VPC))
        .also(&["vpcu"])
        .takes(&[THE_VPC])
        .flagged(&[NEW_NAME])
        .ruled(NAME_IT),
    Command::new("is", "vpc-delete", "Delete VPCs.", Act::Delete(&VPC))
        .takes(&[refers("VPC", &VPC, "ID or name of a VPC.").many()])
        .flagged(&[FORCE]),
    Command::new(
        "is",
        "vpc-address-prefixes",
        "List the address prefixes of a VPC.",
        Act::List(&ADDRESS_PREFIX, &[]),
    )
    .takes(&[THE_VPC]),
    Command::new(
        "is",
        "vpc-address-prefix-create",
        "Create an address prefix.",
        Act::Create(&ADDRESS_PREFIX),
    )
    .takes(&[
        word("PREFIX_NAME", Value::Text, Put::Body("/name"), "Name of the prefix."),
        THE_VPC,
        word("ZONE", Value::Text, Put::Body("/zone/name"), "Name of its zone."),
        word("CIDR", Value::Text, Put::Body("/cidr"), "Its addresses, as CIDR."),
    ])
    .flagged(&[&[flag(
        "default",
        Value::Bool,
        Put::Body("/is_default"),
        "Whether it is the zone's default.",
    )]]),
    Command::new(
        "is",
        "vpc-address-prefix-delete",
        "Delete address prefixes.",
        Act::Delete(&ADDRESS_PREFIX),
    )
    .takes(&[THE_VPC, refers("PREFIX", &ADDRESS_PREFIX, "ID or name of a prefix.").many()])
    .flagged(&[FORCE]),
    Command::new(
        "is",
        "vpc-routing-tables",
        "List the routing tables of a VPC.",
        Act::List(&ROUTING_TABLE, &[]),
    )
    .takes(&[THE_VPC]),
    Command::new("is", "vpc-routing-table", "Show a routing table.", Act::Show(&ROUTING_TABLE))
        .takes(&[THE_VPC, refers("TABLE", &ROUTING_TABLE, "ID or name of the table.")]),
    Command::new("is", "vpc-routes", "List the routes of a VPC.", Act::List(&ROUTE, &[]))
        .takes(&[THE_VPC]),
    Command::new("is", "subnets", "List subnets.", Act::List(&SUBNET, &[]))
        .flagged(&[
            &[
                flag("vpc", Value::Ref(&VPC), Put::Query("vpc.id"), "ID or name of their VPC."),
                flag("zone", Value::Text, Put::Query("zone.name"), "Name of their zone."),
            ],
            GROUPS,
        ])
        .ruled(&[ONE_OF_GROUPS]),
    Command::new("is", "subnet", "Show a subnet.", Act::Own(verbs::subnet_show))
        .takes(&[THE_SUBNET])
        .flagged(&[WITHIN, ATTACHED]),
    Command::new("is", "subnet-create", "Create a subnet.", Act::Own(verbs::subnet_create))
        .takes(&[
            word("SUBNET_NAME", Value::Text, Put::Body("/name"), "Name of the subnet."),
            word("VPC", Value::Ref(&VPC), Put::Body("/vpc"), "ID or name of its VPC."),
            word("ZONE", Value::Text, Put::Body("/zone/name"), "The older place of --zone.")
                .optional(),
        ])
        .flagged(&[
            &[
                flag("zone", Value::Text, Put::Body("/zone/name"), "Name of its zone."),
                flag(
                    "ipv4-address-count",
                    Value::Number,
                    Put::Body("/total_ipv4_address_count"),
                    "How many addresses it has: a power of 2.",
                ),
                flag(
                    "ipv4-cidr-block",
                    Value::Text,
                    Put::Body("/ipv4_cidr_block"),
                    "Its addresses, as CIDR.",
                ),
                flag(
                    "acl",
                    Value::Ref(&NETWORK_ACL),
                    Put::Body("/network_acl"),
                    "ID or name of its network ACL.",
                ),
                flag(
                    "pgw",
                    Value::Ref(&PUBLIC_GATEWAY),
                    Put::Body("/public_gateway"),
                    "ID or name of its public gateway.",
                ),
                flag("rt", Value::Text, Put::Body("/routing_table/id"), "ID of its routing table."),
            ],
            GROUP,
        ])
        .ruled(&[Rule::Exactly(&["ipv4-address-count", "ipv4-cidr-block"]), ONE_GROUP]),
    Command::new("is", "subnet-update", "Update a subnet.", Act::Update(&SUBNET))
        .takes(&[THE_SUBNET])
        .flagged(&[
            NEW_NAME,
            &[
                flag(
                    "acl",
                    Value::Ref(&NETWORK_ACL),
                    Put::Body("/network_acl"),
                    "ID or name of its new network ACL.",
                ),
                flag(
                    "pgw",
                    Value::Ref(&PUBLIC_GATEWAY),
                    Put::Body("/public_gateway"),
                    "ID or name of its new public gateway.",
                ),
            ],
            WITHIN,
        ])
        .ruled(&[Rule::AtLeast(&["name", "acl", "pgw"])]),
    Command::new("is", "subnet-delete", "Delete subnets.", Act::Delete(&SUBNET))
        .takes(&[refers("SUBNET", &SUBNET, "ID or name of a subnet.").many()])
        .flagged(&[WITHIN, FORCE]),
    Command::new(
        "is",
        "subnet-reserved-ips",
        "List the reserved IPs of a subnet.",
        Act::List(&RESERVED_IP, &[]),
    )
    .takes(&[THE_SUBNET])
    .flagged(&[WITHIN]),
    Command::new(
        "is",
        "subnet-public-gateway-attach",
        "Give a subnet a public gateway.",
        Act::Own(verbs::gateway_attach),
    )
    .takes(&[THE_SUBNET, THE_GATEWAY])
    .flagged(&[WITHIN]),
    Command::new(
        "is",
        "subnet-public-gateway-detach",
        "Take a subnet's public gateway away.",
        Act::Below(&SUBNET, "DELETE", "/public_gateway", None),
    )
    .takes(&[THE_SUBNET])
    .flagged(&[WITHIN, FORCE]),
    Command::new("is", "floating-ips", "List floating IPs.", Act::List(&FLOATING_IP, &[]))
        .also(&["ips"])
        .flagged(&[GROUPS])
        .ruled(&[ONE_OF_GROUPS]),
    Command::new("is", "floating-ip", "Show a floating IP.", Act::Show(&FLOATING_IP))
        .also(&["ip"])
        .takes(&[THE_FLOATING_IP]),
    Command::new(
        "is",
        "floating-ip-reserve",
        "Reserve a floating IP.",
        Act::Own(verbs::floating_ip_reserve),
    )
    .also(&["ipc"])
    .takes(&[word("FLOATING_IP_NAME", Value::Text, Put::Body("/name"), "Its name.")])
    .flagged(&[
        &[
            flag("zone", Value::Text, Put::Body("/zone/name"), "Name of its zone."),
            flag(
                "nic",
                Value::Ref(&NETWORK_INTERFACE),
                Put::Nothing,
                "ID or name of the network interface that it is for.",
            )
            .also(&["nic-id"]),
            flag(
                "in",
                Value::Ref(&INSTANCE),
                Put::Nothing,
                "ID or name of the instance of that network interface; alone, its primary one.",
            ),
            flag(
                "vni",
                Value::Ref(&VIRTUAL_NETWORK_INTERFACE),
                Put::Body("/target"),
                "ID or name of the virtual network interface that it is for.",
            ),
        ],
        GROUP,
    ])
    .ruled(&[
        Rule::AtLeast(&["zone", "nic", "in", "vni"]),
        Rule::AtMost(&["zone", "nic", "vni"]),
        ONE_GROUP,
    ]),
    Command::new("is", "floating-ip-update", "Update a floating IP.", Act::Update(&FLOATING_IP))
        .also(&["ipu"])
        .takes(&[THE_FLOATING_IP])
        .flagged(&[
            NEW_NAME,
            &[
                flag(
                    "nic",
                    Value::Ref(&NETWORK_INTERFACE),
                    Put::Body("/target"),
                    "ID or name of the network interface that it is for.",
                )
                .also(&["nic-id"]),
                flag(
                    "in",
                    Value::Ref(&INSTANCE),
                    Put::Nothing,
                    "ID or name of the instance of that network interface.",
                ),
            ],
        ])
        .ruled(&[Rule::AtLeast(&["name", "nic"])]),
    Command::new("is", "floating-ip-release", "Release floating IPs.", Act::Delete(&FLOATING_IP))
        .also(&["ipd"])
        .takes(&[refers("FLOATING_IP", &FLOATING_IP, "ID or name of one.").many()])
        .flagged(&[FORCE]),
    Command::new("is", "public-gateways", "List public gateways.", Act::List(&PUBLIC_GATEWAY, &[]))
        .flagged(&[GROUPS])
        .ruled(&[ONE_OF_GROUPS]),
    Command::new("is", "public-gateway", "Show a public gateway.", Act::Show(&PUBLIC_GATEWAY))
        .takes(&[THE_GATEWAY])
        .flagged(&[WITHIN]),
    Command::new(
        "is",
        "public-gateway-create",
        "Create a public gateway.",
        Act::Create(&PUBLIC_GATEWAY),
    )
    .takes(&[
        word("GATEWAY_NAME", Value::Text, Put::Body("/name"), "Name of the gateway."),
        word("VPC", Value::Ref(&VPC), Put::Body("/vpc"), "ID or name of its VPC."),
        word("ZONE", Value::Text, Put::Body("/zone/name"), "Name of its zone."),
    ])
    .flagged(&[
        &[flag(
            "floating-ip",
            Value::Ref(&FLOATING_IP),
            Put::Body("/floating_ip"),
            "ID or name of its floating IP.",
        )],
        GROUP,
    ])
    .ruled(&[ONE_GROUP]),
    Command::new(
        "is",
        "public-gateway-update",
        "Rename a public gateway.",
        Act::Update(&PUBLIC_GATEWAY),
    )
    .takes(&[THE_GATEWAY])
    .flagged(&[NEW_NAME, WITHIN])
    .ruled(NAME_IT),
    Command::new(
        "is",
        "public-gateway-delete",
        "Delete public gateways.",
        Act::Delete(&PUBLIC_GATEWAY),
    )
    .takes(&[refers("GATEWAY", &PUBLIC_GATEWAY, "ID or name of one.").many()])
    .flagged(&[WITHIN, FORCE]),
    Command::new("is", "security-groups", "List security groups.", Act::List(&SECURITY_GROUP, &[]))
        .also(&["sgs"])
        .flagged(&[
            &[flag("vpc", Value::Ref(&VPC), Put::Query("vpc.id"), "ID or name of their VPC.")],
            GROUPS,
        ])
        .ruled(&[ONE_OF_GROUPS]),
    Command::new("is", "security-group", "Show a security group.", Act::Show(&SECURITY_GROUP))
        .also(&["sg"])
        .takes(&[THE_GROUP])
        .flagged(&[WITHIN]),
    Command::new(
        "is",
        "security-group-create",
        "Create a security group.",
        Act::Create(&SECURITY_GROUP),
    )
    .also(&["sgc"])
    .takes(&[
        word("GROUP_NAME", Value::Text, Put::Body("/name"), "Name of the security group."),
        word("VPC", Value::Ref(&VPC), Put::Body("/vpc"), "ID or name of its VPC."),
    ])
    .flagged(&[&[flag("rules", Value::Json, Put::Body("/rules"), "Its rules, an array.")], GROUP])
    .ruled(&[ONE_GROUP]),
    Command::new(
        "is",
        "security-group-update",
        "Rename a security group.",
        Act::Update(&SECURITY_GROUP),
    )
    .also(&["sgu"])
    .takes(&[THE_GROUP])
    .flagged(&[NEW_NAME, WITHIN])
    .ruled(NAME_IT),
    Command::new(
        "is",
        "security-group-delete",
        "Delete security groups.",
        Act::Delete(&SECURITY_GROUP),
    )
    .also(&["sgd"])
    .takes(&[refers("GROUP", &SECURITY_GROUP, "ID or name of one.").many()])
    .flagged(&[WITHIN, FORCE]),
    Command::new(
        "is",
        "security-group-rules",
        "List the rules of a security group.",
        Act::List(&SECURITY_GROUP_RULE, &[]),
    )
    .also(&["sg-rules"])
    .takes(&[THE_GROUP])
    .flagged(&[WITHIN]),
    Command::new(
        "is",
        "security-group-rule-add",
        "Add a rule to a security group.",
        Act::Own(verbs::rule_add),
    )
    .also(&["sg-rulec"])
    .takes(&[
        THE_GROUP,
        word(
            "DIRECTION",
            Value::Choice(&["inbound", "outbound"]),
            Put::Body("/direction"),
            "inbound or outbound.",
        ),
        word(
            "PROTOCOL",
            Value::Text,
            Put::Body("/protocol"),
            "all, icmp, tcp, udp, icmp_tcp_udp, any, or the name of another.",
        ),
    ])
    .flagged(&[
        &[
            flag("port-min", Value::Number, Put::Body("/port_min"), "First port."),
            flag("port-max", Value::Number, Put::Body("/port_max"), "Last port."),
            flag("icmp-type", Value::Number, Put::Body("/type"), "ICMP type."),
            flag("icmp-code", Value::Number, Put::Body("/code"), "ICMP code."),
            flag(
                "remote",
                Value::Text,
                Put::Nothing,
                "Who may: an address, a CIDR block, or a security group; all unless given.",
            ),
            flag(
                "local",
                Value::Text,
                Put::Nothing,
                "Which of our addresses: one, or a CIDR block.",
            ),
            flag("name", Value::Text, Put::Body("/name"), "Its name."),
        ],
        WITHIN,
    ]),
    Command::new(
        "is",
        "security-group-rule-delete",
        "Delete rules of a security group.",
        Act::Delete(&SECURITY_GROUP_RULE),
    )
    .also(&["sg-ruled"])
    .takes(&[THE_GROUP, refers("RULE", &SECURITY_GROUP_RULE, "ID or name of a rule.").many()])
    .flagged(&[WITHIN, FORCE]),
    Command::new(
        "is",
        "security-group-targets",
        "List what a security group applies to.",
        Act::List(&SECURITY_GROUP_TARGET, &[]),
    )
    .takes(&[THE_GROUP])
    .flagged(&[WITHIN]),
    Command::new("is", "network-acls", "List network ACLs.", Act::List(&NETWORK_ACL, &[]))
        .also(&["acls"])
        .flagged(&[GROUPS])
        .ruled(&[ONE_OF_GROUPS]),
    Command::new("is", "network-acl", "Show a network ACL.", Act::Show(&NETWORK_ACL))
        .also(&["acl"])
        .takes(&[THE_ACL])
        .flagged(&[WITHIN]),
    Command::new("is", "network-acl-delete", "Delete network ACLs.", Act::Delete(&NETWORK_ACL))
        .takes(&[refers("ACL", &NETWORK_ACL, "ID or name of one.").many()])
        .flagged(&[WITHIN, FORCE]),
    Command::new(
        "is",
        "network-acl-rules",
        "List the rules of a network ACL.",
        Act::List(&NETWORK_ACL_RULE, &[]),
    )
    .takes(&[THE_ACL])
    .flagged(&[WITHIN]),
    Command::new(
        "is",
        "virtual-network-interfaces",
        "List virtual network interfaces.",
        Act::List(&VIRTUAL_NETWORK_INTERFACE, &[]),
    )
    .also(&["vnis"])
    .flagged(&[GROUPS])
    .ruled(&[ONE_OF_GROUPS]),
    Command::new(
        "is",
        "virtual-network-interface",
        "Show a virtual network interface.",
        Act::Show(&VIRTUAL_NETWORK_INTERFACE),
    )
    .also(&["vni"])
    .takes(&[THE_VNI])
    .flagged(&[WITHIN]),
    Command::new(
        "is",
        "virtual-network-interface-create",
        "Create a virtual network interface.",
        Act::Create(&VIRTUAL_NETWORK_INTERFACE),
    )
    .also(&["vnic"])
    .flagged(&[
        &[
            flag("name", Value::Text, Put::Body("/name"), "Its name."),
            flag("subnet", Value::Ref(&SUBNET), Put::Body("/subnet"), "ID or name of its subnet."),
            flag(
                "auto-delete",
                Value::Bool,
                Put::Body("/auto_delete"),
                "Whether it ends with what it is attached to.",
            ),
            flag(
                "allow-ip-spoofing",
                Value::Bool,
                Put::Body("/allow_ip_spoofing"),
                "Whether other addresses may be sent from.",
            ),
            flag(
                "sgs",
                Value::Refs(&SECURITY_GROUP),
                Put::Body("/security_groups"),
                "IDs or names of its security groups.",
            ),
            flag("address", Value::Text, Put::Body("/primary_ip/address"), "Its address."),
        ],
        GROUP,
    ])
    .ruled(&[Rule::Required("subnet"), ONE_GROUP]),
    Command::new(
        "is",
        "virtual-network-interface-delete",
        "Delete virtual network interfaces.",
        Act::Delete(&VIRTUAL_NETWORK_INTERFACE),
    )
    .also(&["vnid"])
    .takes(&[refers("VIRTUAL_NETWORK_INTERFACE", &VIRTUAL_NETWORK_INTERFACE, "ID or name of one.")
        .many()])
    .flagged(&[WITHIN, FORCE]),
];

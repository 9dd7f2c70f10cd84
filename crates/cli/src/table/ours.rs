//! What IBM's command line has not.

use super::{
    Act, Command, Put, Value, flag,
    flags::{GROUP, ONE_GROUP},
    is_compute::THE_INSTANCE,
    word,
};
use crate::verbs;

pub(super) static COMMANDS: &[Command] = &[
    Command::new("", "capture", "Make an image of an instance's boot volume.", Act::Own(verbs::capture))
        .takes(&[
            THE_INSTANCE,
            word("NAME", Value::Text, Put::Nothing, "Name of the image."),
        ])
        .flagged(&[
            &[
                flag("stop", Value::Switch, Put::Nothing, "Stop the instance first."),
                flag("restart", Value::Switch, Put::Nothing, "Start it again once the image is made."),
                flag("wait", Value::Switch, Put::Nothing, "Wait until the image is available."),
            ],
            GROUP,
        ])
        .ruled(&[ONE_GROUP])
        .noted(
            "Ctrl-C ends the waiting, not the work.\n\nEXAMPLES:\n    ectype capture my-instance \
             my-image --stop --restart --wait",
        ),
    Command::new("", "wait", "Wait until a resource has a status.", Act::Own(verbs::wait))
        .takes(&[
            word(
                "KIND",
                Value::Choice(verbs::WAITED),
                Put::Nothing,
                "image, instance, volume, snapshot, vpc, subnet, floating-ip, public-gateway.",
            ),
            word("NAME", Value::Text, Put::Nothing, "ID or name of the resource."),
        ])
        .flagged(&[&[
            flag(
                "for",
                Value::Text,
                Put::Nothing,
                "The status; deleted, too. Without it, the one in which it can be used.",
            )
            .hint("STATUS"),
            flag("timeout", Value::Number, Put::Nothing, "Give up after so many seconds.")
                .hint("SECONDS"),
        ]])
        .noted("EXAMPLES:\n    ectype wait image my-image\n    ectype wait instance my-instance --for stopped"),
    Command::new("", "logs", "Show what a guest wrote to its console.", Act::Own(verbs::logs))
        .talks()
        .takes(&[THE_INSTANCE])
        .flagged(&[&[
            flag("follow", Value::Switch, Put::Nothing, "Go on as it writes more.").also(&["f"]),
        ]]),
    Command::new("", "console", "Type at the serial console of an instance.", Act::Own(verbs::console))
        .talks()
        .takes(&[THE_INSTANCE])
        .flagged(&[&[flag(
            "force",
            Value::Switch,
            Put::Nothing,
            "Take it from whoever has it.",
        )
        .also(&["f"])]])
        .noted("Ctrl-] ends the session; the guest goes on."),
    Command::new("", "ssh", "Open a shell on an instance, by its floating IP.", Act::Own(verbs::ssh))
        .talks()
        .takes(&[
            THE_INSTANCE,
            word("COMMAND", Value::Text, Put::Nothing, "What to run there; put -- before it.").rest(),
        ])
        .flagged(&[&[
            flag("user", Value::Text, Put::Nothing, "User there; root unless given.").also(&["l"]),
            flag("identity", Value::Text, Put::Nothing, "File of the private key.").also(&["i"]),
            flag("print", Value::Switch, Put::Nothing, "Only print the command."),
        ]]),
    Command::new("", "doctor", "Look whether this machine can run a region.", Act::Own(verbs::doctor)),
    Command::new("", "completion", "Print completions for a shell, or the manual page.", Act::Own(verbs::completion))
        .talks()
        .takes(&[word(
            "SHELL",
            Value::Choice(&["bash", "zsh", "fish", "man"]),
            Put::Nothing,
            "bash, zsh, fish; or man.",
        )])
        .noted("EXAMPLES:\n    source <(ectype completion bash)\n    ectype completion man | man -l -"),
    Command::new("", "link", "Make a link by which this program is called.", Act::Own(verbs::link))
        .talks()
        .takes(&[word("NAME", Value::Text, Put::Nothing, "Name of the link: ibmcloud.")])
        .flagged(&[&[
            flag("dir", Value::Text, Put::Nothing, "Folder of the link; ~/.local/bin unless given."),
        ]]),
];

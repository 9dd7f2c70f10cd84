//! SSH keys.

use model::SshKeyType;

use super::{
    Shapes,
    build::{count, has, may, name, object, text, text_up_to, to, word},
    operation::{Described, act, change, create, page, read},
    reference::head,
};
use crate::request::PUBLIC_KEY_BYTES_MAX;

/// A public key that belongs to nobody.
const EXAMPLE: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZ nobody";

pub(super) fn operations() -> Vec<Described> {
    vec![
        page("list_keys", "Key", "keys").by("name", text()),
        create("create_key", to("KeyPrototype"), to("Key")),
        read("get_key", to("Key")),
        change("update_key", to("KeyPatch"), to("Key")),
        act("delete_key"),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    let kind = || word(SshKeyType::ALL.iter().map(|k| k.as_str()));
    into.add(
        "Key",
        head().and([
            has("fingerprint", text()),
            has("length", count()),
            has("public_key", text()),
            has("type", kind()),
        ]),
    );
    into.add(
        "KeyPrototype",
        object([
            has("public_key", text_up_to(PUBLIC_KEY_BYTES_MAX).like(EXAMPLE)),
            may("name", name()),
            may("resource_group", to("ResourceGroupIdentity")),
            may("type", kind().usually("rsa").like("ed25519")),
        ]),
    );
    into.add("KeyPatch", object([may("name", name())]));
}

"""Drives a running region by IBM's Python SDK: main.py ENVIRONMENT.json SCENARIOS.json [PART OF A NAME]."""

import sys

from cases import (
    access,
    accounts,
    catalogue,
    codes,
    console,
    errors,
    faults,
    firewall,
    floating_ips,
    groups,
    iam_identity,
    identity,
    image_story,
    images,
    key_protect,
    lifecycle,
    limits,
    lists,
    network,
    network_attachments,
    network_interfaces,
    races,
    sources,
    tagging,
    templates,
    volumes,
    virtual_time,
)
from harness import run

# Importing a part adds its cases.
PARTS = [
    accounts,
    catalogue,
    codes,
    console,
    errors,
    faults,
    firewall,
    floating_ips,
    groups,
    iam_identity,
    identity,
    image_story,
    images,
    lifecycle,
    limits,
    lists,
    network,
    network_attachments,
    network_interfaces,
    races,
    sources,
    tagging,
    templates,
    volumes,
    # Last: they move the time that all others go by.
    key_protect,
    virtual_time,
]

if __name__ == "__main__":
    sys.exit(1 if run(*sys.argv[1:4]) else 0)

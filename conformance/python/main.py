"""Drives a running region by IBM's Python SDK: main.py ENVIRONMENT.json SCENARIOS.json [PART OF A NAME]."""

import sys

from cases import (
    accounts,
    catalogue,
    errors,
    groups,
    identity,
    image_story,
    lifecycle,
    lists,
    network,
    sources,
    tagging,
    volumes,
)
from harness import run

# Importing a part adds its cases.
PARTS = [
    accounts,
    catalogue,
    errors,
    groups,
    identity,
    image_story,
    lifecycle,
    lists,
    network,
    sources,
    tagging,
    volumes,
]

if __name__ == "__main__":
    sys.exit(1 if run(*sys.argv[1:4]) else 0)

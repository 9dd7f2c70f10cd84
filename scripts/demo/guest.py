"""What the two guests are told to do, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass

from .console import Console

# Software emulation on two cores: a boot takes some 10 s, a digest of 64 MiB some more.
WORD_SECONDS = 300

_SAYS = (
    'echo "demo {word}: bytes=$(wc -c <data) sha256=$(cut -c 1-64 data.sha256)'
    ' keys=$(grep -c . /root/.ssh/authorized_keys)"'
)

_WRITE = """#!/bin/sh
set -eu
mkdir -p /var/lib/demo
cd /var/lib/demo
dd if=/dev/urandom of=data bs=1M count={mib} 2>/dev/null
sha256sum data >data.sha256
sync
"""

_CHECK = """#!/bin/sh
set -eu
cd /var/lib/demo
sha256sum -c data.sha256
"""


@dataclass(frozen=True)
class Word:
    """What a guest says of its file."""

    bytes: int
    sha256: str
    keys: int


def write(mib: int) -> str:
    """User data that writes random bytes and their digest, and says the digest."""
    return _WRITE.replace("{mib}", str(mib)) + _SAYS.replace("{word}", "wrote") + "\n"


def check() -> str:
    """User data that checks the file against its digest, and says the digest."""
    return _CHECK + _SAYS.replace("{word}", "found") + "\n"


def word(console: Console, verb: str) -> Word:
    """Waits for what the guest says of its file."""
    pattern = rf"demo {verb}: bytes=(\d+) sha256=([0-9a-f]{{64}}) keys=(\d+)"
    found = console.wait_for(f"the guest's word ({verb})", pattern, WORD_SECONDS)
    said = Word(int(found.group(1)), found.group(2), int(found.group(3)))
    print(f"  guest: {verb} {said.bytes} bytes, sha256 {said.sha256}, {said.keys} SSH keys")
    return said

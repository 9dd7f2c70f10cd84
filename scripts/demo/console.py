"""What a guest says on its serial console."""

from __future__ import annotations

import re

from .region import Region
from .waits import Failure, until

READ_BYTES = 65536
TAIL_LINES = 25
REFUSED = re.compile(r"ectype-guest user-data exit=(?!0\b)\S+")
PANIC = re.compile(r"Kernel panic")


class Console:
    """The console of one instance, read from where the last read ended."""

    def __init__(self, region: Region, instance_id: str) -> None:
        self._region = region
        self._path = f"instances/{instance_id}/console_log"
        self._offset = 0
        self.text = ""

    def read(self) -> None:
        """Takes in what was written since."""
        while True:
            part = self._region.extension(self._path, offset=self._offset, limit=READ_BYTES)
            self.text += part["text"]
            moved = part["next_offset"] > self._offset
            self._offset = part["next_offset"]
            if not moved or self._offset >= part["total_bytes"]:
                return

    def wait_for(self, what: str, pattern: str, seconds: float) -> re.Match[str]:
        """The first place where the guest says `pattern`.

        Raises Failure with the last lines of the console when it does not, or when its user data
        or its kernel fails.
        """
        wanted = re.compile(pattern)

        def probe() -> re.Match[str] | None:
            self.read()
            found = wanted.search(self.text)
            if found is None:
                for wrong in (REFUSED, PANIC):
                    if (said := wrong.search(self.text)) is not None:
                        raise Failure(f"{what}: the guest says {said.group(0)!r}")
            return found

        try:
            return until(what, seconds, probe)
        except Failure as failure:
            raise Failure(f"{failure}\n{self.tail()}") from None

    def tail(self) -> str:
        """The last lines, set off from our own words."""
        lines = self.text.splitlines()[-TAIL_LINES:]
        return "\n".join(["the end of its console:", *(f"  | {line}" for line in lines)])

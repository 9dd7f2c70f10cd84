"""Waiting with an end, and comparing with a word about what was compared."""

from __future__ import annotations

import time
from typing import Any, Callable, Optional, TypeVar

T = TypeVar("T")


class Failure(Exception):
    """The demo has not shown what it claims; the text says why."""


def until(what: str, seconds: float, probe: Callable[[], Optional[T]], every: float = 0.2) -> T:
    """Asks again until there is an answer.

    Raises Failure naming `what` once `seconds` have passed.
    """
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found is not None:
            return found
        if time.monotonic() >= end:
            raise Failure(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)


def same(what: str, seen: Any, want: Any) -> None:
    """Raises Failure unless both are equal."""
    if seen != want:
        raise Failure(f"{what} is {seen!r}, not {want!r}")


def holds(what: str, true: bool) -> None:
    """Raises Failure unless it is true."""
    if not true:
        raise Failure(f"not so: {what}")

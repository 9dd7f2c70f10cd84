"""Follows an image from pending to available, with the true bytes of its capture."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from .ledger import size
from .region import Region
from .waits import Failure

CAPTURE_SECONDS = 300
POLL_SECONDS = 0.02
PLAIN_SECONDS = 1.0
BAR_WIDTH = 30


class Bar:
    """One line that is drawn again on a terminal, and plain lines elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._colour = self._terminal and "NO_COLOR" not in os.environ
        self._step = ""
        self._printed = 0.0
        self._width = 0

    def show(self, status: str, p: dict[str, Any]) -> None:
        """Draws it, or prints a line now and then."""
        total = p["chunks_total"]
        part = p["chunks_done"] / total if total else float(p["step"] == "done")
        figures = (
            f"{part:4.0%}  {size(p['bytes_read'])} read, {size(p['bytes_stored'])} stored"
            f", {size(p['bytes_per_second'])}/s"
        )
        if self._terminal:
            full = round(part * BAR_WIDTH)
            done, rest = "#" * full, "." * (BAR_WIDTH - full)
            text = f"  {status:<9} {p['step']:<10} [{done}{rest}] {figures}"
            shown = text
            if self._colour and done:
                shown = text.replace(done, f"\033[32m{done}\033[0m", 1)
            print(f"\r{shown}{' ' * (self._width - len(text))}", end="", flush=True)
            self._width = len(text)
            return
        now = time.monotonic()
        if p["step"] != self._step or now - self._printed >= PLAIN_SECONDS:
            print(f"  {status} {p['step']} {figures}", flush=True)
            self._step, self._printed = p["step"], now

    def end(self) -> None:
        """Leaves the line."""
        if self._terminal and self._width:
            print()


def follow(region: Region, image_id: str) -> dict[str, Any]:
    """The image, once it is available.

    Raises Failure when it fails or takes too long.
    """
    bar = Bar()
    end = time.monotonic() + CAPTURE_SECONDS
    try:
        while True:
            image = region.vpc.get_image(image_id).get_result()
            bar.show(image["status"], region.extension(f"images/{image_id}/progress"))
            if image["status"] == "available":
                return image
            if image["status"] != "pending":
                raise Failure(f"the image is {image['status']}: {image['status_reasons']}")
            if time.monotonic() >= end:
                raise Failure(f"the image is not available within {CAPTURE_SECONDS} s")
            time.sleep(POLL_SECONDS)
    finally:
        bar.end()

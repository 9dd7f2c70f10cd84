"""The demo, step by step: a guest writes, its disk becomes an image, another guest boots it.

Every call is IBM's SDK's, but for the console, the progress and the stored bytes, which are
extensions under `/_ectype/v1`, and the views that `qemu-img` compares.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from . import guest, images, instances, network, progress
from .console import Console
from .ledger import Ledger, Row
from .region import Region
from .waits import same

MIB = 1024 * 1024
CAPTURE_GOAL_SECONDS = 1.5


class Story:
    """What one step leaves for the next."""

    def __init__(self, region: Region, ledger: Ledger, work: Path, mib: int) -> None:
        self._region = region
        self._ledger = ledger
        self._work = work
        self._mib = mib
        self._base: dict[str, Any] = {}

    def tell(self, keep: bool) -> None:
        """All of it.

        Raises Failure at the first thing that differs.
        """
        ground = self._ground()
        first, wrote = self._first_guest(ground)
        volume = self._stopped(first)
        image_id = self._image(ground, volume)
        self._bytes(volume["id"], image_id)
        self._source_gone(first["id"], volume["id"], image_id)
        second = self._second_guest(ground, image_id, wrote)
        if not keep:
            self._image_gone(image_id, second["id"])

    def _ground(self) -> network.Ground:
        with self._ledger.step("token, VPC, subnet, SSH keys, stock image"):
            print(f"  token of {len(self._region.token())} characters")
            ground = network.prepare(self._region, self._work)
            self._base = images.stock(self._region)
        return ground

    def _first_guest(self, ground: network.Ground) -> tuple[dict[str, Any], guest.Word]:
        with self._ledger.step("a guest boots the stock image"):
            first = instances.create(
                self._region, ground, "demo-1", self._base["id"], guest.write(self._mib)
            )
            console = Console(self._region, first["id"])
            instances.wait_for(
                self._region, console, first["id"], "running", instances.RUNNING_SECONDS
            )
            images.refused_while_running(self._region, ground, instances.boot_volume(first))
            console.wait_for("the guest is ready", "ectype-guest ready", guest.WORD_SECONDS)
        with self._ledger.step(f"it writes {self._mib} MiB of random bytes") as row:
            wrote = guest.word(console, "wrote")
            same("what the guest wrote", wrote.bytes, self._mib * MIB)
            same("the SSH keys in the guest", wrote.keys, len(ground.keys))
            row.logical_bytes = wrote.bytes
        return first, wrote

    def _stopped(self, instance: dict[str, Any]) -> dict[str, Any]:
        with self._ledger.step("it is stopped"):
            console = Console(self._region, instance["id"])
            instances.stop(self._region, console, instance["id"])
            volume_id = instances.boot_volume(instance)
            volume = self._region.vpc.get_volume(volume_id).get_result()
            same("the volume's attachment", volume["attachment_state"], "attached")
        return volume

    def _image(self, ground: network.Ground, volume: dict[str, Any]) -> str:
        with self._ledger.step("its boot volume becomes an image") as row:
            began = time.monotonic()
            image_id = images.create(self._region, ground, volume["id"])["id"]
            image = progress.follow(self._region, image_id)
            took = time.monotonic() - began
            row.image_id = image_id
            self._figures(row, image_id, took)
        images.check_system(image, volume, self._base)
        images.check_place(self._region, image)
        images.check_private(self._region, image_id)
        return image_id

    def _figures(self, row: Row, image_id: str, took: float) -> None:
        storage = self._region.extension(f"images/{image_id}/storage")
        row.logical_bytes = storage["logical_bytes"]
        row.stored_bytes = storage["stored_bytes"]
        row.root_id = storage["root_id"]
        met = "met" if took <= CAPTURE_GOAL_SECONDS else "missed"
        goal = f"goal {CAPTURE_GOAL_SECONDS} s: {met}"
        print(f"  {took:.3f} s from POST to available ({goal})")

    def _bytes(self, volume_id: str, image_id: str) -> None:
        with self._ledger.step("volume and image are compared"):
            instances.wait_idle(self._region, volume_id)
            images.compare_bytes(self._region, volume_id, image_id)

    def _source_gone(self, instance_id: str, volume_id: str, image_id: str) -> None:
        with self._ledger.step("instance and volume are deleted"):
            instances.delete_with_volume(self._region, instance_id, volume_id)
            images.check_independent(self._region, image_id)

    def _second_guest(
        self, ground: network.Ground, image_id: str, wrote: guest.Word
    ) -> dict[str, Any]:
        """S2, S5: another instance boots the image and finds the bytes that the first one wrote."""
        with self._ledger.step("another guest boots the image"):
            second = instances.create(self._region, ground, "demo-2", image_id, guest.check())
            console = Console(self._region, second["id"])
            instances.wait_for(
                self._region, console, second["id"], "running", instances.RUNNING_SECONDS
            )
            console.wait_for("the guest is ready", "ectype-guest ready", guest.WORD_SECONDS)
        with self._ledger.step("it finds the same bytes"):
            found = guest.word(console, "found")
            same("what the second guest found", found, wrote)
        return second

    def _image_gone(self, image_id: str, instance_id: str) -> None:
        """S11: the image is deleted while its instance runs on."""
        with self._ledger.step("the image is deleted, its guest runs on"):
            self._region.vpc.delete_image(image_id)
            instances.wait_gone(f"image {image_id}", lambda: self._region.vpc.get_image(image_id))
            instance = self._region.vpc.get_instance(instance_id).get_result()
            same("the status of its instance", instance["status"], "running")

"""Images: the stock one found, one made of a volume, and what must be true of it."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

from ibm_cloud_sdk_core import ApiException
from ibm_vpc.vpc_v1 import ImagesPager

from .network import Ground
from .region import Region
from .waits import Failure, holds, same

NAME = "demo-golden"
COMPARE_SECONDS = 600


def stock(region: Region) -> dict[str, Any]:
    """The public image that instances can be made of."""
    pager = ImagesPager(client=region.vpc, visibility="public", status=["available"])
    images = pager.get_all()
    if not images:
        raise Failure("the region lists no available public image")
    image = images[0]
    print(f"  {image['name']} {image['id']}, {image['operating_system']['display_name']}")
    return image


def create(region: Region, ground: Ground, volume_id: str) -> dict[str, Any]:
    """S1, S4, S19: `POST /images` with the boot volume of an instance, in a resource group."""
    prototype = {
        "name": NAME,
        "resource_group": {"id": ground.group},
        "source_volume": {"id": volume_id},
    }
    image = region.vpc.create_image(prototype).get_result()
    same("its status at first", image["status"], "pending")
    same("its resource group", image["resource_group"]["id"], ground.group)
    return image


def refused_while_running(region: Region, ground: Ground, volume_id: str) -> None:
    """S17: the volume of a running instance makes no image."""
    try:
        create(region, ground, volume_id)
    except ApiException as error:
        same("the status of the refusal", error.status_code, 409)
        refusal = error.http_response.json()["errors"][0]
        same("its code", refusal["code"], "image_source_instance_not_stopped")
        print(f"  refused, as it must be: {refusal['code']}: {refusal['message']}")
        return
    raise Failure("an image was made of the volume of a running instance")


def check_system(image: dict[str, Any], volume: dict[str, Any], base: dict[str, Any]) -> None:
    """S2, S3: operating system and capacity are those of the volume it was made of."""
    system = image["operating_system"]
    same("its operating system", system["name"], volume["operating_system"]["name"])
    same("its operating system", system, base["operating_system"])
    same("its capacity in GB", image["minimum_provisioned_size"], volume["capacity"])
    same("its source", image["source_volume"]["id"], volume["id"])


def check_place(region: Region, image: dict[str, Any]) -> None:
    """S6, S8: it lives in the region of its volume, and its encryption stays the provider's."""
    location = image["crn"].split(":")[5]
    same("the region in its CRN", location, region.name)
    same("its encryption", image["encryption"], "none")


def check_private(region: Region, image_id: str) -> None:
    """S7, S24: it is private to this account; lists by visibility and status have it."""
    image = region.vpc.get_image(image_id).get_result()
    same("its visibility", image["visibility"], "private")
    holds("no other account owns it", "remote" not in image)

    def listed(**filters: Any) -> bool:
        images = ImagesPager(client=region.vpc, **filters).get_all()
        return image_id in [found["id"] for found in images]

    holds("it is listed as private", listed(visibility="private"))
    holds("it is not listed as public", not listed(visibility="public"))
    holds("it is listed as available", listed(status=["available"]))
    holds("it is not listed as deprecated", not listed(status=["deprecated", "obsolete"]))


def compare_bytes(region: Region, volume_id: str, image_id: str) -> None:
    """S2: QEMU reads volume and image from end to end and finds no differing byte."""
    if shutil.which("qemu-img") is None:
        print("  left out: qemu-img is not installed")
        return
    with region.view(volume_id, "--volume") as volume, region.view(image_id) as image:
        line = ["qemu-img", "compare", "-f", "raw", "-F", "raw", volume, image]
        said = subprocess.run(line, capture_output=True, text=True, timeout=COMPARE_SECONDS)
    text = (said.stdout + said.stderr).strip()
    if said.returncode != 0:
        raise Failure(f"qemu-img compare: {text}")
    print(f"  qemu-img compare: {text}")


def check_independent(region: Region, image_id: str) -> None:
    """S11: with its volume gone the image stays, and can be renamed."""
    image = region.vpc.get_image(image_id).get_result()
    same("its status", image["status"], "available")
    holds("its source says that it is deleted", "deleted" in image["source_volume"])
    renamed = region.vpc.update_image(image_id, {"name": f"{NAME}-1"}).get_result()
    same("its new name", renamed["name"], f"{NAME}-1")

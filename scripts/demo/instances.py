"""Instances: made, waited for, stopped, removed."""

from __future__ import annotations

from typing import Any, Callable, Optional

from ibm_cloud_sdk_core import ApiException

from .console import Console
from .network import Ground
from .region import Region
from .waits import Failure, until

# Two CPUs and 4 GiB, of which the host gives what it has.
PROFILE = "cx2-2x4"
RUNNING_SECONDS = 120
STOPPED_SECONDS = 120
IDLE_SECONDS = 60
GONE_SECONDS = 60


def create(region: Region, ground: Ground, name: str, image: str, user_data: str) -> dict[str, Any]:
    """An instance that boots `image`; its boot volume stays when it is deleted."""
    instance = region.vpc.create_instance(
        {
            "name": name,
            "resource_group": {"id": ground.group},
            "vpc": {"id": ground.vpc},
            "zone": {"name": ground.zone},
            "profile": {"name": PROFILE},
            "image": {"id": image},
            "keys": [{"id": key} for key in ground.keys],
            "primary_network_interface": {"subnet": {"id": ground.subnet}},
            "boot_volume_attachment": {
                "delete_volume_on_instance_delete": False,
                "volume": {"name": f"{name}-boot", "profile": {"name": "general-purpose"}},
            },
            "user_data": user_data,
        }
    ).get_result()
    volume = boot_volume(instance)
    print(f"  instance {instance['id']}, boot volume {volume}")
    return instance


def boot_volume(instance: dict[str, Any]) -> str:
    """Id of its boot volume."""
    return instance["boot_volume_attachment"]["volume"]["id"]


def wait_for(
    region: Region, console: Console, instance_id: str, status: str, seconds: float
) -> None:
    """Waits for a status.

    Raises Failure with the end of the console when the instance fails or takes too long.
    """

    def probe() -> Optional[bool]:
        seen = region.vpc.get_instance(instance_id).get_result()
        if seen["status"] == "failed":
            raise Failure(f"instance {instance_id} failed: {seen['status_reasons']}")
        return True if seen["status"] == status else None

    try:
        until(f"instance {instance_id} {status}", seconds, probe)
    except Failure as failure:
        console.read()
        raise Failure(f"{failure}\n{console.tail()}") from None


def stop(region: Region, console: Console, instance_id: str) -> None:
    """Presses the power button, and waits until the guest is off."""
    region.vpc.create_instance_action(instance_id, "stop")
    wait_for(region, console, instance_id, "stopped", STOPPED_SECONDS)


def wait_idle(region: Region, volume_id: str) -> None:
    """Waits until a volume is not busy: after a capture it is put onto the image's root."""

    def probe() -> Optional[bool]:
        return None if region.vpc.get_volume(volume_id).get_result()["busy"] else True

    until(f"volume {volume_id} idle", IDLE_SECONDS, probe)


def wait_gone(what: str, get: Callable[[], Any]) -> None:
    """Waits until a deleted thing is not found."""

    def probe() -> Optional[bool]:
        try:
            get()
        except ApiException as error:
            if error.status_code == 404:
                return True
            raise
        return None

    until(f"{what} gone", GONE_SECONDS, probe)


def delete_with_volume(region: Region, instance_id: str, volume_id: str) -> None:
    """Deletes an instance, then the boot volume that it leaves."""
    region.vpc.delete_instance(instance_id)
    wait_gone(f"instance {instance_id}", lambda: region.vpc.get_instance(instance_id))
    region.vpc.delete_volume(volume_id)
    wait_gone(f"volume {volume_id}", lambda: region.vpc.get_volume(volume_id))

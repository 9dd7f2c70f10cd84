"""What every case has: a region, IBM's clients signed in to it, and a few ways to check.

A case is a function with the decorator `case`; its docstring says what it shows and names the
requirement. Each makes what it needs and leaves nothing that another case could trip over.
"""

import base64
import json
import os
import subprocess
import time
import traceback

from ibm_cloud_sdk_core import ApiException
from ibm_cloud_sdk_core.authenticators import IAMAuthenticator
from ibm_platform_services import (
    GlobalSearchV2,
    GlobalTaggingV1,
    ResourceControllerV2,
    ResourceManagerV2,
)
from ibm_vpc import VpcV1
from ibm_vpc import vpc_v1 as models

CASES = []
WAIT_SECONDS = 60


def case(function):
    """Adds a case."""
    CASES.append(function)
    return function


class Failed(AssertionError):
    """A case that saw something else than it should."""


def same(seen, wanted, what=""):
    """Fails unless both are equal."""
    if seen != wanted:
        raise Failed(f"{what}: saw {seen!r}, wanted {wanted!r}")


def true(condition, what):
    """Fails unless it holds."""
    if not condition:
        raise Failed(what)


def refused(status, code, call, *args, **kwargs):
    """Fails unless the call is refused with this status and IBM's error shape with this code."""
    try:
        result = call(*args, **kwargs).get_result()
    except ApiException as error:
        body = error.http_response.json()
        same((error.status_code, body["errors"][0]["code"]), (status, code), "refusal")
        true(body["trace"] == error.http_response.headers["x-request-id"], "trace is the id")
        return body["errors"][0]
    raise Failed(f"not refused: {result!r}")


class Region:
    """A running region and what the cases share."""

    def __init__(self, environment):
        self.environment = environment
        self.url = environment["ECTYPE_URL"]
        self.api_key = environment["IBMCLOUD_API_KEY"]
        self.name = environment["IBMCLOUD_REGION"]
        self.authenticator = IAMAuthenticator(
            self.api_key, url=environment["IBMCLOUD_IAM_API_ENDPOINT"]
        )
        self.vpc = self.vpc_client()
        self.groups = self.platform(ResourceManagerV2, "RESOURCE_MANAGEMENT")
        self.controller = self.platform(ResourceControllerV2, "RESOURCE_CONTROLLER")
        self.tagging = self.platform(GlobalTaggingV1, "GT")
        self.search = self.platform(GlobalSearchV2, "GS")
        self.zone = f"{self.name}-1"
        self.count = 0
        self._subnet = None

    def vpc_client(self, **options):
        """A client of the VPC API."""
        client = VpcV1(authenticator=self.authenticator, **options)
        client.set_service_url(f"{self.url}/v1")
        return client

    def platform(self, client, service):
        """A client of one of IBM's platform services."""
        made = client(authenticator=self.authenticator)
        made.set_service_url(self.environment[f"IBMCLOUD_{service}_API_ENDPOINT"])
        return made

    def account(self):
        """Id of the account."""
        group = self.groups.list_resource_groups(default=True).get_result()["resources"][0]
        return group["account_id"]

    def another_account(self, name):
        """The same region for the owner of a new account."""
        command = [os.environ["CONFORMANCE_ECTYPE"], "account", "create", name]
        command += ["--data", os.environ["CONFORMANCE_DATA"]]
        made = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return Region({**self.environment, "IBMCLOUD_API_KEY": made["api_key"]})

    def operator(self, *words):
        """Runs a command of the region's operator; what it says as JSON."""
        command = [os.environ["CONFORMANCE_ECTYPE"], *words, "--json"]
        command += ["--data", os.environ["CONFORMANCE_DATA"]]
        said = subprocess.run(command, check=True, capture_output=True).stdout
        return json.loads(said) if said else None

    def get(self, path):
        """A GET outside IBM's API, with the token of its SDK."""
        request = self.vpc.prepare_request("GET", "/")
        request["url"] = self.url + path
        request["params"] = {}
        return self.vpc.send(request).get_result()

    def fresh(self, word):
        """A name that no other case has."""
        self.count += 1
        return f"{word}-{self.count}"

    def public_key(self):
        """A public key that no other case has: ed25519 takes any 32 bytes."""
        blob = b"\0\0\0\x0bssh-ed25519\0\0\0 " + os.urandom(32)
        return f"ssh-ed25519 {base64.b64encode(blob).decode()} {self.fresh('c')}"

    def until(self, read, settled, what):
        """Reads until it is settled."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            seen = read()
            if settled(seen):
                return seen
            if time.monotonic() > end:
                raise Failed(f"{what} did not settle: {seen!r}")
            time.sleep(0.05)

    def gone(self, read, what):
        """Reads until it is 404."""
        def missing():
            try:
                return read().get_result()
            except ApiException as error:
                same(error.status_code, 404, what)
                return None

        self.until(missing, lambda seen: seen is None, what)

    def subnet(self):
        """A subnet that the cases share; instances take its addresses."""
        if self._subnet is None:
            vpc = self.vpc.create_vpc(name=self.fresh("net")).get_result()
            prototype = {
                "vpc": {"id": vpc["id"]},
                "zone": {"name": self.zone},
                "total_ipv4_address_count": 256,
            }
            self._subnet = self.vpc.create_subnet(prototype).get_result()
        return self._subnet

    def stock_image(self):
        """An available public image."""
        images = self.vpc.list_images(visibility="public", status=["available"]).get_result()
        true(images["images"], "there is no available public image")
        return images["images"][0]

    def prototype(self, image, **more):
        """What an instance of `image` takes at least."""
        return {
            "name": self.fresh("vsi"),
            "image": {"id": image},
            "zone": {"name": self.zone},
            "profile": {"name": "bx2-2x8"},
            "primary_network_interface": {"subnet": {"id": self.subnet()["id"]}},
            **more,
        }

    def instance_until(self, instance, status):
        """Waits for a status of an instance."""
        return self.until(
            lambda: self.vpc.get_instance(instance).get_result(),
            lambda seen: seen["status"] == status,
            f"instance to become {status}",
        )

    def running(self, **more):
        """A running instance of the stock image."""
        made = self.vpc.create_instance(self.prototype(self.stock_image()["id"], **more))
        return self.instance_until(made.get_result()["id"], "running")

    def stop(self, instance):
        """Stops an instance and waits until it is stopped."""
        self.vpc.create_instance_action(instance, "stop")
        return self.instance_until(instance, "stopped")

    def stopped(self, **more):
        """A stopped instance, and its boot volume's id."""
        instance = self.stop(self.running(**more)["id"])
        return instance, instance["boot_volume_attachment"]["volume"]["id"]

    def image_until(self, image, status):
        """Waits for a status of an image."""
        return self.until(
            lambda: self.vpc.get_image(image).get_result(),
            lambda seen: seen["status"] == status or seen["status"] == "failed",
            f"image to become {status}",
        )

    def image(self, **more):
        """An available image of a stopped instance, and that instance."""
        instance, volume = self.stopped()
        made = self.vpc.create_image(
            {"name": self.fresh("img"), "source_volume": {"id": volume}, **more}
        ).get_result()
        image = self.image_until(made["id"], "available")
        same(image["status"], "available")
        return image, instance

    def delete_instance(self, instance):
        """Deletes an instance and waits until it is gone."""
        same(self.vpc.delete_instance(instance).get_status_code(), 204)
        self.gone(lambda: self.vpc.get_instance(instance), "instance")


def whole(model, body):
    """Fails unless IBM's own class finds every field it requires, and gives the body back."""
    read = getattr(models, model).from_dict(body)
    true(read.to_dict(), model)
    nulls = [path for path, value in walk(body) if value is None]
    same(nulls, [], f"null fields of {model}")
    return read


def walk(body, path=""):
    """Every value of a body with its path."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield from walk(value, f"{path}.{name}")
    elif isinstance(body, list):
        for place, value in enumerate(body):
            yield from walk(value, f"{path}[{place}]")
    else:
        yield path, body


def run(environment_file, scenarios_file, only=None):
    """Runs the cases; how many failed. A scenario of the list that is no case is a failure."""
    with open(environment_file, encoding="utf-8") as file:
        region = Region(json.load(file))
    with open(scenarios_file, encoding="utf-8") as file:
        wanted = {scenario["name"] for scenario in json.load(file)}
    passed = failed = 0
    for name in sorted(wanted - {function.__name__ for function in CASES}):
        failed += 1
        print(f"FAILED {name}: it is not written in Python")
    for function in CASES:
        name = function.__name__
        if only and only not in name:
            continue
        began = time.monotonic()
        try:
            function(region)
        except Exception:  # a case may fail in any way; the others still run
            failed += 1
            print(f"FAILED {name}: {function.__doc__}")
            traceback.print_exc()
        else:
            passed += 1
            print(f"ok     {name} ({time.monotonic() - began:.2f} s)")
    print(f"{passed} passed, {failed} failed")
    return failed

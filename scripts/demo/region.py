"""IBM's clients, pointed at a region by what `ectype env` says, and our few extensions."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

from ibm_cloud_sdk_core import BaseService
from ibm_cloud_sdk_core.authenticators import IAMAuthenticator
from ibm_platform_services import ResourceManagerV2
from ibm_vpc import VpcV1

from .waits import Failure

HTTP_SECONDS = 30
COMMAND_SECONDS = 60


class Region:
    """A running region."""

    def __init__(self, ectype: Path, data: Path) -> None:
        self._ectype = ectype
        self._data = data
        env: dict[str, str] = json.loads(self.command("env", "--json"))
        self.name = env["IC_REGION"]
        self.authenticator = IAMAuthenticator(
            env["IBMCLOUD_API_KEY"], url=env["IBMCLOUD_IAM_API_ENDPOINT"]
        )
        self.vpc = VpcV1(authenticator=self.authenticator)
        self.vpc.set_service_url(env["IBMCLOUD_IS_NG_API_ENDPOINT"])
        self.groups = ResourceManagerV2(authenticator=self.authenticator)
        self.groups.set_service_url(env["IBMCLOUD_RESOURCE_MANAGEMENT_API_ENDPOINT"])
        self._own = BaseService(
            service_url=env["ECTYPE_URL"] + "/_ectype/v1", authenticator=self.authenticator
        )
        for client in (self.vpc, self.groups, self._own):
            client.set_http_config({"timeout": HTTP_SECONDS})

    def token(self) -> str:
        """An access token for the API key."""
        return self.authenticator.token_manager.get_token()

    def extension(self, path: str, **query: Any) -> dict[str, Any]:
        """The answer of `GET /_ectype/v1/<path>`."""
        request = self._own.prepare_request("GET", f"/{path}", params=query)
        return self._own.send(request).get_result()

    def command(self, *words: str) -> str:
        """What an operator's command prints.

        Raises Failure with what it says when it fails.
        """
        line = [str(self._ectype), *words, "--data", str(self._data)]
        said = subprocess.run(line, capture_output=True, text=True, timeout=COMMAND_SECONDS)
        if said.returncode != 0:
            raise Failure(f"ectype {' '.join(words)}: {said.stderr.strip()}")
        return said.stdout.strip()

    @contextmanager
    def view(self, identifier: str, *flags: str) -> Iterator[str]:
        """The NBD URI of a read-only view, as long as it is needed."""
        uri = self.command("view", "open", identifier, *flags)
        try:
            yield uri
        finally:
            self.command("view", "close", identifier, *flags)

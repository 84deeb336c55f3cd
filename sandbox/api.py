# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of a Kubernetes client as the sandbox itself needs: it starts in no time and depends on nothing."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import tempfile
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

from sandbox.errors import SandboxError

Json = dict[str, t.Any]


class Cluster(t.Protocol):
    """What the demo platform needs of a cluster, whosever it is."""

    def get(self, path: str) -> Json | None: ...

    def send(self, method: str, path: str, body: Json | None = None) -> Json | None: ...

    def watch(self, path: str, seconds: int) -> t.Iterator[Json]: ...


class SandboxApi:
    """The sandbox's own API server, by one of its own kubeconfigs."""

    def __init__(self, kubeconfig: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.url: str = cluster["server"]
        self.context = ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
        )
        # The standard library takes a client certificate from a file only.
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(
                base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"])
            )
            pair.flush()
            self.context.load_cert_chain(pair.name)
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.context)
        )

    def _open(self, method: str, path: str, body: Json | None = None, timeout: float = 30.0) -> t.Any:
        data = None if body is None else json.dumps(body).encode()
        kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": kind, "Accept": "application/json"}, method=method
        )
        return self._opener.open(request, timeout=timeout)

    def get(self, path: str) -> Json | None:
        """None when it does not exist."""
        return self.send("GET", path)

    def send(self, method: str, path: str, body: Json | None = None) -> Json | None:
        """None when it does not exist. PATCH is a server-side apply; add fieldManager and force to the path."""
        try:
            with self._open(method, path, body) as answer:
                found: Json = json.load(answer)
                return found
        except urllib.error.HTTPError as problem:
            if problem.code == 404:
                return None
            text = problem.read().decode(errors="replace")
            with contextlib.suppress(ValueError, KeyError):
                text = json.loads(text)["message"]
            raise SandboxError(f"The API server refused {method} {path}: {problem.code} {text}") from None
        except OSError as problem:
            raise SandboxError(
                f"The API server at {self.url} does not answer {method} {path}: {problem}"
            ) from None

    def watch(self, path: str, seconds: int) -> t.Iterator[Json]:
        """Events until the server ends the watch after `seconds`,
        beginning with one for each object that exists.
        """
        joiner = "&" if "?" in path else "?"
        with self._open(
            "GET", f"{path}{joiner}watch=true&timeoutSeconds={seconds}", timeout=seconds + 10
        ) as answer:
            for line in answer:
                yield json.loads(line)

    def ready(self) -> bool:
        try:
            with self._open("GET", "/readyz", timeout=2.0) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def apply_path(path: str) -> str:
    return f"{path}?fieldManager=sandbox&force=true"

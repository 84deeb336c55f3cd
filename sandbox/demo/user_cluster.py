# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user's own cluster in the sandbox's place: nothing of
Kubernetes is built or started, only the demo is placed in it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import typing as t
from contextlib import contextmanager
from pathlib import Path

import urllib3

from sandbox import health
from sandbox.api import Json
from sandbox.demo.load import Target
from sandbox.errors import SandboxError
from sandbox.settings import Settings


def chosen(settings: Settings, environment: t.Mapping[str, str] = os.environ) -> str | None:
    """The kubeconfig of the user's cluster, or None when there is none or it is the sandbox's own."""
    kubeconfig = environment.get("KUBECONFIG")
    if not kubeconfig or Path(kubeconfig).resolve() == settings.kubeconfig.resolve():
        return None
    return kubeconfig


def registry(environment: t.Mapping[str, str] = os.environ) -> str:
    name = environment.get("REGISTRY", "").rstrip("/")
    if not name:
        raise SandboxError(
            "With a cluster of your own, say where the demo's images go, a registry that both this machine and the cluster reach:"
            " make demo KUBECONFIG=... REGISTRY=registry.example.com/demo"
        )
    return name


class UserCluster:
    """Speaks to any cluster a kubeconfig can describe: its
    logins are the business of the `kubernetes` package.
    """

    def __init__(self, kubeconfig: str) -> None:
        # Slow to load, and the sandbox itself does without.
        import kubernetes

        try:
            self._client = kubernetes.config.new_client_from_config(config_file=kubeconfig)
        except (kubernetes.config.ConfigException, OSError) as problem:
            raise SandboxError(f"KUBECONFIG={kubeconfig} cannot be used: {problem}") from None
        self.server: str = self._client.configuration.host

    def _request(
        self, method: str, path: str, body: Json | None = None, stream_seconds: int | None = None
    ) -> t.Any:
        kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        headers = {"Content-Type": kind, "Accept": "application/json"}
        headers |= {
            login["key"]: login["value"] for login in self._client.configuration.auth_settings().values()
        }
        try:
            return self._client.rest_client.pool_manager.request(
                method, self.server + path, body=None if body is None else json.dumps(body), headers=headers, retries=False,
                preload_content=stream_seconds is None, timeout=30 if stream_seconds is None else stream_seconds + 10,
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as problem:
            raise SandboxError(
                f"The cluster at {self.server} does not answer: {problem}. Try: kubectl cluster-info"
            ) from None

    def get(self, path: str) -> Json | None:
        return self.send("GET", path)

    def send(self, method: str, path: str, body: Json | None = None) -> Json | None:
        answer = self._request(method, path, body)
        if answer.status == 404:
            return None
        found: Json = json.loads(answer.data)
        if answer.status >= 400:
            raise SandboxError(
                f"The cluster at {self.server} refused {method} {path}: {answer.status} {found.get('message', '')}"
            )
        return found

    def watch(self, path: str, seconds: int) -> t.Iterator[Json]:
        joiner = "&" if "?" in path else "?"
        answer = self._request(
            "GET", f"{path}{joiner}watch=true&timeoutSeconds={seconds}", stream_seconds=seconds
        )
        held = b""
        try:
            while part := answer.read1(65536):
                *lines, held = (held + part).split(b"\n")
                for line in lines:
                    yield json.loads(line)
        finally:
            answer.close()


@contextmanager
def gateway_target(
    kubeconfig: str, space: str, environment: t.Mapping[str, str] = os.environ
) -> t.Iterator[Target]:
    """DEMO_URL, or a tunnel by kubectl for as long as the block lasts."""
    if url := environment.get("DEMO_URL"):
        yield Target(url.rstrip("/"))
        return
    kubectl = shutil.which("kubectl")
    if not kubectl:
        raise SandboxError(
            "How is the demo's ingress reached from here? Give DEMO_URL=http://..., or install kubectl for a tunnel to it."
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # A tunnel ends with the pod it leads to; it is opened again at once, but what was under way is lost.
    loop = 'while :; do "$0" --namespace "$1" port-forward --address 127.0.0.1 service/api-gateway "$2":80 || sleep 0.2; done'
    tunnel = subprocess.Popen(
        ["sh", "-c", loop, kubectl, space, str(port)], env={**environment, "KUBECONFIG": kubeconfig},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        health.wait(
            "The tunnel to the demo's gateway",
            lambda: health.answers(f"http://127.0.0.1:{port}/health"),
            30,
            lambda: tunnel.poll() is None,
        )
        yield Target(f"http://127.0.0.1:{port}")
    finally:
        os.killpg(tunnel.pid, 15)
        tunnel.wait()

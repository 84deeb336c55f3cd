# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers of the sandbox, one small file each.

A new one is a subclass of `Component` in a file of its own and one line here.
"""

from __future__ import annotations

from sandbox.components.apiserver import ApiServer
from sandbox.components.base import Component
from sandbox.components.containerd import Containerd
from sandbox.components.controllers import ControllerManager, Scheduler
from sandbox.components.coredns import CoreDns
from sandbox.components.docker import Docker
from sandbox.components.etcd import Etcd
from sandbox.components.forwarder import Forwarder
from sandbox.components.kubelet import Kubelet
from sandbox.components.kubeproxy import KubeProxy
from sandbox.components.kwok import Kwok
from sandbox.components.postgresql import Postgresql
from sandbox.components.prometheus import Prometheus
from sandbox.components.redis import Redis
from sandbox.components.registry import Registry
from sandbox.components.s3 import S3
from sandbox.components.targets import Targets
from sandbox.components.traefik import Traefik
from sandbox.node.sandbox_state import SandboxState

STANDARD: tuple[type[Component], ...] = (
    Etcd, ApiServer, ControllerManager, Scheduler, Containerd, Kubelet, KubeProxy, CoreDns,
    Registry, Docker, Targets, Prometheus, Traefik, Postgresql, Redis, S3, Forwarder,
)  # fmt: skip


def standard(sandbox: SandboxState) -> list[Component]:
    """Those that every sandbox has, and kwok where fake nodes were asked for since it was made."""
    wanted = [*STANDARD, Kwok] if Kwok(sandbox).folder.is_dir() else STANDARD
    return [kind(sandbox) for kind in wanted]

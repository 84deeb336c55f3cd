# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the demo platform lives: in the sandbox, or in a cluster of the user's."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox import health
from sandbox.api import Cluster
from sandbox.build.builder import Builder
from sandbox.demo import images, user_cluster
from sandbox.demo.demo_services import PLATFORM, Image
from sandbox.demo.demo_services import images as all_images
from sandbox.demo.images import Images
from sandbox.demo.load import Target
from sandbox.demo.platform import Platform
from sandbox.errors import SandboxError
from sandbox.node.sandbox_state import SandboxState
from sandbox.settings import Settings


@dataclass(frozen=True)
class DemoTarget:
    settings: Settings
    cluster: Cluster
    images: Images
    space: str
    kubeconfig: str
    programs: Path
    sandbox: SandboxState | None = None  # None: the cluster is the user's

    @property
    def platform(self) -> Platform:
        return Platform(self.cluster, self.space, self.images.registry, self.images.source[:12])

    def place(self, version: str) -> float:
        """Images in the registry, the platform in its namespace,
        and an ingress that answers with this version.
        """
        self.images.publish(all_images())
        took = self.platform.place(version)
        if self.sandbox is not None:
            with self.sandbox.namespaces.network():
                health.wait(
                    "The ingress", lambda: health.answers(f"{self.settings.ingress_url}/api/v1/markets"), 30
                )
        return took

    def publish(self, image: Image) -> str:
        reference = image.reference(self.images.registry)
        return f"{reference}@{self.images.publish([image])[reference]}"

    @contextmanager
    def target(self) -> t.Iterator[Target]:
        """Where load goes, for as long as the block lasts."""
        if self.sandbox is None:
            with user_cluster.gateway_target(self.kubeconfig, self.space) as target:
                yield target
            return
        yield Target(
            self.settings.ingress_url,
            ("nsenter", "--target", str(self.sandbox.namespaces.require()), "--net", "--"),
        )


def in_sandbox(sandbox: SandboxState, space: str = PLATFORM) -> DemoTarget:
    return DemoTarget(
        sandbox.settings,
        sandbox.api,
        images.of_sandbox(sandbox),
        space,
        str(sandbox.settings.kubeconfig),
        sandbox.programs,
        sandbox,
    )


def in_user_cluster(settings: Settings, kubeconfig: str, space: str = PLATFORM) -> DemoTarget:
    registry = user_cluster.registry()
    cluster = user_cluster.UserCluster(kubeconfig)
    programs = Builder(settings).ensure(("exchange", "k6"))
    workplace = settings.state / "user-cluster"
    return DemoTarget(
        settings,
        cluster,
        images.of_user(registry, programs / "exchange", workplace),
        space,
        kubeconfig,
        programs,
    )


def running(settings: Settings, space: str = PLATFORM) -> DemoTarget:
    """The place a command means, without starting anything."""
    if kubeconfig := user_cluster.chosen(settings):
        return in_user_cluster(settings, kubeconfig, space)
    sandbox = SandboxState(settings, Builder(settings).folder)
    if sandbox.namespaces.first is None:
        raise SandboxError("The sandbox does not run. Start it with: make sandbox")
    return in_sandbox(sandbox, space)

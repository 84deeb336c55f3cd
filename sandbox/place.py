# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the demo platform lives: in the sandbox, or in a cluster of the user's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox import health, images, user_cluster
from sandbox.api import Cluster
from sandbox.box import Box
from sandbox.build import Builder
from sandbox.catalogue import PLATFORM, Image
from sandbox.catalogue import images as all_images
from sandbox.errors import SandboxError
from sandbox.images import Images
from sandbox.load import Target
from sandbox.platform import Platform
from sandbox.settings import Settings


@dataclass(frozen=True)
class Place:
    settings: Settings
    cluster: Cluster
    images: Images
    space: str
    kubeconfig: str
    programs: Path
    box: Box | None = None  # None: the cluster is the user's

    @property
    def platform(self) -> Platform:
        return Platform(self.cluster, self.space, self.images.registry, self.images.source[:12])

    def place(self, version: str) -> float:
        """Images in the registry, the platform in its namespace,
        and an ingress that answers with this version.
        """
        self.images.publish(all_images())
        took = self.platform.place(version)
        if self.box is not None:
            with self.box.namespaces.network():
                health.wait(
                    "The ingress", lambda: health.answers(f"{self.settings.ingress_url}/api/v1/markets"), 30
                )
        return took

    def publish(self, image: Image) -> str:
        reference = image.reference(self.images.registry)
        return f"{reference}@{self.images.publish([image])[reference]}"

    @contextmanager
    def target(self) -> Iterator[Target]:
        """Where load goes, for as long as the block lasts."""
        if self.box is None:
            with user_cluster.gateway_target(self.kubeconfig, self.space) as target:
                yield target
            return
        yield Target(
            self.settings.ingress_url,
            ("nsenter", "--target", str(self.box.namespaces.require()), "--net", "--"),
        )


def in_sandbox(box: Box, space: str = PLATFORM) -> Place:
    return Place(
        box.settings, box.api, images.of_sandbox(box), space, str(box.settings.kubeconfig), box.programs, box
    )


def in_user_cluster(settings: Settings, kubeconfig: str, space: str = PLATFORM) -> Place:
    registry = user_cluster.registry()
    cluster = user_cluster.UserCluster(kubeconfig)
    programs = Builder(settings).ensure(("exchange", "k6"))
    workplace = settings.state / "user-cluster"
    return Place(
        settings,
        cluster,
        images.of_user(registry, programs / "exchange", workplace),
        space,
        kubeconfig,
        programs,
    )


def running(settings: Settings, space: str = PLATFORM) -> Place:
    """The place a command means, without starting anything."""
    if kubeconfig := user_cluster.chosen(settings):
        return in_user_cluster(settings, kubeconfig, space)
    box = Box(settings, Builder(settings).folder)
    if box.namespaces.first is None:
        raise SandboxError("The sandbox does not run. Start it with: make sandbox")
    return in_sandbox(box, space)

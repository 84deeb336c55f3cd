# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo platform, load on it, and playbooks against it. There is one platform for all workers, so all of its tests
are in this folder.
"""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest

from sandbox.demo.demo_services import FIRST, VERSIONS
from sandbox.demo.demo_target import DemoTarget
from sandbox.demo.load import FOREVER, Load
from tests.integration.support.playbooks.demo_platform import Playbooks
from tests.integration.support.running_sandbox import LoadFactory, Sandbox


@pytest.fixture
def platform(sandbox: Sandbox) -> DemoTarget:
    """The demo platform as if it had just been placed: version 1.0.0, and nothing of an earlier test."""
    sandbox.demo.place(FIRST)
    return sandbox.demo


@pytest.fixture
def load(platform: DemoTarget) -> LoadFactory:
    """`with load(rate=200) as traffic:` — afterwards `traffic` holds the figures."""

    @contextlib.contextmanager
    def run(rate: int = 200, versions: t.Iterable[str] = ()) -> t.Iterator[dict[str, t.Any]]:
        traffic: dict[str, t.Any] = {}
        with platform.target() as target:
            running = Load(str(platform.programs / "k6"), target, rate, FOREVER, {*VERSIONS, *versions})
            running.start(platform.settings.state)
            try:
                yield traffic
            finally:
                traffic.update(running.stop())

    return run


@pytest.fixture
def playbooks(platform: DemoTarget, sandbox: Sandbox, tmp_path: Path) -> Playbooks:
    return Playbooks(
        sandbox.kubeconfig,
        tmp_path,
        {"DEMO_REGISTRY": platform.images.registry, "DEMO_URL": platform.settings.ingress_url},
    )

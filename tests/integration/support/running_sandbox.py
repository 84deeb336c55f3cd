# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox that the tests run against, and what its fixtures give."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import typing as t
from pathlib import Path

from sandbox.demo.demo_target import DemoTarget
from sandbox.settings import Settings


@dataclasses.dataclass(frozen=True)
class Sandbox:
    """A running sandbox: where everything is."""

    settings: Settings
    demo: DemoTarget

    @property
    def kubeconfig(self) -> Path:
        return Path(self.demo.kubeconfig)

    @property
    def kubectl(self) -> str:
        return str(self.demo.programs / "kubectl")

    @property
    def audit_log(self) -> Path:
        return self.settings.logs / "audit.log"

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command inside the sandbox's network."""
        assert self.demo.sandbox is not None
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": f"{self.demo.programs}:{os.environ['PATH']}",
        }
        inside = ["nsenter", "--target", str(self.demo.sandbox.namespaces.require()), "--net", "--", *command]
        return subprocess.run(
            inside, capture_output=True, text=True, env=environment, check=False, timeout=120
        )


class LoadFactory(t.Protocol):
    def __call__(
        self, rate: int = ..., versions: t.Iterable[str] = ...
    ) -> contextlib.AbstractContextManager[dict[str, t.Any]]:
        """Puts the load on for as long as the block runs."""

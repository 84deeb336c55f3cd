# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases of the demo platform, by the sandbox's inventory."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

from tests.integration.support.playbooks.runner import Outcome, PlaybookRunner, ansible_environment

SERVICES = [
    "auth",
    "user",
    "kyc",
    "wallet",
    "compliance",
    "payment",
    "trading",
    "matching-engine",
    "api-gateway",
]
THREE_SERVICES = ["auth", "wallet", "api-gateway"]


def three_services(**variables: t.Any) -> list[str]:
    """The arguments that make a release of three services, one
    after the other: where nine of them would show nothing more.
    """
    services = [
        {"name": name, "after": THREE_SERVICES[max(0, index - 1) : index]}
        for index, name in enumerate(THREE_SERVICES)
    ]
    return ["-e", json.dumps({"release_services": services, "release_smoke": [], **variables})]


class Playbooks:
    """Playbooks on the sandbox's inventory; reports go to a folder of the test."""

    def __init__(
        self, kubeconfig: Path, folder: Path, environment: t.Mapping[str, str] | None = None
    ) -> None:
        self.reports = folder / "reports"
        self.runner = PlaybookRunner({**ansible_environment(kubeconfig), **(environment or {})})

    @property
    def environment(self) -> dict[str, str]:
        return self.runner.environment

    def arguments(
        self, playbook: str, version: str, *more: str, inventory: str = "inventories/sandbox"
    ) -> list[str]:
        variables = [f"release_version={version}", f"release_report_dir={self.reports}"]
        return [playbook, "-i", inventory, *(part for pair in variables for part in ("-e", pair)), *more]

    def run(self, playbook: str, version: str, *more: str, inventory: str = "inventories/sandbox") -> Outcome:
        return self.runner.run(*self.arguments(playbook, version, *more, inventory=inventory))

    def release(self, version: str, *more: str) -> Outcome:
        return self.run("playbooks/release.yml", version, *more)

    def start(
        self, playbook: str, version: str, *more: str, stdout: int = subprocess.DEVNULL
    ) -> subprocess.Popen[str]:
        return self.runner.start(*self.arguments(playbook, version, *more), stdout=stdout)

    def report(self, version: str) -> str:
        return (self.reports / f"exchange-{version}-sandbox.md").read_text()

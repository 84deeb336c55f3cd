# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phases of the database as a person runs them: playbooks on an inventory."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import typing as t
from pathlib import Path

from tests.integration.support.playbooks import playbook_forkserver


@dataclasses.dataclass(frozen=True)
class Phases:
    """An inventory with one database and, where it is wanted, the sandbox's cluster."""

    folder: Path
    environment: dict[str, str]
    variables: dict[str, t.Any]
    cluster: bool = False

    def run(self, playbook: str, *more: str, **variables: t.Any) -> subprocess.CompletedProcess[str]:
        platform = {
            "release_platform": "exchange",
            "release_version": "2.4.0",
            "release_registry": "registry.example.com",
            "release_services": [{"name": "auth"}],
        }
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        hosts = {
            "databases": {"hosts": {"database": local}},
            "kubernetes": {"hosts": {"sandbox": local} if self.cluster else {}},
        }
        inventory = {"all": {"children": hosts, "vars": {**platform, **self.variables, **variables}}}
        (self.folder / "inventory.json").write_text(json.dumps(inventory))
        command = [
            "ansible-playbook",
            f"runbook.release.{playbook}",
            "-i",
            str(self.folder / "inventory.json"),
            "--diff",
            *more,
        ]
        return playbook_forkserver.run(command, self.environment, timeout=180)


def play(phases: Phases, role: str, **variables: t.Any) -> subprocess.CompletedProcess[str]:
    """A role as a user's own play has it, on a host that is the cluster."""
    given = {
        "release_platform": "exchange",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        **variables,
    }
    (phases.folder / "play.yml").write_text(
        json.dumps(
            [
                {
                    "hosts": "localhost",
                    "connection": "local",
                    "gather_facts": False,
                    "vars": given,
                    "roles": [role],
                }
            ]
        )
    )
    command = ["ansible-playbook", str(phases.folder / "play.yml"), "--diff"]
    return playbook_forkserver.run(command, phases.environment, timeout=120)


def changed(done: subprocess.CompletedProcess[str]) -> int:
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"database\s*: ok=\d+\s+changed=(\d+)", done.stdout)
    assert found
    return int(found[1])

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phases of the database as a person runs them: playbooks on an inventory."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

from tests.integration.support.playbooks.runner import Outcome, PlaybookRunner, local_play


@dataclasses.dataclass(frozen=True)
class Phases:
    """An inventory with one database and, where a test needs it, the sandbox's cluster."""

    folder: Path
    runner: PlaybookRunner
    variables: dict[str, t.Any]
    cluster: bool = False

    def run(self, playbook: str, *more: str, **variables: t.Any) -> Outcome:
        platform = {
            "release_platform": "exchange",
            "release_version": "2.4.0",
            "release_registry": "registry.example.com",
            "release_services": [{"name": "auth"}],
        }
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        hosts = {
            "databases": {"hosts": {"database": local}},
            "release_targets": {
                "children": {"kubernetes": {"hosts": {"sandbox": local} if self.cluster else {}}}
            },
        }
        inventory = self.folder / "inventory.json"
        inventory.write_text(
            json.dumps({"all": {"children": hosts, "vars": {**platform, **self.variables, **variables}}})
        )
        return self.runner.run(
            f"runbook.release.{playbook}", "-i", str(inventory), "--diff", *more, timeout=180
        )

    def run_role(self, role: str, **variables: t.Any) -> Outcome:
        """A role as a user's own play has it, on a host that is the cluster."""
        platform = {
            "release_platform": "exchange",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }
        play = local_play(vars={**platform, **variables}, roles=[role])
        return self.runner.run_play(play, self.folder, "--diff", timeout=120)


def changed(done: Outcome) -> int:
    assert done.rc == 0, done.output
    return done.recap("database")["changed"]

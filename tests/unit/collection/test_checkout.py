# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkout works as it is: its ansible.cfg alone makes the collection found, by path and by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.collection import _docs


def in_checkout(home: Path, *command: str) -> str:
    """Runs a program of Ansible with nothing set that could help it; gives what it said."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    program = Path(sys.executable).with_name(command[0])
    answer = subprocess.run(
        [program, *command[1:]], cwd=_docs.ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.mark.parametrize("playbook", ["playbooks/release.yml", "runbook.release.release"])
def test_the_release_playbook_is_found(playbook: str, tmp_path: Path) -> None:
    said = in_checkout(tmp_path, "ansible-playbook", playbook, "--list-tasks", "-i", "inventories/sandbox")
    assert "runbook.release.preflight : " in said
    assert "runbook.release.finish : " in said


def test_results_are_shown_as_yaml(tmp_path: Path) -> None:
    said = in_checkout(tmp_path, "ansible", "localhost", "-m", "ansible.builtin.debug", "-a", "var=groups")
    assert "groups:\n" in said

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role migrate and its playbook, as a platform with two folders of migrations uses them."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

import pytest

from tests.integration.support.engines.migrations import FIRST
from tests.integration.support.playbooks.runner import Outcome, PlaybookRunner, ansible_environment

PLAY = """
- hosts: databases
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {{name: runbook.release.migrate, tasks_from: {entry}}}
    - keep: {{value: "{{{{ migrate_result.results }}}}", dest: {folder}/results.json}}
"""


class Platform:
    def __init__(self, database: t.Any, folder: Path) -> None:
        self.database, self.folder = database, folder
        for name, text in {
            "shared/1_wallet.sql": FIRST,
            "ledger/1_book.up.sql": "ALTER TABLE wallet ADD COLUMN book bigint;\n",
            "ledger/1_book.down.sql": "ALTER TABLE wallet DROP COLUMN book;\n",
        }.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "release_version": "2.4.0",
            "release_database": database.login,
            "release_migrations": [
                {"src": str(folder / "shared"), "scope": "shared"},
                {"src": str(folder / "ledger"), "scope": "ledger"},
            ],
        }
        (folder / "inventory.json").write_text(
            json.dumps({"databases": {"hosts": {"db-primary": variables}}})
        )

    def play(self, playbook: str, *more: str) -> Outcome:
        runner = PlaybookRunner(ansible_environment())
        return runner.run("-i", str(self.folder / "inventory.json"), playbook, *more, timeout=180)

    def entry(self, entry: str, *more: str) -> list[dict[str, t.Any]]:
        (self.folder / "play.yml").write_text(PLAY.format(entry=entry, folder=self.folder))
        done = self.play(str(self.folder / "play.yml"), *more)
        assert done.rc == 0, done.output
        return t.cast("list[dict[str, t.Any]]", json.loads((self.folder / "results.json").read_text()))


@pytest.fixture
def platform_of_two(database: t.Any, tmp_path: Path) -> Platform:
    return Platform(database, tmp_path)


def test_plan_migrate_again_and_back(platform_of_two: Platform) -> None:
    platform = platform_of_two
    first, _second = platform.entry("plan")[:2]
    assert first["changed"] and platform.database.psql("SELECT to_regclass('wallet') IS NULL") == "t"
    done = platform.play("playbooks/migrate.yml")
    assert (
        done.rc == 0
        and "changed=1" in done.out
        and platform.database.login["login_password"] not in done.output
    )
    assert (
        platform.database.psql("SELECT scope || ' ' || name FROM runbook_release_migrations ORDER BY 1")
        == "ledger 1_book\nshared 1_wallet"
    )
    assert "changed=0" in platform.play("playbooks/migrate.yml").out
    (platform.folder / "shared" / "1_wallet.down.sql").write_text("DROP TABLE wallet;\n")
    back = platform.entry("down", "-e", "migrate_allow_data_loss=true")
    assert [result["reverted"][0]["name"] for result in back] == ["1_book", "1_wallet"]


def test_a_rehearsal_comes_first_where_there_is_a_copy(platform_of_two: Platform) -> None:
    platform, copy = platform_of_two, f"{platform_of_two.database.name}_copy"
    environment = {**os.environ, **platform.database.environment}
    subprocess.run(["createdb", "-T", platform.database.name, copy], env=environment, check=True)
    try:
        (platform.folder / "shared" / "1_wallet.sql").write_text("SELECT nothing;\n")
        done = platform.play("playbooks/migrate.yml", "-e", f"migrate_rehearse_on={copy}")
        assert (
            done.rc != 0 and f"Rehearsal on {copy}: Migration 1_wallet failed: undefined_object" in done.out
        )
        assert (
            platform.database.psql(
                "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            )
            == "0"
        )
    finally:
        subprocess.run(["dropdb", "--force", copy], env=environment, check=True)

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError, ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.supervised import (
    ProgramResult,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.sql import squawk

from ..migrations import Programs, migration


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squawk.shutil, "which", lambda name: f"/bin/{name}")


def told(name: t.Any, line: t.Any, rule: t.Any) -> t.Any:
    return {"file": f"/m/{name}.sql", "line": line, "rule_name": rule, "message": "It is\n bad."}


def test_what_is_found_in_order_with_lines_from_1() -> None:
    programs = Programs(
        ProgramResult(
            1, json.dumps([told("3_c", 4, "renaming-table"), told("1_a", 0, "prefer-text-field")]), ""
        ),
        ProgramResult(0, "", ""),
    )
    found = squawk.lint(
        programs,
        [migration("1_a"), migration("2_b", "VACUUM a"), migration("3_c"), migration("4_d", None)],
        150018,
        ["renaming-table"],
    )
    assert [(one.migration, one.line, one.blocks) for one in found] == [("1_a", 1, False), ("3_c", 5, True)]
    assert str(found[1]) == "3_c, line 5: renaming-table: It is bad."
    (whole, _none), (alone, _nothing) = programs.asked
    assert (
        whole[-2:] == ["/m/1_a.sql", "/m/3_c.sql"]
        and "--assume-in-transaction" in whole
        and "--pg-version=15.0" in whole
    )
    assert alone[-1] == "/m/2_b.sql" and "--assume-in-transaction" not in alone


def test_a_rule_that_squawk_does_not_have_blocks_nothing_and_is_refused() -> None:
    programs = Programs(
        ProgramResult(0, "", ""),
        ProgramResult(
            2,
            "",
            "error: invalid value 'ban-drop-tabel' for '--include <rule>': invalid rule name ban-drop-tabel",
        ),
    )
    squawk.lint(programs, [migration("1_a")], 150000, ["ban-drop-table", "require-table-schema"])
    assert "--include=require-table-schema" in programs.asked[0][0]
    with pytest.raises(
        InputError, match=r"lint_block: found ban-drop-tabel \(did you mean ban-drop-table\?\)"
    ):
        squawk.lint(programs, [migration("1_a")], 150000, ["ban-drop-tabel"])


def test_a_linter_that_does_not_work_is_no_clean_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReleaseError, match="squawk did not run"):
        squawk.lint(Programs(ProgramResult(127, "", "squawk: cannot")), [migration("1_a")], 150000, [])
    with pytest.raises(ReleaseError, match="did not answer with JSON"):
        squawk.lint(Programs(ProgramResult(0, "hello", "")), [migration("1_a")], 150000, [])
    monkeypatch.setattr(squawk.shutil, "which", lambda name: None)
    monkeypatch.setattr(squawk.sys, "executable", "/nowhere/python")
    with pytest.raises(ReleaseError, match="is missing where this task runs"):
        squawk.lint(Programs(), [migration("1_a")], 150000, [])

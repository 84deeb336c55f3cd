# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.attempts import (
    MigrationRun,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.supervised import (
    ProgramResult,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.rehearsal.on_copy import (
    proven_way_back,
    reclassified,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.rehearsal.rehearse import (
    Rehearsal,
    difference,
    rehearse,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.sql import classify

from ..migrations import context, migration


class Copy:
    """A database whose schema is a list of lines, and the attempts that change it."""

    def __init__(self, *schema: t.Any) -> None:
        self.schema, self.ran = list(schema), list[tuple[str, str]]()

    def run(
        self, arguments: t.Any, environment: t.Any = None, folder: t.Any = None, seconds: t.Any = None
    ) -> t.Any:
        if isinstance(arguments, list):
            assert (
                "--exclude-table=runbook_release_migrations" in arguments
                and "--exclude-table=migrations" in arguments
            )
            return ProgramResult(
                0,
                "\n".join(
                    ["-- a remark", "\\restrict abc", "", *self.schema, f"\\unrestrict {len(self.ran)}"]
                ),
                "",
            )
        self.ran.append((arguments.name, environment))
        exec((arguments.up if environment == "up" else arguments.down) or "", {"schema": self.schema})
        return MigrationRun(arguments.name, 0.5, 1)


def rehearsed(copy: t.Any, *steps: t.Any) -> t.Any:
    login = types.SimpleNamespace(environment=lambda: {})
    work: t.Any = types.SimpleNamespace(
        tools=copy, context=context(), login_here=lambda transaction: login, left=lambda: 60.0
    )
    return rehearse(copy, work, steps, ["migrations"])


def test_up_in_order_and_back_in_reverse_with_the_schema_of_each() -> None:
    copy = Copy("a")
    found = rehearsed(
        copy,
        migration("1", "schema.append('b')", "schema.remove('b')"),
        migration("2", "schema.append('c')", "schema.remove('c')"),
    )
    assert copy.ran == [
        ("1", "up"),
        ("2", "up"),
        ("2", "down"),
        ("1", "down"),
        ("1", "up"),
        ("2", "up"),
    ] and copy.schema == ["a", "b", "c"]
    assert [one.restored for one in found] == [True, True]
    assert found[0].as_result() == {
        "name": "1",
        "up_milliseconds": 500,
        "down_milliseconds": 500,
        "schema_restored": True,
        "difference": [],
    }


def test_a_way_down_that_leads_elsewhere_ends_it() -> None:
    copy = Copy("a")
    found = rehearsed(
        copy,
        migration("1", "schema.append('b')", "schema.remove('b')"),
        migration("2", "schema.append('c')", "schema[-1] = 'd'"),
    )
    assert copy.ran == [("1", "up"), ("2", "up"), ("2", "down")]
    assert (
        [one.restored for one in found] == [False, False]
        and "+d" in found[1].difference
        and found[0].as_result()["schema_restored"] is None
    )


def test_what_comes_before_one_without_a_way_down_cannot_go_back() -> None:
    copy = Copy("a")
    found = rehearsed(copy, migration("1", "", ""), migration("2", "", None), migration("3", "", ""))
    assert copy.ran[3:] == [("3", "down"), ("3", "up")] and [one.down is not None for one in found] == [
        False,
        False,
        True,
    ]
    assert found[0].as_result()["schema_restored"] is None


def test_a_dump_that_fails_is_no_empty_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Copy()
    failed = ProgramResult(1, "", "pg_dump: error: server version mismatch")
    monkeypatch.setattr(copy, "run", lambda *given: failed)
    with pytest.raises(ReleaseError, match="could not be read"):
        rehearsed(copy, migration("1"))


def test_a_way_down_counts_when_it_was_seen_to_lead_back() -> None:
    classes = [classify.Class("1", "contract", ("because",), True)]
    ran = MigrationRun("1", 0.1, 1)
    assert proven_way_back(classes, [Rehearsal(ran, ran)])[0] == "down"
    way, reasons = proven_way_back(classes, [Rehearsal(ran, ran, ["+x"])])
    assert way == "restore" and reasons[-1] == "1: its way down does not restore the schema"


def test_what_a_program_does_is_known_once_it_was_seen() -> None:
    ran = MigrationRun("1", 0.1, 1, ["ALTER TABLE a ADD b int", 'ALTER TABLE "a" RENAME "b" TO "c"'])
    (one, other) = reclassified(
        [classify.of("1", None, True), classify.Class("2", "data", (), True)],
        [Rehearsal(ran), Rehearsal(ran)],
    )
    assert (one.kind, one.reasons, other.kind) == (
        "contract",
        ("line 2: renames what the old release uses",),
        "data",
    )
    assert (
        reclassified([classify.of("1", None, True)], [Rehearsal(MigrationRun("1", 0.1, 1, []))])[0].kind
        == "unknown"
    )


def test_a_long_difference_is_cut() -> None:
    assert difference([], [str(number) for number in range(50)])[-1].endswith(" more lines")

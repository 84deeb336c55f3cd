# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.engines.base import (
    DOWN,
    UP,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.engines.flyway import (
    FlywayEngine,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.ledger import Ledger
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.supervised import (
    ProgramResult,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.session import DatabaseError

from ..migrations import Programs, Rows, options, work


@pytest.fixture
def src(tmp_path: Path) -> t.Any:
    for name in ("V1__a", "V1.1__b", "V2__c", "V10__d", "U2__c"):
        (tmp_path / f"{name}.sql").write_text("SELECT 1")
    return tmp_path


def engine(src: t.Any) -> t.Any:
    return FlywayEngine(options(src=str(src)), Ledger("flyway"))


def test_versions_are_numbers(src: t.Any) -> None:
    assert [(one.name, one.reversible) for one in engine(src).files()] == [
        ("V1__a", False),
        ("V1.1__b", False),
        ("V2__c", True),
        ("V10__d", False),
    ]
    (src / "R__views.sql").write_text("SELECT 1")
    with pytest.raises(InputError) as told:
        engine(src).files()
    assert told.value.why == ["R__views.sql: is repeatable; Flyway would run it at a time of its own"]


def test_its_history(src: t.Any) -> None:
    baseline = ("1.1", "BASELINE", "<< Flyway Baseline >>", True)
    done, undone = ("2", "SQL", "V2__c.sql", True), ("2", "UNDO_SQL", "U2__c.sql", True)
    assert engine(src).applied(Rows(baseline, done)) == ["V1__a", "V1.1__b", "V2__c"]
    assert engine(src).applied(Rows(baseline, done, undone, (None, "SCHEMA", "public", True))) == [
        "V1__a",
        "V1.1__b",
    ]
    assert engine(src).applied(
        Rows(("3", "SQL", "V3__gone.sql", True), ("4", "SQL", "V4__failed.sql", False))
    ) == ["V3__gone"]
    assert engine(src).problems(Rows(("V4__failed.sql",)))[0].startswith("V4__failed.sql: has failed")


def test_how_it_is_called(src: t.Any) -> None:
    made, programs = engine(src), Programs(ProgramResult(0, "", ""), ProgramResult(0, "", ""))
    made.run(work(programs, Rows()), made.files()[1], UP)
    made.run(work(programs), made.files()[2], DOWN)
    (up, environment), (down, _environment) = programs.asked
    assert up == ["flyway", "-outputType=json", "-target=1.1", "migrate"] and down == [
        "flyway",
        "-outputType=json",
        "-target=2",
        "undo",
    ]
    assert environment["FLYWAY_PASSWORD"] == "s3cret-s3cret" and "s3cret" not in environment["FLYWAY_URL"]
    assert (
        environment["FLYWAY_URL"].startswith("jdbc:postgresql://db:5432/shop?")
        and "lock_timeout%3D500" in environment["FLYWAY_URL"]
    )


# As Flyway 11.14.1 wrote it, but for most of the stack traces.
FAILED = r"""{
  "timestamp" : "2026-11-22T03:27:27.337496969",
  "operation" : "migrate",
  "success" : false,
  "error" : {
    "errorCode" : "FAILED_VERSIONED_MIGRATION",
    "sqlState" : "42701",
    "message" : "Failed to execute script V2__c.sql\n----------\nSQL State  : 42701\nError Code : 0\nMessage    : ERROR: column \"id\" exists already\n",
    "cause" : {"message" : "ERROR: column \"id\" exists already", "stackTrace" : "org.postgresql.util.PSQLException: ERROR\n\tat org.postgresql"}
  }
}"""


def test_a_failure_is_told_by_its_message_and_without_stack_traces(src: t.Any) -> None:
    made = engine(src)
    with pytest.raises(DatabaseError) as told:  # 0 is what it ended with
        made.run(
            work(Programs(ProgramResult(0, f"WARNING: a line before\n{FAILED}\nand one behind", "")), Rows()),
            made.files()[2],
            UP,
        )
    assert told.value.sqlstate == "42701"
    assert told.value.why == [
        "Failed to execute script V2__c.sql",
        "SQL State  : 42701",
        "Error Code : 0",
        'Message    : ERROR: column "id" exists already',
    ]
    with pytest.raises(DatabaseError) as told:
        made.run(work(Programs(ProgramResult(1, "", "{ no document")), Rows()), made.files()[2], UP)
    assert told.value.why == ["{ no document"]


def test_in_a_schema_that_holds_nothing_but_our_ledger_it_begins_at_zero(src: t.Any) -> None:
    made, programs = engine(src), Programs(ProgramResult(0, "", ""))
    made.run(work(programs, Rows((True,))), made.files()[0], UP)
    assert programs.asked[0][0] == [
        "flyway",
        "-outputType=json",
        "-target=1",
        "-baselineOnMigrate=true",
        "-baselineVersion=0",
        "migrate",
    ]

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.program_errors import (
    error,
    sqlstate,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.supervised import (
    ProgramResult,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.session import Unreachable


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (
            'psql:deploy/a.sql:3: ERROR:  42P07: relation "a" already exists\nLOCATION:  heap_create_with_catalog, heap.c:1150',
            "42P07",
        ),
        ('{"error": {"errorCode": "FAULT", "sqlState": "55P03", "sqlErrorCode": 0}}', "55P03"),
        ("SQL State  : 23505\nError Code : 0", "23505"),
        ('error: migration failed: relation "a" already exists (SQLSTATE 42P07)', "42P07"),
        (
            "error: migration failed in line 0: (details: pq: canceling statement due to lock timeout)",
            "55P03",
        ),
        ("error: pq: deadlock detected", "40P01"),
        ('ERROR:  relation "ABCDE" does not exist', ""),
        ("nothing of the kind", ""),
    ],
)
def test_the_code_is_found_where_there_is_one(said: t.Any, code: t.Any) -> None:
    assert sqlstate(said) == code


def test_a_lost_connection_is_told_from_a_refusal() -> None:
    lost = error(
        "sqitch", ProgramResult(2, "", "connection to server at 127.0.0.1 failed: Connection refused")
    )
    assert isinstance(lost, Unreachable) and lost.what == "sqitch ended with exit code 2."
    assert not isinstance(
        error("node", ProgramResult(1, "", "getaddrinfo ENOTFOUND db.exmaple.com")), Unreachable
    )  # waiting does not mend a name
    plain = error("migrate", ProgramResult(1, "out\n", "\n".join(f"line {number}" for number in range(40))))
    assert (
        not isinstance(plain, Unreachable)
        and plain.why[0] == "line 29"
        and plain.why[-1] == "out"
        and len(plain.why) == 12
    )

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
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.engines.sqitch import (
    SqitchEngine,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.ledger import Ledger
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.supervised import (
    ProgramResult,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.session import DatabaseError

from ..migrations import Programs, Rows, options, work

PLAN = """%syntax-version=1.0.0
%project=shop
%uri=https://example.com/

# a remark
users 2026-11-21T20:15:24Z a <a@b> # x
limits [users] 2026-11-21T20:15:24Z a <a@b> # y
@v1 2026-11-21T20:15:24Z a <a@b> # tag
"""


@pytest.fixture
def project(tmp_path: Path) -> t.Any:
    for way in ("deploy", "revert"):
        (tmp_path / way).mkdir()
        for name in ("users", "limits"):
            (tmp_path / way / f"{name}.sql").write_text(f"BEGIN; SELECT '{way}'; COMMIT;")
    (tmp_path / "revert" / "users.sql").unlink()
    (tmp_path / "sqitch.plan").write_text(PLAN)
    return tmp_path


def engine(src: t.Any, **params: t.Any) -> t.Any:
    made = SqitchEngine(options(src=str(src), **params), Ledger("sqitch"))
    return made, made.files()


def test_the_order_is_that_of_its_plan(project: t.Any) -> None:
    _engine, found = engine(project)
    assert [(one.name, one.reversible) for one in found] == [("users", False), ("limits", True)] and found[
        0
    ].order < found[1].order
    (project / "deploy" / "limits.sql").write_text("\\set x 1\nSELECT :x;")
    assert engine(project)[1][1].up is None
    (project / "sqitch.plan").write_text(PLAN + "users [users@v1] 2026-11-22T20:15:24Z a <a@b> # again\n")
    with pytest.raises(InputError) as told:
        engine(project)
    assert told.value.why == ["users: is reworked; such a plan has to be deployed by sqitch itself"]


def test_how_it_is_called(project: t.Any) -> None:
    made, (_users, limits) = engine(project)
    programs = Programs(ProgramResult(0, "", ""), ProgramResult(0, "", ""), ProgramResult(0, "", ""))
    made.run(work(programs), limits, UP)
    made.run(work(programs, Rows(("users",), ("limits",))), limits, DOWN)
    made.run(work(programs, Rows(("limits",))), limits, DOWN)
    up, down, last = (arguments for arguments, _environment in programs.asked)
    assert (
        up[:2] == ["sqitch", "deploy"]
        and up[up.index("--to-change") + 1] == "limits"
        and "VERBOSITY=verbose" in up
    )
    assert (
        down[1] == "revert" and down[down.index("--to-change") + 1] == "users" and "--to-change" not in last
    )
    assert "s3cret" not in str([up, down, last]) and programs.asked[0][1]["PGPASSWORD"] == "s3cret-s3cret"


def test_what_it_says_of_a_failure(project: t.Any) -> None:
    made, (users, _limits) = engine(project)
    with pytest.raises(DatabaseError) as told:
        made.run(
            work(
                Programs(
                    ProgramResult(
                        2,
                        "",
                        'psql:deploy/users.sql:1: ERROR:  42P07: relation "users" already exists\nDeploy failed',
                    )
                )
            ),
            users,
            UP,
        )
    assert told.value.sqlstate == "42P07" and told.value.why[-1] == "Deploy failed"

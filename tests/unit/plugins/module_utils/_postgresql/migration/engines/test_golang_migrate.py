# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.engines.base import (
    DOWN,
    UP,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.engines.golang_migrate import (
    GolangMigrateEngine,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.ledger import Ledger
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.supervised import (
    ProgramResult,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.session import DatabaseError

from ..migrations import Programs, Rows, options, work


@pytest.fixture
def engine(tmp_path: Path) -> t.Any:
    for name in ("1_a", "2_b", "3_c"):
        (tmp_path / f"{name}.up.sql").write_text("VACUUM a" if name == "3_c" else "SELECT 1")
        (tmp_path / f"{name}.down.sql").write_text("SELECT 1")
    return GolangMigrateEngine(options(src=str(tmp_path)), Ledger("golang_migrate"))


def test_one_row_stands_for_all_before_it(engine: t.Any) -> None:
    assert (
        engine.applied(Rows()) == []
        and engine.applied(Rows((2, False))) == ["1_a", "2_b"]
        and engine.applied(Rows((2, True))) == ["1_a"]
    )
    assert engine.problems(Rows((2, False))) == [] and engine.problems(Rows((2, True)))[0].startswith(
        "version 2: is dirty"
    )


def test_the_password_is_not_in_the_address(engine: t.Any) -> None:
    programs = Programs(ProgramResult(0, "", ""))
    engine.run(work(programs, Rows()), engine.files()[0], UP)
    ((arguments, environment),) = programs.asked
    assert (
        arguments[-2:] == ["up", "1"]
        and arguments[4]
        == "postgres://release@db:5432/shop?x-migrations-table=schema_migrations&sslmode=disable"
    )
    assert environment["PGPASSWORD"] == "s3cret-s3cret" and "lock_timeout=500" in environment["PGOPTIONS"]
    assert "tcp_keepalives_idle=20" in environment["PGOPTIONS"]


@pytest.mark.parametrize(
    ("index", "direction", "dirty", "forced"),
    [(1, UP, 2, "1"), (0, UP, 1, "-1"), (1, DOWN, 1, "2"), (2, UP, 3, None)],
)
def test_what_was_rolled_back_is_marked_so(
    engine: t.Any, index: t.Any, direction: t.Any, dirty: t.Any, forced: t.Any
) -> None:
    """But for a file that runs without a transaction: nobody knows how far it came."""
    programs = Programs(
        ProgramResult(
            1, "", "error: migration failed (details: pq: canceling statement due to lock timeout)"
        ),
        ProgramResult(0, "", ""),
    )
    with pytest.raises(DatabaseError) as told:
        engine.run(work(programs, Rows((dirty, True))), engine.files()[index], direction)
    assert told.value.sqlstate == "55P03"
    assert [arguments[-3:] for arguments, _environment in programs.asked[1:]] == (
        [["force", "--", forced]] if forced else []
    )


def test_an_answer_that_was_lost_is_no_sign_that_it_was_rolled_back(engine: t.Any) -> None:
    programs = Programs(ProgramResult(1, "", "error: migration failed: read tcp 10.0.0.1:5432: ECONNRESET"))
    with pytest.raises(DatabaseError):
        engine.run(work(programs, Rows((2, True))), engine.files()[1], UP)
    assert len(programs.asked) == 1


@pytest.mark.parametrize(("code", "forced"), [(0, []), (None, []), (1, ["1"])])
def test_a_failure_that_nobody_has_seen_is_made_up_for(engine: t.Any, code: t.Any, forced: t.Any) -> None:
    programs = Programs(ProgramResult(0, "", ""))
    engine.recover(
        work(programs, Rows((2, True))),
        engine.files()[1],
        UP,
        ProgramResult(code, "", "error: migration failed: division by zero"),
    )
    assert [arguments[-1] for arguments, _environment in programs.asked] == forced


@pytest.mark.parametrize(
    ("given", "tls", "mode"),
    [("", True, "require"), ("prefer", False, "disable"), ("verify-full", False, "verify-full")],
)
def test_tls_is_as_libpq_would_have_it(
    engine: t.Any, given: t.Any, tls: t.Any, mode: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Programs(ProgramResult(0, "", ""))
    monkeypatch.setenv("PGSSLMODE", given)
    engine.run(work(programs, Rows((1, False)) if tls else Rows()), engine.files()[0], UP)
    assert programs.asked[0][0][4].endswith(f"&sslmode={mode}")

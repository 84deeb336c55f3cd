# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import (
    Conflict,
    InputError,
    ReleaseError,
)
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._postgresql.login import Login
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest import (
    backup as operation,
)

from .backrest import GIVEN, NOW, PgBackRestPrograms, backup, of, segment

PARAMS = {**GIVEN, "type": "diff", "release": None, "reuse_within": 0}
OF_RELEASE = {"release": "2.4.0", "restore-point": "pre_2.4.0"}


class Server:
    login = Login({})

    def __init__(self, programs: t.Any, standby: bool = False) -> None:
        self.programs, self.standby, self.points = programs, standby, list[str]()

    @contextlib.contextmanager
    def session(self, database: str = "", *, options: t.Any = None, name: str = "") -> t.Iterator[t.Any]:
        yield self

    def value(self, sql: t.Any, parameters: t.Any = ()) -> t.Any:
        return self.standby

    def rows(self, sql: t.Any, parameters: t.Any = ()) -> t.Any:
        self.points += parameters
        self.programs.ran.append("restore point")
        return [("0/7000028", segment(7), 16777216)]


def taken(programs: t.Any, check_mode: bool = False, standby: bool = False, **given: t.Any) -> t.Any:
    context = Context({**PARAMS, **given}, check_mode, clock=Clock(wall=lambda: float(NOW)))
    server = Server(programs, standby)
    return operation.run(operation.Ports(server, of(programs, context)), context), server


def did(programs: t.Any) -> t.Any:
    return [line for line in programs.ran if not line.startswith(("info", "repo-ls"))]


def test_the_restore_point_comes_after_the_backup_and_its_wal_before_the_mark() -> None:
    programs = PgBackRestPrograms(segments=[segment(7)], code=2, message="no valid backups")
    result, server = taken(programs, release="2.4.0")
    assert did(programs) == [
        "check",
        "backup --type=diff --annotation=release=2.4.0",
        "restore point",
        "check",
        "annotate --set=20261121-000001D --annotation=restore-point=pre_2.4.0",
    ]
    assert (
        result.changed
        and server.points == ["pre_2.4.0"]
        and result.values["backup"]["restore_point"] == "pre_2.4.0"
    )


def test_without_a_release_nothing_is_asked_of_the_server() -> None:
    programs = PgBackRestPrograms(segments=[segment(7)])
    result, server = taken(programs)
    assert (
        did(programs) == ["check", "backup --type=diff"]
        and server.points == []
        and result.values["restore_point"] is None
    )


@pytest.mark.parametrize(
    ("there", "given", "made"),
    [
        (backup(1, "full"), {}, []),
        (backup(1, "incr"), {}, ["check", "backup --type=diff"]),
        (backup(1, "full", error=True), {}, ["check", "backup --type=diff"]),
        (backup(1, "full", age=601), {}, ["check", "backup --type=diff"]),
        (backup(1, "full", annotation=OF_RELEASE), {"release": "2.4.0"}, []),
        # A run that was killed between the backup and the point.
        (
            backup(1, "full", annotation={"release": "2.4.0"}),
            {"release": "2.4.0"},
            [
                "restore point",
                "check",
                "annotate --set=20261121-000001F --annotation=restore-point=pre_2.4.0",
            ],
        ),
    ],
)
def test_what_is_there_already_is_not_made_again(there: t.Any, given: t.Any, made: t.Any) -> None:
    programs = PgBackRestPrograms(there, segments=[segment(7)])
    result, server = taken(programs, reuse_within=600, **given)
    assert did(programs) == made and result.changed == bool(made)


def test_check_mode_only_looks() -> None:
    programs = PgBackRestPrograms(segments=[segment(7)])
    result, server = taken(programs, check_mode=True, release="2.4.0")
    assert (
        result.changed
        and did(programs) == []
        and result.after == {"backup": "a new one (diff)", "restore_point": "pre_2.4.0"}
    )


def test_a_point_whose_wal_does_not_come_is_no_point() -> None:
    with pytest.raises(
        ReleaseError,
        match=r"segment 000000010000000000000007 with the restore point pre_2.4.0 is not in the repository",
    ):
        taken(PgBackRestPrograms(segments=[segment(6)]), release="2.4.0")


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(InputError, match="found a standby"):
        taken(PgBackRestPrograms(segments=[segment(7)]), standby=True, release="2.4.0")
    with pytest.raises(InputError, match="release: found a b"):
        taken(PgBackRestPrograms(), release="a b")
    with pytest.raises(ReleaseError, match="not usable: missing stanza path"):
        taken(PgBackRestPrograms(code=1, message="missing stanza path"))
    programs = PgBackRestPrograms()
    programs.fails["backup"] = 50
    with pytest.raises(Conflict):
        taken(programs)

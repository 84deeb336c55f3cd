# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.attempts import (
    Attempts,
    Reconnect,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.engines.base import (
    DOWN,
    UP,
    MigrationContext,
    TooLong,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.session import (
    DatabaseError,
    Unreachable,
)

from .migrations import Programs, Server, context, limits, migration

LOCKED = DatabaseError("canceling statement due to lock timeout", "55P03")


class Engine:
    """Ends each run as told; calls applied what it was told
    to, and what has run well unless it keeps no table.
    """

    keeps_ledger = False

    def __init__(self, *endings: t.Any, applied: t.Any = (), keeps: bool = True) -> None:
        self.endings, self.names, self.keeps = list(endings), list(applied), keeps

    def run(self, work: t.Any, one: t.Any, direction: t.Any) -> t.Any:
        ending = self.endings.pop(0)
        if isinstance(ending, Exception):
            raise ending
        if self.keeps:
            (self.names.append if direction == UP else self.names.remove)(one.name)
        return ending

    def applied(self, session: t.Any) -> t.Any:
        return self.names


class Session:
    def __init__(self) -> None:
        self.ended: list[t.Any] = []

    def rows(self, sql: t.Any, parameters: t.Any = ()) -> t.Any:
        return [(4242,)] if "starts_with" in sql and not self.ended else []

    def execute(self, sql: t.Any, parameters: t.Any = ()) -> None:
        self.ended += parameters

    def value(self, sql: t.Any, parameters: t.Any = ()) -> t.Any:
        return 1


class Gone(Session):
    def value(self, sql: t.Any, parameters: t.Any = ()) -> None:
        raise Unreachable("gone as well")


class Elsewhere(Programs):
    def login(self, login: t.Any) -> t.Any:
        return login.having(host="10.0.0.9")


def attempts(
    engine: t.Any,
    lines: t.Any = None,
    left: float = 1000.0,
    session: t.Any = None,
    programs: t.Any = None,
    **params: t.Any,
) -> t.Any:
    server = Server(session)
    lock: t.Any = session or Session()
    where: t.Any = programs or Programs()
    return Attempts(
        engine,
        MigrationContext(
            server,
            where,
            context(lines),
            "runbook.release migrating",
            lambda: left,
            150000,
            limits(**params),
        ),
        lock,
        jitter=lambda: 0.5,
    )


def test_a_lock_timeout_is_tried_again_and_told() -> None:
    lines: list[str] = []
    ran = attempts(Engine(LOCKED, LOCKED, ["SELECT 1"]), lines).run(migration("1_a"), UP)
    assert (ran.name, ran.attempts, ran.statements) == ("1_a", 3, ["SELECT 1"])
    assert lines == ["1_a: lock_timeout; attempt 2 in 0.5 s", "1_a: lock_timeout; attempt 3 in 1.0 s"]


def test_it_ends_with_its_window_and_what_to_do() -> None:
    with pytest.raises(ReleaseError) as told:
        attempts(Engine(*[LOCKED] * 99), retry_window=20).run(migration("1_a"), UP)
    assert (
        told.value.what == "Migration 1_a failed: lock_timeout (SQLSTATE 55P03)."
        and "tried 6 times within 16 s" in told.value.why
    )
    assert told.value.details == {
        "migration": "1_a",
        "sqlstate": "55P03",
        "reaction": "retry",
        "error_class": "lock_timeout",
    }
    assert "longer retry_window" in told.value.then


@pytest.mark.parametrize("code", ["23505", "57014", "42P07", ""])
def test_all_else_stops_at_once(code: t.Any) -> None:
    engine = Engine(DatabaseError("no", code), 1)
    with pytest.raises(ReleaseError) as told:
        attempts(engine).run(migration("1_a"), DOWN)
    assert (
        told.value.what.startswith("The way down of migration 1_a failed: ")
        and told.value.details["reaction"] == "stop"
        and len(engine.endings) == 1
    )


@pytest.mark.parametrize(
    "error", [Unreachable("gone"), Unreachable("shutting down", "57P01"), DatabaseError("too many", "53300")]
)
def test_what_is_lost_begins_anew_elsewhere(error: t.Any) -> None:
    with pytest.raises(Reconnect) as told:
        attempts(Engine(error, 1)).run(migration("1_a"), UP)
    assert told.value.failure.details["reaction"] == "reconnect"


@pytest.mark.parametrize(
    ("programs", "session", "error", "astray"),
    [
        (Elsewhere(), Session(), Unreachable("refused"), True),
        (Elsewhere(), Session(), DatabaseError("refused", "08001"), True),
        (Elsewhere(), Gone(), Unreachable("refused"), False),
        (Elsewhere(), Session(), DatabaseError("too many", "53300"), False),
        (Programs(), Session(), Unreachable("refused"), False),
    ],
)
def test_a_program_that_looks_elsewhere_for_a_server_that_answers_us_is_astray(
    programs: t.Any, session: t.Any, error: t.Any, astray: t.Any
) -> None:
    with pytest.raises(Reconnect) as told:
        attempts(Engine(error), session=session, programs=programs).run(migration("1_a"), UP)
    assert told.value.astray is astray and ("job.login_host" in told.value.failure.then) is astray
    where = "the program connects to release@10.0.0.9:5432/shop, this run to release@db:5432/shop"
    assert (where in told.value.failure.why) is astray


def test_before_it_is_tried_again_it_may_turn_out_to_be_done() -> None:
    engine = Engine(LOCKED, 1, applied=["1_a"])
    assert attempts(engine).run(migration("1_a"), UP).attempts == 1 and len(engine.endings) == 1
    assert attempts(Engine(LOCKED, 1, applied=["1_a"])).run(migration("1_a"), DOWN).attempts == 2


def test_the_wall_clock_ends_it_also_on_the_server() -> None:
    session = Session()
    with pytest.raises(ReleaseError) as told:
        attempts(Engine(TooLong("did not end")), session=session).run(migration("1_a"), UP)
    assert session.ended == [4242] and told.value.details["error_class"] == "timeout"
    with pytest.raises(ReleaseError) as told:
        attempts(Engine(1), left=0.0).run(migration("1_a"), UP)
    assert told.value.details["error_class"] == "timeout"
    with pytest.raises(ReleaseError, match="lock_timeout"):
        attempts(Engine(LOCKED, 1), left=0.3).run(migration("1_a"), UP)


@pytest.mark.parametrize(
    ("direction", "applied", "what"), [(UP, [], "not applied"), (DOWN, ["1_a"], "applied")]
)
def test_a_program_that_ended_well_and_did_nothing_is_believed_by_nobody(
    direction: t.Any, applied: t.Any, what: t.Any
) -> None:
    with pytest.raises(ReleaseError) as told:
        attempts(Engine([], applied=applied, keeps=False)).run(migration("1_a"), direction)
    assert told.value.why == [f"The migration program exited with 0, but 1_a is still {what}."]


def test_what_was_done_is_done_though_the_session_of_the_lock_was_lost_meanwhile() -> None:
    class Ours(Engine):
        def applied(self, session: t.Any) -> t.Any:
            if isinstance(session, Session):
                raise Unreachable("the connection is gone")
            return super().applied(session)

    made = attempts(Ours([]), session=None)
    assert made.run(migration("1_a"), UP).attempts == 1

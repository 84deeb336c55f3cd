# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import types
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import Conflict
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.supervised import (
    AbandonedRun,
    ProgramResult,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.recover import (
    Recovery,
)

from .migrations import Server, context, limits, migration, request

ONE, TWO = migration("1_one"), migration("2_two")
FAILED = ProgramResult(1, "", "error: migration failed: division by zero")


class Session:
    """That gets the lock, or does not."""

    def __init__(self, free: bool = True) -> None:
        self.free = free

    def value(self, sql: t.Any, parameters: t.Any = ()) -> t.Any:
        return self.free if "lock" in sql else 150018

    def rows(self, sql: t.Any, parameters: t.Any = ()) -> t.Any:
        return []


class Jobs:
    """Where runs before have left these."""

    def __init__(self, *left: t.Any) -> None:
        self.left, self.ended = list(left), list[tuple[str, float]]()

    def at_work(self, login: t.Any) -> t.Any:
        return [f"{login.database}-{one.migration}" for one in self.left]

    def recover_abandoned(self, login: t.Any, seconds: t.Any) -> t.Any:
        self.ended.append((login.database, seconds))
        return self.left

    def abandon(self) -> None:
        raise AssertionError("nobody has ended us")


def taken(
    programs: t.Any, session: t.Any = None, check_mode: bool = False, lines: t.Any = None, **params: t.Any
) -> t.Any:
    recovered = []
    engine = types.SimpleNamespace(
        recover=lambda work, one, direction, ended: recovered.append((one.name, direction, ended))
    )
    server = Server(session or Session())
    copy = Server(session or Session(), dbname="copy")
    ports: t.Any = types.SimpleNamespace(server=server, copy=copy, engine_programs=programs, engine=engine)
    work: t.Any = types.SimpleNamespace(left=lambda: 60.0)
    given = dataclasses.replace(context(lines), check_mode=check_mode)
    recovery = Recovery(
        ports,
        given,
        request(**params),
        limits(),
        lambda server, version: work,
    )
    return recovery.recover_abandoned([ONE, TWO]), recovered


def test_without_any_there_is_nothing_to_do() -> None:
    assert taken(Jobs(), Session(free=False)) == (True, [])


def test_what_is_known_of_its_end_reaches_the_engine() -> None:
    programs = Jobs(AbandonedRun("2_two", "up", FAILED), AbandonedRun("gone", "up", FAILED))
    assert taken(programs) == (True, [("2_two", "up", FAILED)]) and programs.ended == [("shop", 60.0)]
    taken(programs, state="rehearsed")
    assert programs.ended[1:] == [("shop", 60.0), ("copy", 60.0)]  # what is pending has to be known of both


def test_one_whose_run_is_alive_is_left_alone() -> None:
    programs = Jobs(AbandonedRun("2_two", "up", FAILED))
    with pytest.raises(Conflict):
        taken(programs, Session(free=False))
    assert programs.ended == []


def test_in_check_mode_it_is_told_and_nothing_is_ended() -> None:
    programs, lines = Jobs(AbandonedRun("2_two", "up", FAILED)), list[str]()
    assert taken(programs, Session(free=False), check_mode=True, lines=lines) == (False, [])
    assert programs.ended == [] and "shop-2_two: was started by another run" in lines[0]

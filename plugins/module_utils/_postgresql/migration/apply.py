# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Carries a plan out, under the lock of the database. Where the connection
is lost, everything begins anew: the lock, what is applied, the plan.
"""

from __future__ import annotations

import typing as t

from ..._common.errors import Forbidden, InputError, ReleaseError
from .. import lock
from ..session import Session, Unreachable
from . import describe
from . import server_sessions as backends
from .attempts import Attempts, MigrationRun, Reconnect
from .engines.base import DOWN, UP, MigrationContext
from .files import Migration
from .ledger import prefix
from .observe import observe
from .plan import DOWN as STATE_DOWN
from .plan import RECORDED, Plan
from .ports import Ports

_PAUSE = 2.0
# A program that asks a wrong address in vain will do so for ever;
# a network that was just set up lets it through after a moment.
_ASTRAY = 3


def refuse(where: str, problems: t.Sequence[str], **details: t.Any) -> None:
    if problems:
        raise InputError(
            f"{where}: the migrations were refused; nothing was changed.",
            why=problems,
            then="fix the problems listed above, then run the same command again",
            **details,
        )


class Apply:
    def __init__(self, ports: Ports, work: MigrationContext, files: t.Sequence[Migration]) -> None:
        self._ports, self._work, self._files = ports, work, files
        self._context, self._params = work.context, work.context.params
        self._direction = DOWN if self._params["state"] == STATE_DOWN else UP
        self.done: list[MigrationRun] = []
        self._waiting: list[Migration] = []

    def run(self) -> None:
        clock = self._context.clock
        began, astray = clock.now(), list[int]()
        while True:
            try:
                return self._under_the_lock()
            except Reconnect as exc:
                lost: ReleaseError = exc.failure
                astray = [*astray, len(self.done)] if exc.astray else []
            except Unreachable as exc:
                if isinstance(exc, Forbidden):
                    raise
                lost, astray = exc, []
            in_vain = astray[-_ASTRAY:] == [len(self.done)] * _ASTRAY
            if (
                in_vain
                or clock.now() + _PAUSE - began > self._params["retry_window"]
                or self._work.left() < _PAUSE
            ):
                raise self._with_progress(lost)
            self._context.say(f"{lost.what} Connecting again in {_PAUSE:.0f} s")
            clock.sleep(_PAUSE)

    def _under_the_lock(self) -> None:
        """Plans once more: who held the lock until now may have done it all."""
        doing = f"migrate{' down' if self._direction == DOWN else ''} {self._params['release']}"
        with lock.held(
            self._work.server, doing, self._context, wait_timeout=self._params["lock_wait_timeout"]
        ) as session:
            backends.end(session, self._context)
            _seen, plan = observe(self._ports, self._context, session, self._files)
            refuse(self._work.server.login.where, plan.problems)
            if plan.changes:
                self._ports.ledger.create(session)
            self._adopt(session, plan)
            attempts = Attempts(self._ports.engine, self._work, session)
            self._waiting = list(plan.steps)
            while self._waiting:
                migration = self._waiting.pop(0)
                if self._params["state"] == RECORDED:
                    self._ports.ledger.applied(
                        session, migration, self._params["release"], 0, len(migration.statements)
                    )
                else:
                    self._one(attempts, session, migration)

    def _adopt(self, session: Session, plan: Plan) -> None:
        known = self._ports.ledger.read(session)
        for migration in plan.adopted:
            release = known[migration.name].release if migration.name in known else ""
            self._ports.ledger.applied(session, migration, release, 0)

    def _one(self, attempts: Attempts, session: Session, migration: Migration) -> None:
        engine, ledger = self._ports.engine, self._ports.ledger
        up = self._direction == UP
        session.value(
            "SELECT 1"
        )  # the lock lives as long as its session: a server that was restarted has given it to whoever asked
        self._context.say(f"{migration.name}: {'up' if up else 'down'}")
        if (
            up and not engine.keeps_ledger
        ):  # before its effect: whose it is has to be known even when we die in between
            ledger.done(session, migration.name, self._params["release"], prefix([]), 0)
        try:
            ran = attempts.run(migration, self._direction)
        except ReleaseError as exc:
            raise self._with_progress(exc) from exc
        self.done.append(ran)
        self._context.say(f"{migration.name}: done in {ran.seconds:.2f} s")
        if not engine.keeps_ledger and up:
            ledger.applied(session, migration, self._params["release"], round(ran.seconds * 1000))
        elif not engine.keeps_ledger:
            ledger.forget(session, migration.name)

    def _with_progress(self, error: ReleaseError) -> ReleaseError:
        """With what was done before it, and what was not begun."""
        before, waiting = (
            ", ".join(one.name for one in self.done),
            ", ".join(one.name for one in self._waiting),
        )
        gone = "went up" if self._direction == UP else "went down"
        said = [
            error.done,
            f"{before} {gone} before it" if before else f"nothing {gone} before it",
            f"not begun: {waiting}" if waiting else "",
        ]
        error.done = "; ".join(part for part in said if part)
        error.details.update(
            {
                "changed": bool(self.done),
                "applied" if self._direction == UP else "reverted": describe.ran(self.done),
            }
        )
        return error

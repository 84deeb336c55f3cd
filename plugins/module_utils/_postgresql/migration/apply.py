# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Carries out a plan, under the lock of the database. After a lost connection it starts again: it takes the lock,
reads what is applied, and plans.
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
from .plan import Plan
from .ports import Ports
from .request import DOWN as STATE_DOWN
from .request import RECORDED, MigrationRequest

_PAUSE = 2.0
# A program that uses a wrong address will never connect; a network that was just set up lets it through after a moment.
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
    """Applies, reverts or records the plan.

    :ivar done: the migrations that ran.
    """

    def __init__(
        self,
        ports: Ports,
        work: MigrationContext,
        request: MigrationRequest,
        files: t.Sequence[Migration],
    ) -> None:
        self._ports, self._work, self._request, self._files = ports, work, request, files
        self._context = work.context
        self._direction = DOWN if request.state == STATE_DOWN else UP
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
                or clock.now() + _PAUSE - began > self._work.limits.retry_window
                or self._work.left() < _PAUSE
            ):
                raise self._with_progress(lost)
            self._context.say(f"{lost.what} Connecting again in {_PAUSE:.0f} s")
            clock.sleep(_PAUSE)

    def _under_the_lock(self) -> None:
        """Plans once more: the run that held the lock before may have applied everything."""
        doing = f"migrate{' down' if self._direction == DOWN else ''} {self._request.release}"
        with lock.held(
            self._work.server, doing, self._context, wait_timeout=self._work.limits.lock_wait_timeout
        ) as session:
            backends.end(session, self._context)
            _seen, plan = observe(self._ports, session, self._request, self._files)
            refuse(self._work.server.login.where, plan.problems)
            if plan.changes:
                self._ports.ledger.create(session)
            self._adopt(session, plan)
            attempts = Attempts(self._ports.engine, self._work, session)
            self._waiting = list(plan.steps)
            while self._waiting:
                migration = self._waiting.pop(0)
                if self._request.state == RECORDED:
                    self._ports.ledger.applied(
                        session, migration, self._request.release, 0, len(migration.statements)
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
        # The lock lives as long as its session: after a restart of the server another run may hold it.
        session.value("SELECT 1")
        self._context.say(f"{migration.name}: {'up' if up else 'down'}")
        if up and not engine.keeps_ledger:
            # Written before the migration, so that its release is known even if this run is killed.
            ledger.done(session, migration.name, self._request.release, prefix([]), 0)
        try:
            ran = attempts.run(migration, self._direction)
        except ReleaseError as exc:
            raise self._with_progress(exc) from exc
        self.done.append(ran)
        self._context.say(f"{migration.name}: done in {ran.seconds:.2f} s")
        if not engine.keeps_ledger and up:
            ledger.applied(session, migration, self._request.release, round(ran.seconds * 1000))
        elif not engine.keeps_ledger:
            ledger.forget(session, migration.name)

    def _with_progress(self, error: ReleaseError) -> ReleaseError:
        """Adds to a failure what ran before it, and what was not started."""
        before = ", ".join(one.name for one in self.done) or "nothing"
        waiting = ", ".join(one.name for one in self._waiting)
        verb = "went up" if self._direction == UP else "went down"
        parts = [error.done, f"{before} {verb} before it", f"not begun: {waiting}" if waiting else ""]
        error.done = "; ".join(part for part in parts if part)
        error.details.update(
            {
                "changed": bool(self.done),
                "applied" if self._direction == UP else "reverted": describe.ran(self.done),
            }
        )
        return error

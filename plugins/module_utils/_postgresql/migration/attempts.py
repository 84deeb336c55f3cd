# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs one migration, retries it where that may help, and explains its failure."""

from __future__ import annotations

import dataclasses
import random
import typing as t

from ..._common.errors import Forbidden, ReleaseError
from ..session import DatabaseError, Session, Unreachable
from . import server_sessions as backends
from .engines.base import UP, Engine, MigrationContext, TooLong
from .files import Migration
from .sql.sqlstate import LOST, RECONNECT, RETRY, Reaction, reaction

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
# Seconds between queries for blockers, which are short: about two within a lock_timeout of 500 ms.
_SHORTEST_INTERVAL, _LONGEST_INTERVAL = 0.05, 1.0


@dataclasses.dataclass(frozen=True)
class MigrationRun:
    """
    :ivar statements: SQL that a program ran, in a rehearsal.
    """

    name: str
    seconds: float
    attempts: int
    statements: t.Sequence[str] = ()


class Reconnect(Exception):
    """The connection was lost or refused: what is applied has to be read again, under the lock.

    :ivar astray: whether the engine's program uses another address than this task, whose own address answers.
    """

    def __init__(self, failure: ReleaseError, astray: bool = False) -> None:
        super().__init__(str(failure))
        self.failure, self.astray = failure, astray


class Attempts:
    """
    :param lock: the session that holds the lock.
    :param jitter: gives a number from 0 to 1, so that two runs do not stay in step.
    """

    def __init__(
        self,
        engine: Engine,
        work: MigrationContext,
        lock: Session,
        jitter: t.Callable[[], float] = random.random,
    ) -> None:
        self._engine, self._work, self._lock, self._jitter = engine, work, lock, jitter
        self._context = work.context
        every = min(_LONGEST_INTERVAL, max(_SHORTEST_INTERVAL, work.limits.lock_timeout / 2500))
        self._monitor = backends.BlockerMonitor(lock, self._context, work.name, every)

    def run(self, migration: Migration, direction: str) -> MigrationRun:
        clock, attempt = self._context.clock, 0
        began = clock.now()
        while True:
            attempt += 1
            tried = clock.now()
            try:
                self._work.check_time()
                with self._monitor.watching():
                    statements = self._engine.run(self._work, migration, direction)
                self._check_effect(migration, direction)
                return MigrationRun(migration.name, clock.now() - tried, attempt, statements)
            except TooLong as too_long:
                backends.end(self._lock, self._context, self._work.name)
                advice = "do less in one migration, or raise timeout after a rehearsal"
                failure = self._failure(migration, direction, too_long, Reaction("stop", "timeout", advice))
                raise failure from None  # its words are in the failure
            except DatabaseError as exc:
                means = LOST if isinstance(exc, Unreachable) and not exc.sqlstate else reaction(exc.sqlstate)
                failure = self._failure(migration, direction, exc, means)
                if means.kind == RECONNECT and not isinstance(exc, Forbidden):
                    raise Reconnect(failure, means is LOST and self._astray(failure)) from exc
                pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (attempt - 1)) * (0.5 + self._jitter())
                over = clock.now() + pause - began
                if means.kind != RETRY or over > self._work.limits.retry_window or pause >= self._work.left():
                    failure.why += (
                        [f"tried {attempt} times within {round(clock.now() - began)} s"]
                        if attempt > 1
                        else []
                    )
                    raise failure from exc
                self._context.say(
                    f"{migration.name}: {means.name}{self._blocked_by()}; attempt {attempt + 1} in {pause:.1f} s"
                )
                clock.sleep(pause)
                if self._is_done(migration, direction):
                    return MigrationRun(migration.name, clock.now() - tried, attempt)

    def _check_effect(self, migration: Migration, direction: str) -> None:
        """Flyway 11 exits with 0 after a migration that failed."""
        if self._engine.keeps_ledger or self._is_done(migration, direction):
            return
        state = "not applied" if direction == UP else "applied"
        raise DatabaseError(f"The migration program exited with 0, but {migration.name} is still {state}.")

    def _is_done(self, migration: Migration, direction: str) -> bool:
        """Reads the engine's own table on a new session, because the one that holds the lock may be lost."""
        with self._work.server.session() as session:
            return (migration.name in self._engine.applied(session)) == (direction == UP)

    def _astray(self, failure: ReleaseError) -> bool:
        ours, theirs = self._work.server.login, self._work.programs.login(self._work.server.login)
        if theirs.where == ours.where:
            return False
        try:
            self._lock.value("SELECT 1")
        except DatabaseError:
            return False
        failure.why.append(f"the program connects to {theirs.where}, this run to {ours.where}")
        failure.then = "set job.login_host and job.login_port to the address by which pods reach the database, and check that no NetworkPolicy blocks it"
        return True

    def _blocked_by(self) -> str:
        return f" behind {'; '.join(self._monitor.seen.values())}" if self._monitor.seen else ""

    def _failure(
        self, migration: Migration, direction: str, error: ReleaseError, means: Reaction
    ) -> ReleaseError:
        sqlstate = getattr(error, "sqlstate", "")
        code = f" (SQLSTATE {sqlstate})" if sqlstate else ""
        what = f"{'Migration' if direction == UP else 'The way down of migration'} {migration.name} failed: {means.name}{code}."
        return ReleaseError(
            what,
            why=[error.what, *error.why, *self._monitor.seen.values()],
            done=error.done,
            then=error.then or means.advice,
            migration=migration.name,
            sqlstate=sqlstate,
            reaction=means.kind,
            error_class=means.name,
        )

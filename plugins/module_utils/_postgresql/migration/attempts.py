# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs one migration, again where that may help, and says what its failure means."""

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
# A look at who is in the way costs a short query; a lock_timeout of 500 ms is looked at twice.
_LOOKOUT_LEAST, _LOOKOUT_MOST = 0.05, 1.0


@dataclasses.dataclass(frozen=True)
class MigrationRun:
    """
    :ivar statements: what a program was seen to run, in a rehearsal.
    """

    name: str
    seconds: float
    attempts: int
    statements: t.Sequence[str] = ()


class Reconnect(Exception):
    """The connection is gone, or could not be made: what was applied
    has to be read again, under the lock, before anything else.

    :ivar astray: whether the engine's program asks another address than we do, and ours answers.
    """

    def __init__(self, failure: ReleaseError, astray: bool = False) -> None:
        super().__init__(str(failure))
        self.failure, self.astray = failure, astray


class Attempts:
    """
    :param lock: the session that holds the lock.
    :param jitter: gives a number from 0 to 1; two runners must not stay in step.
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
        every = min(_LOOKOUT_MOST, max(_LOOKOUT_LEAST, self._context.params["lock_timeout"] / 2500))
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
                if not (
                    self._engine.keeps_ledger or self._is_done(migration, direction)
                ):  # Flyway 11 ends with 0 after a migration that failed
                    raise DatabaseError(
                        f"The migration program exited with 0, but {migration.name} is still {'not applied' if direction == UP else 'applied'}."
                    )
                return MigrationRun(migration.name, clock.now() - tried, attempt, statements)
            except TooLong as exc:
                backends.end(self._lock, self._context, self._work.name)
                raise self._failure(
                    migration,
                    direction,
                    exc,
                    Reaction(
                        "stop", "timeout", "do less in one migration, or raise timeout after a rehearsal"
                    ),
                ) from exc
            except DatabaseError as exc:
                means = LOST if isinstance(exc, Unreachable) and not exc.sqlstate else reaction(exc.sqlstate)
                failure = self._failure(migration, direction, exc, means)
                if means.kind == RECONNECT and not isinstance(exc, Forbidden):
                    raise Reconnect(failure, means is LOST and self._astray(failure)) from exc
                pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (attempt - 1)) * (0.5 + self._jitter())
                over = clock.now() + pause - began
                if (
                    means.kind != RETRY
                    or over > self._context.params["retry_window"]
                    or pause >= self._work.left()
                ):
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

    def _is_done(self, migration: Migration, direction: str) -> bool:
        """As the engine's own table says, on a session of its
        own: the one that holds the lock may have been lost since.
        """
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

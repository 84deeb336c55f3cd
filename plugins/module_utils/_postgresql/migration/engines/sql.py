# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Plain SQL files, which the task itself sends, in a transaction where that is possible."""

from __future__ import annotations

import typing as t

from ...session import DatabaseError, Session
from ..files import Migration, folder, transactional
from ..ledger import Entry, Ledger, prefix
from ..sql import indexes
from ..sql.statements import Statement
from .base import UP, EngineOptions, KeepsItsTable, MigrationContext


class SqlEngine(KeepsItsTable):
    keeps_ledger = True
    runs_sql = True
    tables: t.Sequence[str] = ()

    def __init__(self, options: EngineOptions, ledger: Ledger) -> None:
        self._src, self._release, self._ledger = options.src, options.release, ledger

    def files(self) -> list[Migration]:
        return folder(self._src)

    def applied(self, session: Session) -> list[str]:
        return [entry.name for entry in self._ledger.read(session).values() if entry.finished]

    def problems(self, session: Session) -> list[str]:
        return []

    def run(self, work: MigrationContext, migration: Migration, direction: str) -> t.Sequence[str]:
        statements = migration.statements if direction == UP else migration.ways_down
        whole = migration.transaction if direction == UP else transactional(migration.down or "", statements)
        with work.server.session(options=work.settings(whole), name=work.name) as session:
            if whole:
                self._at_once(session, work, migration, direction, statements)
            else:
                self._one_by_one(session, work, migration, direction, statements)
        return ()

    def _at_once(
        self,
        session: Session,
        work: MigrationContext,
        migration: Migration,
        direction: str,
        statements: t.Sequence[Statement],
    ) -> None:
        began = work.context.clock.now()
        with session.transaction():
            for statement in statements:
                _send(session, work, _path(migration, direction), statement, True)
            self._write(session, work, migration, direction, began, len(statements))

    def _one_by_one(
        self,
        session: Session,
        work: MigrationContext,
        migration: Migration,
        direction: str,
        statements: t.Sequence[Statement],
    ) -> None:
        """Writes its progress before each statement, so that the next run continues an interrupted one."""
        began, release = work.context.clock.now(), self._release
        known = self._ledger.read(session).get(migration.name)
        done = known.statements if direction == UP and known and not known.finished else 0
        resumed = _resumed(known, direction)
        for number, statement in enumerate(statements[done:], start=done):
            if direction == UP:
                self._ledger.done(
                    session,
                    migration.name,
                    release,
                    prefix([one.text for one in statements[:number]]),
                    number,
                )
            if statement.index and self._is_built(session, work, statement, resumed and number == done):
                continue
            _send(session, work, _path(migration, direction), statement, False)
        self._write(session, work, migration, direction, began, len(statements))

    def _is_built(
        self, session: Session, work: MigrationContext, statement: Statement, resumed: bool
    ) -> bool:
        """Drops an invalid index of an interrupted run.

        :param resumed: whether the earlier run may have been interrupted right after this very statement.
        :return: whether the index exists and is valid.
        """
        if not statement.index:
            raise AssertionError("only statements that build an index come here")
        if gone := indexes.clear(session, *statement.index):
            work.context.say(f"dropped the invalid index {gone}, which an interrupted run had left")
        return resumed and indexes.is_there(session, *statement.index)

    def _write(
        self,
        session: Session,
        work: MigrationContext,
        migration: Migration,
        direction: str,
        began: float,
        count: int,
    ) -> None:
        if direction == UP:
            self._ledger.applied(
                session,
                migration,
                self._release,
                round((work.context.clock.now() - began) * 1000),
                count,
            )
        else:
            self._ledger.forget(session, migration.name)


def _resumed(known: Entry | None, direction: str) -> bool:
    return direction == UP and known is not None and not known.finished


def _path(migration: Migration, direction: str) -> str:
    return migration.path if direction == UP else migration.down_path


def _send(session: Session, work: MigrationContext, path: str, statement: Statement, whole: bool) -> None:
    work.check_time()
    limit = int(work.left() * 1000) or 1
    # The server keeps the timeout, so that it also ends the statement when this process has died.
    if whole and work.limits.statement_timeout:
        limit = min(limit, work.limits.statement_timeout)
    session.execute(f"SET statement_timeout = {limit}")
    if not whole:
        lock_timeout = 0 if statement.concurrent else work.limits.lock_timeout
        session.execute(f"SET lock_timeout = {lock_timeout}")
    try:
        session.execute(statement.text)
    except DatabaseError as exc:
        exc.why.insert(0, f"{path}, line {statement.line}")
        work.check_time()
        raise

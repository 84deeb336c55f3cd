# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""golang-migrate (https://github.com/golang-migrate/migrate) by its
command line: one step at a time, with its one row of (version, dirty).
"""

from __future__ import annotations

import dataclasses
import os
import typing as t
import urllib.parse

from ...session import DatabaseError, Session, Unreachable
from ..files import Migration, folder, readable
from ..ledger import Ledger
from ..programs.program_errors import error
from ..programs.supervised import ProgramResult
from ..tables import Table
from .base import DOWN, UP, EngineOptions, MigrationContext, TooLong

_NOTHING = -1  # what it calls the version of a database that has none
# libpq's modes that its driver (lib/pq) refuses. Its own default is require, libpq's is prefer.
_NOT_KNOWN_TO_IT = ("", "allow", "prefer")


class GolangMigrateEngine:
    keeps_ledger = False
    runs_sql = False

    def __init__(self, options: EngineOptions, ledger: Ledger) -> None:
        self._src = os.path.abspath(options.src)
        self._program = options.program or "migrate"
        self._table = Table(options.table or "schema_migrations")
        self.tables = [self._table.name]

    def files(self) -> list[Migration]:
        return [_looked_into(migration) for migration in folder(self._src)]

    def applied(self, session: Session) -> list[str]:
        at, dirty = self._state(session)
        return [
            one.name for one in self.files() if one.version[0] < at or (one.version[0] == at and not dirty)
        ]

    def problems(self, session: Session) -> list[str]:
        at, dirty = self._state(session)
        if not dirty:
            return []
        return [
            f"version {at}: is dirty, says the table {self._table.name}; check what it left behind, then: migrate -path ... -database ... force VERSION"
        ]

    def run(self, work: MigrationContext, migration: Migration, direction: str) -> t.Sequence[str]:
        try:
            self._do(work, migration, direction, "up" if direction == UP else "down", "1")
        except DatabaseError as exc:
            self._unmark(work, migration, direction, exc)
            raise
        return ()

    def recover(
        self, work: MigrationContext, migration: Migration, direction: str, ended: ProgramResult
    ) -> None:
        if ended.code:
            self._unmark(work, migration, direction, error("migrate", ended))

    def _unmark(
        self, work: MigrationContext, migration: Migration, direction: str, failure: DatabaseError
    ) -> None:
        """The server has rolled the file back as a whole (it
        is one query), so what it is marked with is not so.
        """
        if isinstance(failure, Unreachable) and not failure.sqlstate:
            return  # the answer was lost, not the work: nobody knows whether it was committed
        before = self._version_before(migration)
        with work.server.session() as session:
            at, dirty = self._state(session)
        if dirty and at in (before, migration.version[0]) and migration.transaction:
            self._do(
                work,
                migration,
                direction,
                "force",
                "--",
                str(migration.version[0] if direction == DOWN else before),
            )

    def _state(self, session: Session) -> tuple[int, bool]:
        rows = self._table.rows(session, "SELECT version, dirty FROM {}")
        return (int(rows[0][0]), bool(rows[0][1])) if rows else (_NOTHING, False)

    def _version_before(self, migration: Migration) -> int:
        return max(
            (one.version[0] for one in self.files() if one.version < migration.version), default=_NOTHING
        )

    def _do(self, work: MigrationContext, migration: Migration, direction: str, *action: str) -> None:
        """The password comes by libpq's variable, which its
        drivers know, too: the URL stands on the command line.
        """
        login = work.login(migration.transaction)
        given = login.parameters
        user = f"{urllib.parse.quote(given['user'], safe='')}@" if "user" in given else ""
        query = urllib.parse.urlencode(
            {"x-migrations-table": self._table.name, "sslmode": _sslmode(work, given)}
        )
        address = f"{given.get('host', 'localhost')}:{given.get('port', '5432')}"
        url = f"postgres://{user}{address}/{urllib.parse.quote(given.get('dbname', ''), safe='')}?{query}"
        arguments = [self._program, "-path", work.programs.path(self._src), "-database", url, *action]
        ended = work.run(arguments, login.environment(), self._src, migration, direction)
        if ended.code is None:
            raise TooLong(f"migrate did not end within the timeout of {work.limits.timeout} s; it was ended.")
        if ended.code:
            raise error("migrate", ended)


def _looked_into(migration: Migration) -> Migration:
    """Without the SQL that the parser does not take: migrate sends it as it is, and the server may know more."""
    up = readable(migration.up)
    return dataclasses.replace(
        migration,
        up=up,
        down=readable(migration.down),
        alone=up is None and "CONCURRENTLY" in (migration.up or "").upper(),
    )


def _sslmode(work: MigrationContext, given: t.Mapping[str, str]) -> str:
    """What libpq would come to: TLS where the server has it."""
    mode = given.get("sslmode") or os.environ.get("PGSSLMODE", "")
    if mode not in _NOT_KNOWN_TO_IT:
        return mode
    with work.server.session() as session:
        return (
            "require"
            if session.value("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            else "disable"
        )

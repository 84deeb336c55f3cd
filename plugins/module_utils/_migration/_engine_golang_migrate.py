# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""golang-migrate (https://github.com/golang-migrate/migrate) by its command line: one step at a time, with its one row of (version, dirty)."""

from __future__ import annotations

import os
import typing as t
import urllib.parse

from .._common._operation import Context
from .._database._session import DatabaseError, Session
from ._engine import DOWN, UP, TooLong, Work
from ._files import Migration, folder
from ._ledger import Ledger
from ._tables import Table
from ._told import error

_NOTHING = -1  # what it calls the version of a database that has none


class GolangMigrateEngine:
    keeps_ledger = False
    runs_sql = False

    def __init__(self, context: Context, ledger: Ledger) -> None:
        self._context, self._src = context, os.path.abspath(context.params["src"])
        self._program = context.params["program"] or "migrate"
        self._table = Table(context.params["table"] or "schema_migrations")
        self.tables = [self._table.name]

    def files(self) -> list[Migration]:
        return folder(self._src)

    def applied(self, session: Session) -> list[str]:
        at, dirty = self._state(session)
        return [one.name for one in self.files() if one.version[0] < at or (one.version[0] == at and not dirty)]

    def problems(self, session: Session) -> list[str]:
        at, dirty = self._state(session)
        if not dirty:
            return []
        return [f"version {at}: is dirty, says the table {self._table.name}; see what it left behind, then: migrate -path ... -database ... force VERSION"]

    def run(self, work: Work, migration: Migration, direction: str) -> t.Sequence[str]:
        before = self._version_before(migration)
        try:
            self._do(work, migration.transaction, "up" if direction == UP else "down", "1")
        except DatabaseError:
            with work.server.session() as session:
                at, dirty = self._state(session)
            # The server has rolled the file back as a whole (it is one query), so what it is marked with is not so.
            if dirty and at in (before, migration.version[0]) and migration.transaction:
                self._do(work, True, "force", str(migration.version[0] if direction == DOWN else before))
            raise
        return ()

    def _state(self, session: Session) -> tuple[int, bool]:
        rows = self._table.rows(session, "SELECT version, dirty FROM {}")
        return (int(rows[0][0]), bool(rows[0][1])) if rows else (_NOTHING, False)

    def _version_before(self, migration: Migration) -> int:
        return max((one.version[0] for one in self.files() if one.version < migration.version), default=_NOTHING)

    def _do(self, work: Work, transaction: bool, *action: str) -> None:
        """The password comes by libpq's variable, which its drivers know, too: the URL stands on the command line."""
        login = work.login(transaction).parameters
        user = f"{urllib.parse.quote(login['user'], safe='')}@" if "user" in login else ""
        query = urllib.parse.urlencode({"x-migrations-table": self._table.name, **({"sslmode": login["sslmode"]} if "sslmode" in login else {})})
        address = f"{login.get('host', 'localhost')}:{login.get('port', '5432')}"
        url = f"postgres://{user}{address}/{urllib.parse.quote(login.get('dbname', ''), safe='')}?{query}"
        arguments = [self._program, "-path", self._src, "-database", url, *action]
        ended = work.programs.run(arguments, work.login(transaction).environment(), self._src, work.left())
        if ended.code is None:
            raise TooLong(f"migrate did not end within the timeout of {self._context.params['timeout']} s; it was ended.")
        if ended.code:
            raise error("migrate", ended)

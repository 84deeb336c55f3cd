# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""db-migrate (https://db-migrate.readthedocs.io) of a
service: its own files, its own packages, its own table.
"""

from __future__ import annotations

import json
import os
import re
import typing as t

from ...._common.errors import InputError
from ...session import DatabaseError, Session
from ..files import Migration, accepted, checksum, names, read, readable, version
from ..ledger import Ledger
from ..programs.program_errors import refusal
from ..programs.supervised import ANSWER_MARK
from ..tables import Table
from .base import DOWN, EngineOptions, KeepsItsTable, MigrationContext, TooLong
from .db_migrate_runner import SOURCE

_FILE = re.compile(r"(\d{8,}-.+)\.(js|ts|coffee)$")
# What 'db-migrate create --sql-file' writes, and nothing more: then the SQL file is the migration.
_ONLY_SQL = re.compile(r"\bdb\.")
_CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b|runbook:\s*no-transaction", re.IGNORECASE)
_NO_WAY_DOWN = re.compile(
    r"exports\.down\s*=\s*(async\s*)?(function\s*\w*\s*)?\([^)]*\)\s*(=>)?\s*\{\s*(return(\s+null)?\s*;?)?\s*\}"
)


class DbMigrateEngine(KeepsItsTable):
    keeps_ledger = False
    runs_sql = False

    def __init__(self, options: EngineOptions, ledger: Ledger) -> None:
        self._src = os.path.abspath(options.src)
        self._program = options.program or "node"
        self._installed_here = options.runs_here
        self._table = Table(options.table or "migrations")
        self._folder = os.path.join(self._src, options.migrations_dir or "migrations")
        self.tables = [self._table.name]

    def files(self) -> list[Migration]:
        found = [
            self._file(name, match[1])
            for name in names(self._folder)
            for match in [_FILE.match(name)]
            if match
        ]
        if self._installed_here and not os.path.isdir(os.path.join(self._src, "node_modules", "db-migrate")):
            raise InputError(
                f"src: found {self._src}, where db-migrate is not installed; nothing was changed.",
                then=f"npm ci --prefix {self._src}",
            )
        return accepted(self._folder, found, [], by_name=True)

    def _file(self, file: str, name: str) -> Migration:
        path = os.path.join(self._folder, file)
        code = read(path)
        up_path, down_path = (
            os.path.join(self._folder, "sqls", f"{name}-{way}.sql") for way in ("up", "down")
        )
        up, down = (
            read(sql) if os.path.basename(sql) in code and os.path.exists(sql) else None
            for sql in (up_path, down_path)
        )
        only_sql = len(_ONLY_SQL.findall(code)) == sum(sql is not None for sql in (up, down))
        return Migration(
            name,
            version(name),
            checksum(code, *([up] if up is not None else [])),
            up_path if up is not None else path,
            readable(up) if only_sql else None,
            readable(down) if only_sql else None,
            reversible="exports.down" in code
            and not _NO_WAY_DOWN.search(code)
            and (down is None or bool(down.strip())),
            down_path=down_path if down is not None else path,
            alone=bool(_CONCURRENTLY.search(code + (up or ""))),
        )

    def applied(self, session: Session) -> list[str]:
        rows = self._table.rows(session, "SELECT name FROM {} ORDER BY run_on, id")
        return [
            name for name in (row[0].lstrip("/") for row in rows) if "/" not in name
        ]  # those of other scopes have a folder in front

    def problems(self, session: Session) -> list[str]:
        return []

    def run(self, work: MigrationContext, migration: Migration, direction: str) -> t.Sequence[str]:
        alone = (
            bool(_CONCURRENTLY.search(migration.down or "")) or migration.alone
            if direction == DOWN
            else migration.alone
        )
        given = {
            "direction": direction,
            "name": migration.name,
            "folder": work.programs.path(self._folder),
            "table": self._table.name,
            "alone": alone,
            "mark": ANSWER_MARK,
            "record": work.rehearsal,
        }
        environment = {**work.login(not alone).environment(), "RUNBOOK_MIGRATION": json.dumps(given)}
        ended = work.run([self._program, "-e", SOURCE], environment, self._src, migration, direction)
        if ended.code is None:
            raise TooLong(
                f"db-migrate did not end within the timeout of {work.limits.timeout} s; it was ended."
            )
        answers = [
            line.partition(ANSWER_MARK)[2] for line in ended.out.splitlines() if line.startswith(ANSWER_MARK)
        ]
        if not answers:
            raise refusal(
                f"db-migrate ended with exit code {ended.code} and without an answer.", ended.said[-1000:], ""
            )
        answer = json.loads(answers[-1])
        if error := answer.get("error"):
            raise self._failure(migration, error)
        return [sql for sql in answer.get("ran", []) if not self._is_its_own(sql)]

    def _failure(self, migration: Migration, error: t.Mapping[str, str]) -> DatabaseError:
        """Has a SQLSTATE where the code is one, and not one of Node.js."""
        code = error.get("code", "")
        is_sqlstate = re.fullmatch(r"[0-9A-Z]{5}", code) and re.search(r"\d", code)
        details = [
            f"{key}: {error[key]}"
            for key in ("detail", "hint", "table", "constraint", "where")
            if key in error
        ]
        lines = [*details, "" if is_sqlstate else code, migration.path]
        what = f"db-migrate: {migration.name}: {error['message']}"
        return refusal(what, "\n".join(lines).strip(), code if is_sqlstate else "")

    def _is_its_own(self, sql: str) -> bool:
        """What db-migrate does around each migration."""
        around = re.match(r"(BEGIN|COMMIT|ROLLBACK|SHOW|SET search_path)\b", sql, re.IGNORECASE)
        return bool(around) or any(f"{quote}{self._table.name}{quote}" in sql for quote in "\"'")

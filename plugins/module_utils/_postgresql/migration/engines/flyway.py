# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Flyway (https://documentation.red-gate.com/fd) by its command
line: versioned migrations, one by one, with its own history table.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import typing as t
import urllib.parse

from ...session import Session
from ..files import Migration, accepted, checksum, names, read, readable, version
from ..ledger import TABLE, Ledger
from ..programs.program_errors import error
from ..tables import Table
from .base import UP, EngineOptions, KeepsItsTable, MigrationContext, TooLong

_ONLY_OURS = """
    SELECT count(*) FILTER (WHERE relname = %s) = 1 AND count(*) = 1
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind NOT IN ('i', 'I', 't')
"""
_VERSIONED = re.compile(r"V(?P<version>\d+(?:[._]\d+)*)__.+\.sql$")


class FlywayEngine(KeepsItsTable):
    keeps_ledger = False
    runs_sql = False

    def __init__(self, options: EngineOptions, ledger: Ledger) -> None:
        self._src = os.path.abspath(options.src)
        self._program = options.program or "flyway"
        self._table = Table(options.table or "flyway_schema_history")
        self.tables = [self._table.name]

    def files(self) -> list[Migration]:
        there = names(self._src)
        problems = [
            f"{name}: is repeatable; Flyway would run it at a time of its own"
            for name in there
            if re.match(r"R__.*\.sql$", name)
        ]
        return accepted(
            self._src, [self._file(name, there) for name in there if _VERSIONED.match(name)], problems
        )

    def _file(self, name: str, there: list[str]) -> Migration:
        path, undo = os.path.join(self._src, name), f"U{name[1:]}"
        up, down = read(path), read(os.path.join(self._src, undo)) if undo in there else None
        return Migration(
            name[: -len(".sql")],
            version(name),
            checksum(up),
            path,
            readable(up),
            readable(down),
            down is not None,
            os.path.join(self._src, undo),
        )

    def applied(self, session: Session) -> list[str]:
        """Its history, undone ones left out. A baseline stands for every version up to its own."""
        by_version = {migration.version: migration.name for migration in self.files()}
        found: dict[tuple[int, ...], str] = {}
        for number, kind, script, success in self._table.rows(
            session, "SELECT version, type, script, success FROM {} ORDER BY installed_rank"
        ):
            if number is None or not success:
                continue
            at = tuple(int(part) for part in re.findall(r"\d+", number))
            if "BASELINE" in kind:
                found.update({one: name for one, name in by_version.items() if one <= at})
            elif kind.startswith("UNDO"):
                found.pop(at, None)
            else:
                found[at] = by_version.get(at, script[: -len(".sql")] if script.endswith(".sql") else script)
        return list(found.values())

    def problems(self, session: Session) -> list[str]:
        rows = self._table.rows(session, "SELECT script FROM {} WHERE NOT success")
        return [
            f"{row[0]}: has failed, and Flyway's history says so; check what it left behind, then: flyway repair"
            for row in rows
        ]

    def run(self, work: MigrationContext, migration: Migration, direction: str) -> t.Sequence[str]:
        number = re.sub("_", ".", _VERSIONED.match(f"{migration.name}.sql")["version"])  # type: ignore[index]
        action = "migrate" if direction == UP else "undo"
        arguments = [
            self._program,
            "-outputType=json",
            f"-target={number}",
            *(self._begin(work) if direction == UP else []),
            action,
        ]
        ended = work.run(arguments, self._environment(work, migration), self._src, migration, direction)
        if ended.code is None:
            raise TooLong(f"Flyway did not end within the timeout of {work.limits.timeout} s; it was ended.")
        message = _failure(ended.out)
        if ended.code or message:
            raise error("flyway", dataclasses.replace(ended, out=message) if message else ended)
        return ()

    def _begin(self, work: MigrationContext) -> list[str]:
        """Flyway takes no schema that has tables and no history;
        in an empty one the table of our ledger is such a table.
        """
        with work.server.session() as session:
            return (
                ["-baselineOnMigrate=true", "-baselineVersion=0"]
                if session.value(_ONLY_OURS, [TABLE])
                else []
            )

    def _environment(self, work: MigrationContext, migration: Migration) -> dict[str, str]:
        """Its driver knows none of libpq's variables."""
        login = work.login(migration.transaction).parameters
        named = {
            "ApplicationName": login["application_name"],
            "options": login["options"],
            "sslmode": login.get("sslmode"),
            "sslrootcert": login.get("sslrootcert"),
        }
        query = urllib.parse.urlencode(
            {name: value for name, value in named.items() if value}, quote_via=urllib.parse.quote
        )
        return {
            "FLYWAY_URL": f"jdbc:postgresql://{login.get('host', 'localhost')}:{login.get('port', '5432')}/{login.get('dbname', '')}?{query}",
            "FLYWAY_USER": login.get("user", ""),
            "FLYWAY_PASSWORD": login.get("password", ""),
            "FLYWAY_LOCATIONS": f"filesystem:{work.programs.path(self._src)}",
            "FLYWAY_TABLE": self._table.name.rpartition(".")[2],
            # Its own lock sits in a transaction, which CREATE INDEX
            # CONCURRENTLY waits for without end (flyway issue 1654).
            "FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK": "false",
        }


def _failure(out: str) -> str:
    """What its document says went wrong; below that it holds stack traces
    of thousands of characters. The exit code may be 0 all the same.
    """
    try:
        message = json.JSONDecoder().raw_decode(out, out.index("{"))[0]["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return "\n".join(line for line in str(message).splitlines() if line.strip("- "))

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What was applied, with checksums: a table of our own beside
whatever table an engine keeps. Reading works where there is none yet.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..session import Session
from .files import Migration, checksum

TABLE = "runbook_release_migrations"
_CREATE = f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (
        scope text NOT NULL,
        name text NOT NULL,
        sha256 text NOT NULL,
        release text NOT NULL,
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        applied_at timestamptz,
        milliseconds integer,
        statements integer NOT NULL DEFAULT 0,
        PRIMARY KEY (scope, name)
    )
"""
_WRITE = f"""
    INSERT INTO {TABLE} (scope, name, sha256, release, applied_at, milliseconds, statements) VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s)
    ON CONFLICT (scope, name) DO UPDATE SET sha256 = excluded.sha256, release = excluded.release, applied_at = excluded.applied_at,
        milliseconds = excluded.milliseconds, statements = excluded.statements
"""


@dataclasses.dataclass(frozen=True)
class Entry:
    """
    :ivar sha256: of the file, or, while it is unfinished, of the statements that are done.
    :ivar finished: False for a migration without a transaction that was interrupted.
    :ivar statements: how many are done.
    """

    name: str
    sha256: str
    release: str
    finished: bool
    statements: int


@dataclasses.dataclass(frozen=True)
class Ledger:
    """
    :ivar scope: separates the migrations of services that share a database.
    """

    scope: str

    def read(self, session: Session) -> dict[str, Entry]:
        """By name, in the order in which they were applied."""
        if not session.value("SELECT to_regclass(%s) IS NOT NULL", [TABLE]):
            return {}
        query = f"""
            SELECT name, sha256, release, applied_at IS NOT NULL, statements FROM {TABLE} WHERE scope = %s
            ORDER BY applied_at NULLS LAST, started_at, name
        """
        return {row[0]: Entry(*row) for row in session.rows(query, [self.scope])}

    def create(self, session: Session) -> None:
        if not session.value("SELECT to_regclass(%s) IS NOT NULL", [TABLE]):
            session.execute(_CREATE)

    def applied(
        self, session: Session, migration: Migration, release: str, milliseconds: int, statements: int = 0
    ) -> None:
        session.execute(
            _WRITE, [self.scope, migration.name, migration.sha256, release, milliseconds, statements]
        )

    def done(self, session: Session, name: str, release: str, sha256: str, statements: int) -> None:
        """Writes the progress of a migration without a transaction."""
        session.execute(
            f"""
            INSERT INTO {TABLE} (scope, name, sha256, release, statements) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (scope, name) DO UPDATE SET sha256 = excluded.sha256, statements = excluded.statements, applied_at = NULL
            """,
            [self.scope, name, sha256, release, statements],
        )

    def forget(self, session: Session, name: str) -> None:
        session.execute(f"DELETE FROM {TABLE} WHERE scope = %s AND name = %s", [self.scope, name])


def prefix(statements: t.Sequence[str]) -> str:
    """The checksum of the statements that are done. The file may be edited after them, but not before."""
    return checksum(*statements)

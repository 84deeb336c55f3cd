# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What an engine is: it knows the files, which of them are applied, and how to run one. They run one at a time, so
that every failure names its migration.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ...._common.errors import ReleaseError
from ...._common.operation import Context
from ...login import Login
from ...session import Server, Session
from ..files import Migration
from ..programs.supervised import EnginePrograms, ProgramPurpose, ProgramResult, Programs, Supervised
from ..request import Limits

UP, DOWN = "up", "down"
# client_connection_check_interval exists since PostgreSQL 14 (manual, 20.3.4); older servers refuse it.
_CHECKS_CLIENTS = 140000
# With these the server notices within a minute that a client's machine is gone (manual, 20.3.2).
_KEEPALIVES = {"tcp_keepalives_idle": "20", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "4"}


class TooLong(ReleaseError):
    """The timeout has passed."""


@dataclasses.dataclass(frozen=True)
class EngineOptions:
    """Where an engine finds its files, its program and its table.

    :ivar program: path of its program; None for its usual name.
    :ivar table: the table that it keeps; None for its usual name.
    :ivar release: the release that applies or reverts.
    :ivar runs_here: whether its program runs where the task runs, and not in a Job.
    """

    src: str
    release: str
    migrations_dir: str | None = None
    table: str | None = None
    program: str | None = None
    runs_here: bool = True


@dataclasses.dataclass(frozen=True)
class MigrationContext:
    """What running a migration is given.

    :ivar programs: where the engine's program runs.
    :ivar name: the application_name of all sessions that migrate, by which those of a killed run are found.
    :ivar left: seconds until the timeout.
    :ivar server_version: as server_version_num.
    :ivar rehearsal: whether programs report the SQL that they run, which is not known before.
    :ivar tools: where all other programs run, such as pg_dump.
    """

    server: Server
    programs: EnginePrograms
    context: Context
    name: str
    left: t.Callable[[], float]
    server_version: int
    limits: Limits
    rehearsal: bool = False
    tools: Programs = dataclasses.field(default_factory=Supervised)

    def settings(self, transaction: bool = True) -> dict[str, str]:
        """Settings of a session that migrates.

        :param transaction: without one, statements wait for others by design (CONCURRENTLY): only the timeout ends
            them. The engine sql decides that statement by statement.
        """
        settings = {
            "lock_timeout": "0",
            "statement_timeout": str(max(1, int(self.left() * 1000))),
            **_KEEPALIVES,
        }
        if transaction:
            settings["lock_timeout"] = str(self.limits.lock_timeout)
        if transaction and self.limits.statement_timeout:
            settings["statement_timeout"] = str(self.limits.statement_timeout)
        if self.server_version >= _CHECKS_CLIENTS:
            settings["client_connection_check_interval"] = "1000"
        return settings

    def login(self, transaction: bool = True) -> Login:
        """For the engine's program: the address that it uses, with these settings and our name."""
        return self.programs.login(self.login_here(transaction))

    def login_here(self, transaction: bool = True) -> Login:
        """For programs that run where the task runs."""
        options = " ".join(f"-c {name}={value}" for name, value in self.settings(transaction).items())
        return self.server.login.having(options=options, application_name=self.name)

    def run(
        self,
        arguments: t.Sequence[str],
        environment: t.Mapping[str, str],
        folder: str,
        migration: Migration,
        direction: str,
    ) -> ProgramResult:
        """Runs the engine's program until it ends, or until the timeout."""
        purpose = ProgramPurpose(self.programs.login(self.server.login), migration.name, direction)
        return self.programs.run(arguments, environment, folder, self.left(), purpose)

    def check_time(self) -> None:
        if self.left() <= 0:
            raise TooLong(f"The migration did not end within its timeout of {self.limits.timeout} s.")


class Engine(t.Protocol):
    #: Whether it writes our ledger itself, within the transaction of the migration.
    keeps_ledger: bool
    #: Whether it sends the statements of the files itself, and has no program of its own.
    runs_sql: bool

    @property
    def tables(self) -> t.Sequence[str]:
        """Its own tables, as patterns for pg_dump: they are not part of the schema."""

    def files(self) -> list[Migration]:
        """All migrations, in order. Raises InputError where the folder is not valid."""

    def applied(self, session: Session) -> list[str]:
        """Names of applied migrations, in their order. Writes nothing, even if the engine has never run."""

    def problems(self, session: Session) -> list[str]:
        """Why it cannot run at all, according to its own table."""

    def run(self, work: MigrationContext, migration: Migration, direction: str) -> t.Sequence[str]:
        """Applies or reverts one migration. Raises DatabaseError.

        :return: in a rehearsal, the SQL that its program ran.
        """

    def recover(
        self, work: MigrationContext, migration: Migration, direction: str, ended: ProgramResult
    ) -> None:
        """Repairs its own table after its program has ended without a run that watched it."""


class KeepsItsTable:
    """An engine whose table is right whatever has ended its program: it is written with the migration, or after it."""

    def recover(
        self, work: MigrationContext, migration: Migration, direction: str, ended: ProgramResult
    ) -> None:
        return

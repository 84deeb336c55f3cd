# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What an engine is: it knows the files, what of them is applied, and
how to run one of them. One at a time, so that every failure has a name.
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

UP, DOWN = "up", "down"
# client_connection_check_interval is of PostgreSQL 14 and newer
# (manual, 20.3.4); an unknown setting is refused with the connection.
_CHECKS_CLIENTS = 140000
# A client whose machine is gone says no farewell: within a
# minute the server lets go of what it holds (manual, 20.3.2).
_KEEPALIVES = {"tcp_keepalives_idle": "20", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "4"}


class TooLong(ReleaseError):
    """The wall clock has run out."""


@dataclasses.dataclass(frozen=True)
class MigrationContext:
    """What running a migration is given.

    :ivar programs: where the engine's program runs.
    :ivar name: the application_name of everything that works,
        by which what a dead runner left behind is found.
    :ivar left: seconds until the wall clock runs out.
    :ivar server_version: as server_version_num says it.
    :ivar rehearsal: whether it is asked what was run, too: of a program nobody knows before.
    :ivar tools: where all other programs run, such as pg_dump: here.
    """

    server: Server
    programs: EnginePrograms
    context: Context
    name: str
    left: t.Callable[[], float]
    server_version: int
    rehearsal: bool = False
    tools: Programs = dataclasses.field(default_factory=Supervised)

    def settings(self, transaction: bool = True) -> dict[str, str]:
        """Of a session that works. What runs without a transaction
        waits for others by design (CONCURRENTLY): only time ends it.

        Where we send the statements ourselves, this holds for those alone that do.
        """
        params = self.context.params
        milliseconds = str(max(1, int(self.left() * 1000)))
        return {
            "lock_timeout": str(params["lock_timeout"]) if transaction else "0",
            "statement_timeout": str(params["statement_timeout"])
            if transaction and params["statement_timeout"]
            else milliseconds,
            **_KEEPALIVES,
            **(
                {"client_connection_check_interval": "1000"} if self.server_version >= _CHECKS_CLIENTS else {}
            ),
        }

    def login(self, transaction: bool = True) -> Login:
        """For the engine's program: as it reaches the database, with these settings and our name."""
        return self.programs.login(self.login_here(transaction))

    def login_here(self, transaction: bool = True) -> Login:
        """For programs that run where we run."""
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
        """Runs the engine's program to its end, or to that of our time."""
        purpose = ProgramPurpose(self.programs.login(self.server.login), migration.name, direction)
        return self.programs.run(arguments, environment, folder, self.left(), purpose)

    def check_time(self) -> None:
        if self.left() <= 0:
            raise TooLong(
                f"The migration did not end within its timeout of {self.context.params['timeout']} s."
            )


class Engine(t.Protocol):
    #: Whether it writes our ledger itself, in the transaction of the migration.
    keeps_ledger: bool
    #: Whether it sends the statements of the files as they are.
    runs_sql: bool

    @property
    def tables(self) -> t.Sequence[str]:
        """Its own, as patterns of pg_dump: no part of anybody's schema."""

    def files(self) -> list[Migration]:
        """All that there are, in order; raises where the folder cannot be taken as it is."""

    def applied(self, session: Session) -> list[str]:
        """Names, in the order of application; by reading alone, also where the engine has never run."""

    def problems(self, session: Session) -> list[str]:
        """Why it cannot run at all: what its own table or its files say against it."""

    def run(self, work: MigrationContext, migration: Migration, direction: str) -> t.Sequence[str]:
        """Applies one, or takes it back. Raises DatabaseError.

        :return: in a rehearsal, the SQL that a program was seen to run.
        """

    def recover(
        self, work: MigrationContext, migration: Migration, direction: str, ended: ProgramResult
    ) -> None:
        """Puts its own table right after its program came to an end that no run has seen."""


class KeepsItsTable:
    """Of engines whose table is right whatever ended their
    program: they write it with the migration, or behind it.
    """

    def recover(
        self, work: MigrationContext, migration: Migration, direction: str, ended: ProgramResult
    ) -> None:
        return

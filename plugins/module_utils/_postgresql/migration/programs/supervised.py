# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs the programs of engines: limited by the wall clock,
and gone when we are gone, with everything that they started.

Either where the task runs (Supervised, here), or in a Job of Kubernetes (job.py).
"""

from __future__ import annotations

import dataclasses
import inspect
import os
import subprocess
import sys
import tempfile
import typing as t

from ...login import Login
from . import supervisor

# Begins a line in which a program answers this code: it is not shown to people.
ANSWER_MARK = "runbook-release-answer:"


@dataclasses.dataclass(frozen=True)
class ProgramResult:
    """
    :ivar code: the exit code; None where the program was ended because of the timeout.
    """

    code: int | None
    out: str
    err: str

    @property
    def said(self) -> str:
        return "\n".join(text.strip() for text in (self.err, self.out) if text.strip())


class ProgramPurpose(t.NamedTuple):
    """What the program of an engine runs for.

    :ivar login: as the program reaches the database.
    """

    login: Login
    migration: str
    direction: str


class AbandonedRun(t.NamedTuple):
    """What a killed run had started, and how it ended. Its result has no exit code where that is not known."""

    migration: str
    direction: str
    ended: ProgramResult


class Programs(t.Protocol):
    def run(
        self, arguments: t.Sequence[str], environment: t.Mapping[str, str], folder: str, seconds: float
    ) -> ProgramResult:
        """Runs a program and waits for it.

        :param environment: added to our own; secrets go here, because every user of the machine sees command lines.
        """


class EnginePrograms(t.Protocol):
    """Where an engine's own program runs. Its folders, and its address of the database, may differ from ours."""

    def run(
        self,
        arguments: t.Sequence[str],
        environment: t.Mapping[str, str],
        folder: str,
        seconds: float,
        purpose: ProgramPurpose,
    ) -> ProgramResult:
        """Runs a program as Programs.run does.

        :param folder: a path of ours.
        """

    def path(self, path: str) -> str:
        """Translates one of our paths into the program's."""

    def login(self, login: Login) -> Login:
        """The login by which the program reaches the same database."""

    def check(self) -> None:
        """Raises where no program can run; writes nothing."""

    def at_work(self, login: Login) -> list[str]:
        """Names of what earlier runs have started on this database and what continues without them."""

    def recover_abandoned(self, login: Login, seconds: float) -> list[AbandonedRun]:
        """Waits for, or ends, what earlier runs have started. Needs the lock, which proves that they are gone."""

    def abandon(self) -> None:
        """Ends the current program, as the last thing that this process does. Another thread may call it."""


class Supervised:
    """Runs each program under a supervisor (see supervisor.py), which ends it when this process has died."""

    def path(self, path: str) -> str:
        return path

    def login(self, login: Login) -> Login:
        return login

    def check(self) -> None:
        """A missing program is reported when it is run; nothing has been changed by then."""

    def at_work(self, login: Login) -> list[str]:
        return []

    def recover_abandoned(self, login: Login, seconds: float) -> list[AbandonedRun]:
        return []

    def abandon(self) -> None:
        return

    def run(
        self,
        arguments: t.Sequence[str],
        environment: t.Mapping[str, str],
        folder: str,
        seconds: float,
        purpose: ProgramPurpose | None = None,
    ) -> ProgramResult:
        # Only this process holds the writing end: the supervisor sees it close when we die, whatever the cause.
        reading, writing = os.pipe()
        try:
            with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
                supervision = [sys.executable, "-I", "-c", inspect.getsource(supervisor)]
                command = [*supervision, str(max(0.0, seconds)), *arguments]
                try:
                    code = subprocess.Popen(  # pylint: disable=ansible-bad-function
                        command,
                        env={**os.environ, **environment},
                        cwd=folder,
                        stdin=reading,
                        stdout=out,
                        stderr=err,
                        start_new_session=True,
                    ).wait()
                except OSError as exc:
                    return ProgramResult(127, "", f"{arguments[0]}: {exc.strerror}")
                exit_code = None if code == supervisor.TIME_IS_OVER else code
                return ProgramResult(exit_code, _text(out), _text(err))
        finally:
            os.close(reading)
            os.close(writing)


def _text(file: t.IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")

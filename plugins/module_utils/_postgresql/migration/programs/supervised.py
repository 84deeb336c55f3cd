# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs the programs of engines: limited by the wall clock,
and gone when we are gone, with everything that they started.

Either where the task runs (Supervised, here), or in a Job of Kubernetes (_program_job.py).
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


@dataclasses.dataclass(frozen=True)
class ProgramResult:
    """
    :ivar code: of the program; None when it was ended because its time was over.
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
    """What a run that is gone had begun, and how it ended;
    without an exit code where nobody knows how far it came.
    """

    migration: str
    direction: str
    ended: ProgramResult


class Programs(t.Protocol):
    def run(
        self, arguments: t.Sequence[str], environment: t.Mapping[str, str], folder: str, seconds: float
    ) -> ProgramResult:
        """Runs a program to its end.

        :param environment: on top of our own; secrets go here,
            since every user of the machine sees command lines.
        """


class EnginePrograms(t.Protocol):
    """Where an engine's own program runs: it may see other
    folders and another address of the database than we do.
    """

    def run(
        self,
        arguments: t.Sequence[str],
        environment: t.Mapping[str, str],
        folder: str,
        seconds: float,
        purpose: ProgramPurpose,
    ) -> ProgramResult:
        """As that of Programs.

        :param folder: one of our paths.
        """

    def path(self, path: str) -> str:
        """One of our paths, as the program sees it."""

    def login(self, login: Login) -> Login:
        """The same database, as the program reaches it."""

    def check(self) -> None:
        """Raises where no program could run; writes nothing."""

    def at_work(self, login: Login) -> list[str]:
        """Names of what earlier runs have begun on this database and what may go on without them."""

    def recover_abandoned(self, login: Login, seconds: float) -> list[AbandonedRun]:
        """Waits for the end of what earlier runs have begun, or
        ends it. Only under the lock, which says that they are gone.
        """

    def abandon(self) -> None:
        """Ends what runs now, as the last thing that this process
        does. Called by another thread, or by the handler of a signal.
        """


class Supervised:
    """Each program under a supervisor of its own (see supervisor.py),
    which ends it when we have gone: it is never left at work.
    """

    def path(self, path: str) -> str:
        return path

    def login(self, login: Login) -> Login:
        return login

    def check(self) -> None:
        return  # a program that is not there is told when it is run: nothing has been changed by then

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
        reading, writing = (
            os.pipe()
        )  # held open by us alone: its end is how the supervisor learns of ours, whatever ended us
        try:
            with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
                command = [
                    sys.executable,
                    "-I",
                    "-c",
                    inspect.getsource(supervisor),
                    str(max(0.0, seconds)),
                    *arguments,
                ]
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
                return ProgramResult(
                    None if code == supervisor.TIME_IS_OVER else code, _text(out), _text(err)
                )
        finally:
            os.close(reading)
            os.close(writing)


def _text(file: t.IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")

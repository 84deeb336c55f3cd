# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""pgBackRest and PostgreSQL's server as programs: they run as the user who owns their files, and no secret is on
their command lines.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import shutil
import subprocess
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..session import Server, Session

Argv = t.Sequence[str]


class ProgramResult(t.NamedTuple):
    code: int
    out: str
    err: str


class PgBackRestPrograms(t.Protocol):
    def run(self, argv: Argv) -> ProgramResult:
        """Runs a program and waits for it, however long that takes."""

    def start(self, argv: Argv, log: str) -> subprocess.Popen[bytes]:
        """Starts a program in the background, in a session of its own; its output goes to a file."""

    def own(self, path: str) -> None:
        """Gives a file or folder to the user that programs run as."""


@dataclasses.dataclass(frozen=True)
class _RunAs:
    """The user that programs run as.

    :ivar switch: whether that is another one than ours.
    """

    uid: int
    gid: int
    home: str
    switch: bool

    def options(self) -> dict[str, t.Any]:
        drop: dict[str, t.Any] = {}
        if self.switch:
            groups = os.getgrouplist(pwd.getpwuid(self.uid).pw_name, self.gid)
            drop = {"user": self.uid, "group": self.gid, "extra_groups": groups}
        environment = {**os.environ, "HOME": self.home, "LC_ALL": "C", "PGTZ": "UTC"}
        return {**drop, "env": environment, "cwd": "/", "umask": 0o077, "stdin": subprocess.DEVNULL}


class LocalPrograms:
    """Programs of this machine.

    :param user: whom they run as if we are root. The server refuses root, and pgBackRest's files must stay its user's.
    """

    def __init__(self, user: str) -> None:
        try:
            entry = pwd.getpwnam(user) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        except KeyError:
            raise InputError(
                f"user: found {user}, which this machine does not know; allowed: the user that PostgreSQL runs as"
            ) from None
        self._as = _RunAs(entry.pw_uid, entry.pw_gid, entry.pw_dir, os.geteuid() == 0)

    def run(self, argv: Argv) -> ProgramResult:
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                list(argv), capture_output=True, check=False, **self._as.options()
            )
        except OSError as exc:
            raise _missing(argv, exc) from exc
        return ProgramResult(
            done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        )

    def start(self, argv: Argv, log: str) -> subprocess.Popen[bytes]:
        try:
            with open(log, "ab") as file:
                return subprocess.Popen(  # pylint: disable=ansible-bad-function
                    list(argv), stdout=file, stderr=file, start_new_session=True, **self._as.options()
                )
        except OSError as exc:
            raise _missing(argv, exc) from exc

    def own(self, path: str) -> None:
        if self._as.switch:
            os.chown(path, self._as.uid, self._as.gid)

    @contextlib.contextmanager
    def acting(self) -> t.Iterator[None]:
        """Makes this process act as the user while the block runs."""
        if not self._as.switch:
            yield
            return
        os.seteuid(self._as.uid)
        try:
            yield
        finally:
            os.seteuid(0)


class AsUser:
    """Connects to a server as the programs' user, for the authentication method peer (pg_hba.conf)."""

    def __init__(self, server: Server, programs: LocalPrograms) -> None:
        self._server, self._programs, self.login = server, programs, server.login

    @contextlib.contextmanager
    def session(
        self, database: str = "", *, options: t.Mapping[str, str] | None = None, name: str = ""
    ) -> t.Iterator[Session]:
        with contextlib.ExitStack() as stack:
            with self._programs.acting():
                session = stack.enter_context(self._server.session(database, options=options, name=name))
            yield session


def program_path(name: str) -> str:
    """The full path of a program, because pgBackRest writes its own path into restore_command."""
    path = shutil.which(name)
    if not path:
        raise ReleaseError(
            f"The program {name} is missing where this task runs.",
            then=f"install it there (Debian: {os.path.basename(name)})",
        )
    return path


def _missing(argv: Argv, error: OSError) -> ReleaseError:
    return ReleaseError(f"{argv[0]} could not be started.", why=[str(error)])

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Fills an empty database from a backup, and proves that it now holds what the backup's snapshot held."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import os
import re
import tempfile
import typing as t

from ..._common.errors import ReleaseError
from ..._common.operation import Context
from .. import lock
from ..session import Server
from . import content, programs
from .manifest import Damaged, Manifest
from .pipeline import Pipeline, PipelineError, Program
from .ports import Ports
from .programs import PgPrograms
from .progress import amount
from .scratch import MAINTENANCE

# Index builds take most of the time of a restore; the memory is freed with the connection. A restore
# that a crash of the server interrupts starts again anyway, so its commits need not wait for the
# disk: the ANALYZE at its end does, for all of them.
_SETTINGS = {
    "maintenance_work_mem": "256MB",
    "synchronous_commit": "off",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
_SAY_EVERY = 5.0  # seconds


def check(programs_: PgPrograms, manifest: Manifest, server_version: int) -> None:
    """Refuses at once what would fail later."""
    programs.check_restore(
        programs_.major("pg_restore"), int(str(manifest["client_version"]).partition(".")[0])
    )
    if server_version // 10000 < manifest["server_version_num"] // 10000:
        raise ReleaseError(
            f"The server is of version {server_version // 10000}, the backup of {manifest['server_version_num'] // 10000}: it may need what the server lacks.",
            done="nothing was changed",
            then=f"restore on a server of version {manifest['server_version_num'] // 10000} or newer",
        )


@dataclasses.dataclass(frozen=True)
class LoadOptions:
    """How a backup is restored.

    :ivar jobs: number of sessions; more than one need room for the dump in ``spool``.
    :ivar identity: what decrypts the backup.
    :ivar spool: folder for temporary files; None for the system's own.
    :ivar owners: whether owners and privileges are restored as well, which needs the roles.
    """

    jobs: int
    identity: str | None
    spool: str | None
    owners: bool


class Loader:
    """Restores one backup."""

    def __init__(
        self,
        ports: Ports,
        context: Context,
        manifest: Manifest,
        options: LoadOptions,
    ) -> None:
        self._server = ports.server
        self._store = ports.store
        self._programs = ports.programs
        self._context = context
        self._manifest = manifest
        self._options = options

    def fill(self, database: str) -> None:
        """Restores into this database, which is empty. Raises when any part failed, or the backup is damaged."""
        part = self._manifest["dump"]
        settings = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        login = self._server.login.to(database).having(
            application_name=lock.holder_name("restore", self._context), options=settings
        )
        argv = [
            self._programs.path("pg_restore"), f"--dbname={database}", "--exit-on-error", "--no-password",
            *([] if self._options.owners else ["--no-owner", "--no-acl"]),
        ]  # fmt: skip
        if self._options.jobs == 1:
            self._feed(part, [*self._unpacked(part), Program(argv, login.environment())], read=False)
            return
        # Several jobs need a file. A file without a name is gone with the process, however that ends.
        with tempfile.TemporaryFile(dir=self._options.spool) as file:
            self._land(part, file)
            named = f"/proc/{os.getpid()}/fd/{file.fileno()}"
            with Pipeline(
                f"The restore into {database}",
                [Program([*argv, f"--jobs={self._options.jobs}", named], login.environment())],
                read=False,
            ) as pipe:
                pipe.finish()

    def restore_globals(self) -> list[str]:
        """Creates the roles and tablespaces that the server lacks; existing ones stay as they are.

        :return: what the server refused.
        """
        part = self._manifest["globals"]
        if not part:
            return ["the backup holds no roles and tablespaces"]
        problems: list[str] = []
        with self._server.session(MAINTENANCE) as session:
            known = {
                name
                for (name,) in session.rows(
                    "SELECT rolname FROM pg_roles UNION ALL SELECT spcname FROM pg_tablespace"
                )
            }
            for statement, target in statements(self._plain(part)):
                if target in known:
                    continue
                if password := _PASSWORD.search(statement):
                    self._context.redact.learn(password[1])
                try:
                    session.execute(statement)
                except ReleaseError as exc:
                    problems.append(f"{target}: {exc.what}")
        return problems

    def _plain(self, part: dict[str, t.Any]) -> str:
        with tempfile.TemporaryFile(dir=self._options.spool) as file:
            self._land(part, file)
            file.seek(0)
            return file.read().decode()

    def _land(self, part: dict[str, t.Any], file: t.IO[bytes]) -> None:
        if chain := self._unpacked(part):
            self._feed(part, chain, into=file)
            return
        for data in self._checked(part):
            file.write(data)
        file.flush()

    def _unpacked(self, part: dict[str, t.Any]) -> list[Program]:
        chain = []
        if part["encryption"]:
            chain.append(Program(self._programs.decrypt(part["encryption"], self._options.identity)))
        if part["compression"] == "zstd":
            chain.append(Program(self._programs.decompress()))
        return chain

    def _feed(
        self,
        part: dict[str, t.Any],
        chain: list[Program],
        *,
        read: bool = True,
        into: t.IO[bytes] | None = None,
    ) -> None:
        stored = self._checked(part)
        with Pipeline(
            f"The restore of {self._manifest['id']}", chain, fed=True, read=read, into=into
        ) as pipe:
            try:
                for data in stored:
                    pipe.write(data)
            except PipelineError:
                # Read to its end: if the backup is damaged, that is the cause, and reading it raises.
                collections.deque(stored, maxlen=0)
                raise
            pipe.finish()

    def _checked(self, part: dict[str, t.Any]) -> t.Iterator[bytes]:
        """The stored bytes. Raises at the end where they are not what was written."""
        name = f"{self._manifest['id']}/{part['name']}"
        hashed, done = hashlib.sha256(), 0
        clock = self._context.clock
        reported = clock.now()
        for data in self._store.read(name):
            hashed.update(data)
            done += len(data)
            yield data
            if clock.now() - reported >= _SAY_EVERY:
                reported = clock.now()
                self._context.say(
                    f"{self._manifest['database']}: {amount(done)} of {amount(part['size'])} restored"
                )
        if hashed.hexdigest() != part["sha256"]:
            raise Damaged(
                f"{name} is not what was backed up.",
                why=[
                    f"SHA-256 of {done} bytes read: {hashed.hexdigest()}",
                    f"SHA-256 of {part['size']} bytes written: {part['sha256']}",
                ],
                then="use another backup, and find out who wrote to the store",
            )


def proof(server: Server, database: str, manifest: Manifest) -> list[str]:
    """Everything in which a restored database differs from the backup's snapshot; empty when it is the same."""
    with server.session(database, options={"statement_timeout": "0"}) as session:
        hashes = any("hash" in table for table in manifest["content"]["tables"].values())
        return content.differences(
            manifest["content"], content.read(session, manifest["hashed_by"] == "record", hashes)
        )


def analyze(server: Server, database: str) -> None:
    """Without statistics a restored database plans its first queries blindly."""
    with server.session(database, options={"statement_timeout": "0"}) as session:
        session.execute("ANALYZE")


# As pg_dumpall writes them, each on a line of its own. Of a
# GRANT the role that gets it is the one that counts.
_IDENTIFIER = r'("(?:[^"]|"")+"|[^\s";]+)'
_STATEMENT = re.compile(
    rf"(?:(?:CREATE|ALTER) ROLE|CREATE TABLESPACE) {_IDENTIFIER}.*;|GRANT .* TO {_IDENTIFIER}.*;"
)
_PASSWORD = re.compile(r"PASSWORD '([^']+)'")


def statements(text: str) -> t.Iterator[tuple[str, str]]:
    """The statements that make roles and tablespaces, each with the name of what it is about."""
    for line in text.splitlines():
        if found := _STATEMENT.fullmatch(line):
            yield line, (found[1] or found[2]).strip('"').replace('""', '"')

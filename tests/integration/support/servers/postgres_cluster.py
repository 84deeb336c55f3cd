# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PostgreSQL cluster of a test's own: for what changes a
server as a whole (standbys, archiving, physical backups).
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import typing as t
from pathlib import Path

from sandbox.components.postgresql import USER, programs
from tests.integration.support.servers.databases import Database


def as_user(
    *command: str, check: bool = True, env: t.Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A command as the user of the server; not through a file descriptor that a daemon would keep open."""
    drop = ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            [*drop, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "HOME": "/tmp", **(env or {})},
            cwd="/",
            check=False,
            timeout=120,
        )
        output.seek(0)
        said = output.read()
    assert not check or done.returncode == 0, f"{' '.join(command)}: {said}"
    return subprocess.CompletedProcess(command, done.returncode, said, "")


@contextlib.contextmanager
def folder() -> t.Iterator[Path]:
    """One that the user of the server can reach, which pytest's own is not."""
    path = Path(tempfile.mkdtemp(prefix="runbook-pg-", dir="/tmp"))
    owner = pwd.getpwnam(USER) if os.geteuid() == 0 else None
    if owner:
        os.chown(path, owner.pw_uid, owner.pw_gid)
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@functools.cache
def _initialized() -> str:
    """The data directory of a cluster that never ran: what
    initdb takes its time for is the same for all of them.
    """
    kept = contextlib.ExitStack()
    atexit.register(kept.close)
    data = str(kept.enter_context(folder()) / "initialized")
    as_user(str(programs() / "initdb"), "-D", data, "-U", USER, "-A", "trust", "--no-sync")
    return data


class PostgresCluster:
    """Data directory and socket below ``home``. Superuser postgres;
    everybody on the loopback is trusted, but has to say who it is.
    """

    def __init__(self, home: Path, name: str = "main") -> None:
        self.home, self.name, self.data, self.port = home, name, home / name, free_port()

    @property
    def database(self) -> Database:
        return Database(self.port, "postgres", USER, "")

    @property
    def login(self) -> dict[str, t.Any]:
        return self.database.login

    @property
    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def create(self, **settings: t.Any) -> PostgresCluster:
        as_user("cp", "--archive", "--reflink=auto", _initialized(), str(self.data))
        self.configure(fsync="off", **settings)
        return self

    def standby_of(self, primary: PostgresCluster, slot: str) -> PostgresCluster:
        source = f"host=127.0.0.1 port={primary.port} user={USER} application_name={self.name}"
        as_user(
            str(programs() / "pg_basebackup"),
            "-D",
            str(self.data),
            "-d",
            source,
            "-R",
            "-C",
            "-S",
            slot,
            "-c",
            "fast",
            "--no-sync",
        )
        return self

    def configure(self, **settings: t.Any) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def start(self) -> PostgresCluster:
        options = f"-p {self.port} -k {self.home} -c listen_addresses=127.0.0.1 -c shared_buffers=16MB"
        as_user(
            str(programs() / "pg_ctl"),
            "-D",
            str(self.data),
            "-w",
            "-l",
            str(self.home / f"{self.name}.log"),
            "-o",
            options,
            "start",
        )
        return self

    def stop(self) -> None:
        as_user(
            str(programs() / "pg_ctl"), "-D", str(self.data), "-w", "-m", "immediate", "stop", check=False
        )

    def psql(self, sql: str) -> str:
        return self.database.psql(sql)

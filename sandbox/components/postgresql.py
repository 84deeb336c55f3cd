# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's PostgreSQL: the platform's database. A cluster of its own, made anew with every sandbox."""

from __future__ import annotations

import pwd
import shutil
import subprocess
from pathlib import Path

from sandbox.components.base import Component
from sandbox.errors import SandboxError
from sandbox.node.sandbox_state import write
from sandbox.settings import POSTGRES_PASSWORD

FOLDER = (
    "/var/lib/postgresql"  # private to the sandbox (see namespaces.py), and a path that its user may enter
)
USER = "postgres"


def programs() -> Path:
    """Of the newest version that is installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parent.parent.name)
    )
    if not found:
        raise SandboxError("PostgreSQL is missing. Install Debian's package: apt-get install postgresql")
    return found[-1].parent


class Postgresql(Component):
    name = "postgresql"
    listens = "postgresql"

    def argv(self) -> list[str]:
        # Every address is one of the sandbox's own network: pods reach it as well.
        return [
            *_as_user(), str(programs() / "postgres"), "-D", f"{FOLDER}/data", "-p", str(self.settings.port("postgresql")),
            "-c", "listen_addresses=*", "-c", "unix_socket_directories=", "-c", "shared_buffers=128MB", "-c", "max_wal_size=2GB",
        ]  # fmt: skip

    def _start(self) -> None:
        outside = self.settings.root / "private" / FOLDER.strip("/").replace("/", "-")
        shutil.chown(outside, USER)
        if not (outside / "data" / "PG_VERSION").exists():
            shutil.rmtree(outside / "data", ignore_errors=True)
            write(outside / "password", POSTGRES_PASSWORD + "\n")
            self.sandbox.namespaces.run([
                *_as_user(), str(programs() / "initdb"), "-D", f"{FOLDER}/data", "-U", USER, "--no-sync",
                "--auth=scram-sha-256", f"--pwfile={FOLDER}/password", "--encoding=UTF8", "--locale=C.UTF-8",
            ])  # fmt: skip
            with (outside / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all all scram-sha-256\n")
        super()._start()

    def healthy(self) -> bool:
        asked = [
            str(programs() / "pg_isready"),
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.settings.port("postgresql")),
        ]
        return subprocess.run(asked, check=False).returncode == 0


def _as_user() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return [
        "setpriv",
        f"--reuid={pwd.getpwnam(USER).pw_uid}",
        f"--regid={pwd.getpwnam(USER).pw_gid}",
        "--clear-groups",
    ]

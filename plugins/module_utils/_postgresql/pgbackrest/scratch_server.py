# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The server of a restored copy: it listens on a private socket only, and is cut off from whatever the original is
connected to.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import typing as t

from ..._common.errors import InputError, NotFound, ReleaseError
from ..._common.operation import Context
from ..login import Login
from ..session import Server, Unreachable
from .programs import PgBackRestPrograms

_PORT = "5432"  # part of the socket's name; the server listens on no address
_LOG_LINES = 15
_STOP_SECONDS = 60
_POLL_SECONDS = 0.2
# Where packages install several versions side by side (Debian, and postgresql.org for Red Hat).
_PLACES = ("/usr/lib/postgresql/{}/bin", "/usr/pgsql-{}/bin")
# The copy must not archive into the repository, subscribe to publications, run jobs of libraries such as pg_cron, or
# wait for standbys.
_CUT_OFF = {
    "listen_addresses": "",
    "archive_mode": "off",
    "archive_command": "",
    "max_logical_replication_workers": "0",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "synchronous_standby_names": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
}
# The copy lives for minutes, and nobody writes to it. Without hot_standby it refuses connections until recovery ends.
_SMALL = {
    "hot_standby": "off",
    "fsync": "off",
    "autovacuum": "off",
    "ssl": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "external_pid_file": "",
    "shared_buffers": "128MB",
    "huge_pages": "off",
    "cluster_name": "runbook.release drill",
}
# Settings that recovery needs to be at least as on the primary, with their names in pg_controldata.
_AS_BEFORE = {
    "max_connections": "max_connections setting",
    "max_worker_processes": "max_worker_processes setting",
    "max_wal_senders": "max_wal_senders setting",
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}


_FILES = {"postgresql.conf": "", "pg_ident.conf": "", "pg_hba.conf": "local all all trust\n"}


def programs_folder(version: str, given: str | None) -> str:
    """The folder of the programs of a major version, the only one that a copy runs on."""
    places = [given] if given else [place.format(version) for place in _PLACES]
    for place in places:
        if place and os.access(os.path.join(place, "postgres"), os.X_OK):
            return place
    if given:
        raise InputError(
            f"pg_bin: found {given}, which has no program postgres; allowed: the folder of the programs of a PostgreSQL {version} server"
        )
    raise NotFound(
        f"There is no PostgreSQL {version} server where this task runs (searched in {', '.join(places)}).",
        done="nothing was changed",
        then=f"install it there (Debian: postgresql-{version}), or set pg_bin to its folder",
    )


def settings(folder: str, controldata: str, given: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Settings for the command line, which override those in files; pure.

    :param controldata: the output of pg_controldata for the copy.
    """
    control = dict(re.findall(r"^(.+?):\s+(.*)$", controldata, re.MULTILINE))
    as_before = {name: control[label] for name, label in _AS_BEFORE.items() if label in control}
    own = {
        "port": _PORT,
        "unix_socket_directories": folder,
        "config_file": f"{folder}/postgresql.conf",
        "hba_file": f"{folder}/pg_hba.conf",
    }
    return {
        **_SMALL,
        **as_before,
        **{name: str(value) for name, value in given.items()},
        **_cut_off(given),
        **own,
        "ident_file": f"{folder}/pg_ident.conf",
    }


def _cut_off(given: t.Mapping[str, t.Any]) -> dict[str, str]:
    """The user may load libraries: some extensions cannot be read without theirs."""
    return {
        name: value
        for name, value in _CUT_OFF.items()
        if not (name.endswith("_preload_libraries") and name in given)
    }


def login(folder: str, user: str) -> Login:
    return Login(
        {
            "host": folder,
            "port": _PORT,
            "user": user,
            "dbname": "postgres",
            "connect_timeout": "5",
            "sslmode": "disable",
        }
    )


@dataclasses.dataclass(frozen=True)
class Copy:
    """A restored copy.

    :ivar folder: holds the data directory ``data``, the socket, the configuration and the log.
    :ivar binaries: folder of the server's programs.
    """

    folder: str
    binaries: str
    programs: PgBackRestPrograms
    server: Server


@contextlib.contextmanager
def started(copy: Copy, given: t.Mapping[str, t.Any], context: Context, seconds: float) -> t.Iterator[None]:
    """Runs the server of a copy, through its recovery, while the block runs.

    :param given: settings of the user.
    :param seconds: how long recovery may take.
    """
    programs, binaries, log = copy.programs, copy.binaries, f"{copy.folder}/log"
    for name, text in _FILES.items():
        path = os.path.join(copy.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        programs.own(path)
    data = f"{copy.folder}/data"
    controldata = programs.run([f"{binaries}/pg_controldata", "-D", data])
    arguments: list[str] = []
    for name, value in settings(copy.folder, controldata.out, given).items():
        arguments += ["-c", f"{name}={value}"]
    process = programs.start([f"{binaries}/postgres", "-D", data, *arguments], log)
    try:
        _wait_until_ready(process, log, copy.server, context, seconds)
        yield
    finally:
        _stop(process)


def _wait_until_ready(
    process: subprocess.Popen[bytes], log: str, server: Server, context: Context, seconds: float
) -> None:
    end = context.clock.now() + seconds
    while True:
        if process.poll() is not None:
            raise ReleaseError("The restored copy does not start.", why=last_words(log))
        try:
            with server.session(name="runbook.release drill"):
                return
        except Unreachable:
            if context.clock.now() > end:
                raise ReleaseError(
                    f"The restored copy did not finish recovery within {seconds:.0f} s.",
                    why=last_words(log),
                    then="raise timeout",
                ) from None
        context.clock.sleep(_POLL_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT):
        if process.poll() is None:
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()


def last_words(log: str) -> list[str]:
    """Errors in the server's log, or else its last lines."""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip() for line in file if line.strip()]
    except OSError:
        return []
    errors = [
        line for line in lines if re.search(r"\b(FATAL|PANIC|ERROR):", line) and "starting up" not in line
    ]
    return (errors or lines)[-_LOG_LINES:]

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""A folder for a restored cluster. Neither the folder nor the programs that run in it are left behind.

A lock on a file, which the system releases however a run dies, allows one drill of a stanza at a time. Its holder
removes what an earlier run has left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import time
import typing as t

from ..._common.errors import Conflict, InputError
from ..._common.operation import Context
from .programs import PgBackRestPrograms

# A path of a Unix socket may have 107 bytes; its file is called .s.PGSQL.5432.
_LONGEST = 107 - len("/.s.PGSQL.5432")
_OURS = ("postgres", "postmaster", "pgbackrest")
_END_SECONDS = 30.0


@contextlib.contextmanager
def folder(parent: str, stanza: str, programs: PgBackRestPrograms, context: Context) -> t.Iterator[str]:
    """An empty folder of the programs' user. With the end of the block it is removed, and programs in it are ended."""
    if not os.path.isdir(parent):
        raise InputError(
            f"directory: found {parent}, which does not exist; allowed: a folder on a disk with room for the whole cluster"
        )
    prefix = f"runbook-drill-{stanza}-"
    path = os.path.join(parent, prefix + secrets.token_hex(4))
    if len(os.fsencode(path)) > _LONGEST:
        raise InputError(
            f"directory: found {parent}, which is too long for the path of a socket; allowed: at most {_LONGEST - len(prefix) - 9} characters"
        )
    with _alone(os.path.join(parent, f".{prefix}lock"), stanza):
        for left in sorted(name for name in os.listdir(parent) if name.startswith(prefix)):
            clear(os.path.join(parent, left))
            context.say(f"{stanza}: removed {left}; left behind by a drill that was killed")
        os.mkdir(path, 0o700)
        try:
            programs.own(path)
            yield path
        finally:
            clear(path)


def clear(path: str) -> None:
    """Ends the programs that run in a folder, then removes it."""
    end = time.monotonic() + _END_SECONDS
    # The fastest shutdown of the server; programs that do not end in time are killed.
    while pids := running(path):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT if time.monotonic() < end else signal.SIGKILL)
        time.sleep(0.2)
    shutil.rmtree(path, ignore_errors=True)


def running(path: str) -> list[int]:
    """Process ids of our programs that have the folder on their command line."""
    found: list[int] = []
    if not os.path.isdir("/proc/self"):
        return found
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            argv = [os.fsdecode(part) for part in file.read().split(b"\0")]
            if os.path.basename(argv[0]) in _OURS and any(path in part for part in argv[1:]):
                found.append(pid)
    return found


@contextlib.contextmanager
def _alone(lock: str, stanza: str) -> t.Iterator[None]:
    with open(lock, "a", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"{stanza}: another drill runs in {os.path.dirname(lock)}.",
                done="nothing was changed",
                then="wait for it to end and run this again",
            ) from None
        yield

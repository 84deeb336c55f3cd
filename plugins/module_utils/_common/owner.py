# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Who runs this: a name that another controller can read, and that this machine can tell dead from alive."""

from __future__ import annotations

import getpass
import os
import re
import socket

_NAMED = re.compile(r"(?P<who>\S+) pid (?P<pid>\d+) since (?P<since>\d+)")


def identity(controller: int | None) -> str:
    """As in ``deploy@runner-7 pid 4242 since 918273``; without the process where no controller is known.

    :param controller: process id of the ansible-playbook that this
        belongs to. With its start time, because ids are used again.
    """
    who = f"{_user()}@{socket.gethostname()}"
    since = _since(controller) if controller else None
    return who if since is None else f"{who} pid {controller} since {since}"


def is_dead(other: str) -> bool:
    """Whether the owner of that name ran on this machine and
    has ended. An owner elsewhere is never known to be dead.
    """
    named = _NAMED.fullmatch(other)
    if (
        not named
        or named["who"].rpartition("@")[2] != socket.gethostname()
        or not os.path.exists("/proc/self/stat")
    ):
        return False
    return _since(int(named["pid"])) != named["since"]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())


def _since(pid: int) -> str | None:
    """The start of a process in clock ticks since the boot
    (proc(5), field 22); None when there is no such process.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None

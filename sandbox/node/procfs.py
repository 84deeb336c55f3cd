# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What /proc tells about processes. An id alone is never
trusted: ids are used again, after a reboot above all.
"""

from __future__ import annotations

import os
import signal
import time
import typing as t
from pathlib import Path

# in the environment of every process the sandbox starts; its value is the state directory
MARK = "RUNBOOK_SANDBOX"


def start_time(pid: int) -> int | None:
    """Clock ticks from the machine's start to the process's;
    None when there is no such process, or a dead one.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def pids() -> t.Iterator[int]:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            yield int(entry)


def command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def namespace(pid: int | str, kind: str) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return None


def marked(state: Path) -> t.Iterator[int]:
    """Processes that carry the mark of this state directory."""
    wanted = f"{MARK}={state}".encode()
    for pid in pids():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0"):
            yield pid


def end(pid: int, started: int, patience: float = 10.0) -> None:
    """SIGTERM, and SIGKILL for one that does not heed it; returns when the process is gone."""
    for number, limit in ((signal.SIGTERM, patience), (signal.SIGKILL, 10.0)):
        if start_time(pid) != started:
            return
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            signal.pidfd_send_signal(descriptor, number)
            if wait_gone(pid, started, limit):
                return
        except ProcessLookupError:
            return
        finally:
            os.close(descriptor)


def wait_gone(pid: int, started: int, limit: float) -> bool:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if start_time(pid) != started:
            return True
        time.sleep(0.02)
    return False

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Watches over one program: ends it at its timeout, and when the process that started it has died.

It is given to an interpreter as text, so it imports nothing of the collection. It runs in a session of its own, where
no signal for the release reaches it, and reads from a pipe that nobody writes to: the pipe closes when its holder dies,
even by kill -9. Arguments: seconds, then the program and its own arguments.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

TIME_IS_OVER = 124
_CANNOT_RUN = 127


def main() -> int:
    try:
        child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)  # pylint: disable=ansible-bad-function
    except OSError as exc:
        sys.stderr.write(f"{sys.argv[2]}: {exc.strerror}\n")
        return _CANNOT_RUN
    threading.Thread(target=_end_with_the_pipe, args=(child.pid,), daemon=True).start()
    try:
        code = child.wait(float(sys.argv[1]))
    except subprocess.TimeoutExpired:
        code = TIME_IS_OVER
    _end(child.pid)  # also what it has left running
    return code if code >= 0 else 128 - code


def _end_with_the_pipe(pid: int) -> None:
    while os.read(0, 4096):
        pass
    _end(pid)


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main())

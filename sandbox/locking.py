# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One command at a time; another waits and says so. The kernel forgets the lock of a command that was killed."""

from __future__ import annotations

import fcntl
import typing as t
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, meanwhile: str) -> t.Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(meanwhile, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield

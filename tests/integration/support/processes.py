# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What anybody on the machine can see of its programs."""

from __future__ import annotations

import contextlib
import threading
import typing as t
from pathlib import Path


@contextlib.contextmanager
def command_lines() -> t.Iterator[set[str]]:
    """Every command line there was while the block ran; complete when it has ended."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    seen.add(entry.read_text(errors="replace"))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()

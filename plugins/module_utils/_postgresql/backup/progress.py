# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Reports the progress of a dump every few seconds, and ends a dump that takes too long."""

from __future__ import annotations

import threading

from ..._common.operation import Context
from .pipeline import Pipeline

EVERY_SECONDS = 5.0


class Progress:
    """A stream that reports on itself while it is read.

    :param total: about how many bytes pg_dump will write.
    :param pipe: its first program is pg_dump.
    :param limit: seconds after which the programs are ended.
    """

    def __init__(self, context: Context, what: str, total: int, pipe: Pipeline, limit: float) -> None:
        self._context, self._what, self._total, self._pipe = context, what, total, pipe
        self._stored, self._began, self._limit = 0, context.clock.now(), limit
        self.read_so_far: int | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def read(self, size: int = -1) -> bytes:
        data = self._pipe.read(size)
        self._stored += len(data)
        # Read while the program runs: the number is gone when it has ended.
        self.read_so_far = self._pipe.written() or self.read_so_far
        return data

    def _watch(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            lasted = self._context.clock.now() - self._began
            if lasted > self._limit:
                self._pipe.kill(f"it did not finish within {self._limit} s (timeout)")
                return
            self._context.say(line(self._what, self._pipe.written(), self._total, self._stored, lasted))


def line(what: str, done: int | None, total: int, stored: int, seconds: float) -> str:
    """As in ``shop: 312 MB of about 640 MB dumped, 118 MB stored, 71 MB/s, about 5 s left``."""
    if done is None:
        return f"{what}: {amount(stored)} stored, {amount(stored / seconds)}/s"
    rate = done / seconds
    left = f", about {round((total - done) / rate)} s left" if total > done and rate > 0 else ""
    return f"{what}: {amount(done)} of about {amount(max(total, done))} dumped, {amount(stored)} stored, {amount(rate)}/s{left}"


def amount(number: float) -> str:
    """Bytes for a person, in powers of ten."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 10 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The log of a container as it comes, through cut connections, without losing or repeating a line.

The API server gives the time of every line; after a cut the log is requested from a second before the
last time on, and lines that came already are left out. The order is that of the log, not that of the
times: standard output and standard error come by two pipes, and a line of one may be written after a
younger line of the other (measured: one Job in eight).
"""

from __future__ import annotations

import collections
import contextlib
import datetime
import queue
import re
import threading
import typing as t
import urllib.parse

from ..._common.errors import ReleaseError

_PAUSE = 0.3
_OVERLAP = datetime.timedelta(seconds=1)
_LINE = re.compile(
    r"(?P<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)(?: (?P<text>.*))?",
    re.DOTALL,
)


class Logs(t.Protocol):
    def lines(self, path: str) -> t.Iterator[str]:
        """The lines that the API server sends until the log or the connection ends."""


class LogStream:
    """Reads in a thread of its own; the lines wait in a queue until they are taken."""

    def __init__(self, api: Logs, path: str) -> None:
        """
        :param path: of the log, with the container in its query.
        """
        self._api = api
        self._path = path
        self._queue: queue.Queue[str] = queue.Queue()
        self._ended = threading.Event()
        self._begin: datetime.datetime | None = None  # from when on the log is requested
        # What an answer from that time on would bring again, with the time of each.
        self._had: list[tuple[datetime.datetime, str]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def taken(self) -> list[str]:
        """The lines that have come since the last time."""
        lines = []
        while True:
            try:
                lines.append(self._queue.get_nowait())
            except queue.Empty:
                return lines

    def end(self) -> None:
        """The container has ended: no more lines will be written."""
        self._ended.set()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _read(self) -> None:
        while True:
            last_time = self._ended.is_set()
            # Cut, not begun, or gone with its pod: requested again as long as the container may go on.
            with contextlib.suppress(ReleaseError):
                self._once()
            if last_time:
                return
            self._ended.wait(_PAUSE)

    def _once(self) -> None:
        begin = self._begin
        since = ""
        if begin:
            stamp = begin.isoformat().replace("+00:00", "Z")
            since = f"&sinceTime={urllib.parse.quote(stamp)}"
        again = collections.Counter(line for _at, line in self._had)
        for line in self._api.lines(f"{self._path}&follow=true&timestamps=true{since}"):
            parts = _LINE.fullmatch(line)
            if not parts:
                continue  # not a line of the log, but the kubelet's own words
            at = datetime.datetime.fromisoformat(parts["seconds"] + parts["zone"].replace("Z", "+00:00"))
            if begin and at < begin:
                continue  # from before the time that was requested
            if again[line]:
                again[line] -= 1
                continue
            self._remember(at, line)
            self._queue.put(parts["text"] or "")

    def _remember(self, at: datetime.datetime, line: str) -> None:
        self._had.append((at, line))
        self._begin = max(self._begin or at - _OVERLAP, at - _OVERLAP)
        if self._had[0][0] < self._begin:
            self._had = [(known, had) for known, had in self._had if known >= self._begin]

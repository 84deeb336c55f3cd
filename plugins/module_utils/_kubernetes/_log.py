# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The log of a container as it comes, through cut connections, without losing or repeating a line.

The API server gives the time of every line; after a cut the log is asked for from the last time on (which it takes by the
second only), and what was had already is left out.
"""

from __future__ import annotations

import contextlib
import queue
import re
import threading
import typing as t
import urllib.parse

from .._common._errors import ReleaseError

_PAUSE = 0.3
# Trailing zeros of the fraction are left out and the node's own time zone follows, so the parts are compared and not the text.
_LINE = re.compile(r"(?P<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d:\d\d)(?: (?P<text>.*))?", re.DOTALL)


class Logs(t.Protocol):
    def lines(self, path: str) -> t.Iterator[str]:
        """The lines that the API server sends until the log or the connection ends."""


class LogStream:
    """Reads in a thread of its own; the lines wait in a queue until they are taken."""

    def __init__(self, api: Logs, path: str) -> None:
        """
        :param path: of the log, with the container in its query.
        """
        self._api, self._path = api, path
        self._queue: queue.Queue[str] = queue.Queue()
        self._ended = threading.Event()
        self._last, self._since, self._same = ("", ""), "", 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def taken(self) -> list[str]:
        """The lines that have come since the last time."""
        found = []
        while True:
            try:
                found.append(self._queue.get_nowait())
            except queue.Empty:
                return found

    def end(self) -> None:
        """The container has ended: what is there now is all."""
        self._ended.set()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _read(self) -> None:
        while True:
            last_time = self._ended.is_set()
            # Cut, not begun, or gone with its pod: asked again as long as the container may go on.
            with contextlib.suppress(ReleaseError):
                self._once()
            if last_time:
                return
            self._ended.wait(_PAUSE)

    def _once(self) -> None:
        since = f"&sinceTime={urllib.parse.quote(self._since)}" if self._since else ""
        had = self._same  # lines of the very last time that the answer brings again
        for line in self._api.lines(f"{self._path}&follow=true&timestamps=true{since}"):
            found = _LINE.fullmatch(line)
            if not found:
                continue  # no line of the log: the kubelet's own words
            at = (found["seconds"], found["fraction"] or "")
            if at < self._last:
                continue
            if at > self._last:
                self._last, self._since, self._same, had = at, found["seconds"] + found["zone"], 0, 0
            if had:
                had -= 1
                continue
            self._same += 1
            self._queue.put(found["text"] or "")

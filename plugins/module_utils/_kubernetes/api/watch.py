# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Several watches as one stream of events, which goes on whatever happens to the single watch.

A watch ends all the time: the server's own time limit, a restart of the API server,
a load balancer's idle limit. The next one begins at the last version seen; when
that is too old (410 Gone) the collection is listed again.
"""

from __future__ import annotations

import queue
import threading
import typing as t

from ..._common.errors import Gone, ReleaseError, Unavailable
from ..._common.operation import Clock
from .port import SYNC, TICK, Event, Object

_TICK_SECONDS = 0.5
# How long an API server may be away (a restart, a fail-over) before the wait is given up.
_AWAY_SECONDS = 60.0
# How long one watch lasts; the next one follows for as long as somebody reads.
_WATCH_SECONDS = 300


class Watching(t.Protocol):
    def get(self, path: str) -> Object:
        """The list that a watch begins after."""

    def watch(self, path: str, version: str, seconds: int) -> t.Iterator[tuple[str, Object]]:
        """What happens after that version, for at most that long: kind and object."""


class Following:
    """See :class:`Follow`. One thread a path: a watch is a blocking read.
    They are daemons, so a reader that stops leaves nothing to wait for.
    """

    def __init__(self, api: Watching, paths: t.Mapping[str, str], clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._events: queue.Queue[Event | ReleaseError] = queue.Queue()
        self._stop = threading.Event()
        for path, version in paths.items():
            self.add(path, version)

    def __enter__(self) -> Following:
        return self

    def __exit__(self, *details: object) -> None:
        self._stop.set()

    def __iter__(self) -> t.Iterator[Event]:
        while True:
            try:
                event = self._events.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                event = Event("", TICK, {})
            if isinstance(event, ReleaseError):
                raise event
            yield event

    def add(self, path: str, version: str = "") -> None:
        threading.Thread(target=self._watch, args=(path, version), daemon=True).start()

    def _watch(self, path: str, version: str) -> None:
        heard = self._clock.now()
        while not self._stop.is_set():
            try:
                if not version:
                    listing = self._api.get(path)
                    version = listing["metadata"]["resourceVersion"]
                    self._events.put(Event(path, SYNC, listing))
                for kind, obj in self._api.watch(path, version, _WATCH_SECONDS):
                    heard = self._clock.now()
                    version = obj["metadata"]["resourceVersion"]
                    if kind != "BOOKMARK":
                        self._events.put(Event(path, kind, obj))
                    if self._stop.is_set():
                        return
                heard = self._clock.now()
                # A server that ends every watch at once must not be called in a tight loop.
                self._stop.wait(0.05)
            except Gone:
                version = ""
            except Unavailable as exc:
                if self._clock.now() - heard > _AWAY_SECONDS:
                    self._events.put(exc)
                    return
                self._clock.sleep(0.2)
            except ReleaseError as exc:
                self._events.put(exc)
                return
            # A thread must not die silently: the reader would wait for its whole timeout.
            except Exception as exc:
                why = f"{type(exc).__name__}: {exc}"
                self._events.put(ReleaseError(f"Watching {path} failed.", why=[why]))
                return

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Several watches as one stream of events, which goes on whatever happens to the single watch.

A watch ends all the time: the server's own time limit, a restart of the API server, a load balancer's idle limit. It is
taken up again from the last version seen; when that is too old (410 Gone) the collection is listed again.
"""

from __future__ import annotations

import queue
import threading
import typing as t

from .._common._errors import Gone, ReleaseError, Unavailable
from .._common._operation import Clock
from ._port import SYNC, TICK, Event, Object

_TICK_SECONDS = 1.0
# How long an API server may be away (a restart, a fail-over) before the wait is given up.
_AWAY_SECONDS = 60.0


class Watching(t.Protocol):
    def get(self, path: str) -> Object:
        """The list that a watch begins after."""

    def watch(self, path: str, version: str, seconds: int) -> t.Iterator[tuple[str, Object]]:
        """What happens after that version, for at most that long: kind and object."""


def follow(api: Watching, paths: t.Mapping[str, str], seconds: float, clock: Clock) -> t.Iterator[Event]:
    """Yields events of all paths, and a TICK a second while nothing happens, until the time is over or the caller stops.

    One thread a path: a watch is a blocking read. They are daemons, so a caller that stops leaves nothing to wait for.
    """
    events: queue.Queue[Event | ReleaseError] = queue.Queue()
    stop = threading.Event()
    end = clock.now() + seconds
    for path, version in paths.items():
        threading.Thread(target=_one, args=(api, path, version, end, clock, events, stop), daemon=True).start()
    try:
        while (left := end - clock.now()) > 0:
            try:
                event = events.get(timeout=min(_TICK_SECONDS, left))
            except queue.Empty:
                event = Event("", TICK, {})
            if isinstance(event, ReleaseError):
                raise event
            yield event
    finally:
        stop.set()


def _one(api: Watching, path: str, version: str, end: float, clock: Clock, events: queue.Queue[Event | ReleaseError], stop: threading.Event) -> None:
    heard = clock.now()
    while not stop.is_set() and (left := end - clock.now()) > 0:
        try:
            if not version:
                listing = api.get(path)
                version = listing["metadata"]["resourceVersion"]
                events.put(Event(path, SYNC, listing))
            for kind, thing in api.watch(path, version, max(1, int(left))):
                heard = clock.now()
                version = thing["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    events.put(Event(path, kind, thing))
                if stop.is_set():
                    return
            heard = clock.now()
            stop.wait(0.05)  # a server that ends every watch at once is not to be asked in a tight loop
        except Gone:
            version = ""
        except Unavailable as exc:
            if clock.now() - heard > _AWAY_SECONDS:
                events.put(exc)
                return
            clock.sleep(0.2)
        except ReleaseError as exc:
            events.put(exc)
            return
        except Exception as exc:  # a thread must not die unheard: the caller would wait for its whole time
            events.put(ReleaseError(f"Watching {path} failed.", why=[f"{type(exc).__name__}: {exc}"]))
            return

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The record of a release: what it was about to do, and how that went, kept where the effect is.

So the report needs no controller that was there when it happened. Every entry has a key of its own:
writing one again changes nothing, and two writers do not overwrite each other.
"""

from __future__ import annotations

import json
import typing as t

from .._common.operation import Clock

ATTEMPT, VERDICT = "attempt", "verdict"


class RecordStore(t.Protocol):
    """Keeps the record of one release as texts by key."""

    def read(self) -> dict[str, str]:
        """All of it; empty where there is none."""

    def write(self, data: t.Mapping[str, str], create: bool) -> None:
        """Adds or replaces these keys.

        :param create: there was no record a moment ago; another writer may have been quicker.
        """


class Record:
    """The record of one release. ``begin`` opens a new attempt when the last one has its verdict."""

    def __init__(self, store: RecordStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._attempt = 0

    def read(self) -> dict[str, t.Any]:
        """``attempt`` (0: there is no record), ``verdict`` and
        the ``entries`` of the newest attempt, oldest first.
        """
        data = self._store.read()
        attempt = int(data.get(ATTEMPT, 0))
        keys = sorted(key for key in data if key.startswith(f"{attempt:03d}-"))
        verdict = json.loads(data.get(VERDICT) or "{}")
        return {"attempt": attempt, "verdict": verdict, "entries": [json.loads(data[key]) for key in keys]}

    def begin(self, kind: str, entry: dict[str, t.Any], again: bool = True) -> None:
        """Before the first write of an operation: what it is about to do.

        :param again: what follows a verdict is a new attempt at the release; an undoing of it is not.
        """
        if self._attempt:
            self._store.write(self._entry(self._attempt, kind, "began", entry), create=False)
            return
        now = self.read()
        is_new = not now["attempt"] or (now["verdict"] and again)
        self._attempt = now["attempt"] + 1 if is_new else now["attempt"]
        opened = {ATTEMPT: str(self._attempt), VERDICT: ""}
        self._store.write(
            {**opened, **self._entry(self._attempt, kind, "began", entry)}, create=not now["attempt"]
        )

    def end(self, kind: str, entry: dict[str, t.Any]) -> None:
        """After ``begin`` on the same record: how it went."""
        self._store.write(self._entry(self._attempt, kind, "ended", entry), create=False)

    def close(self, verdict: dict[str, t.Any]) -> dict[str, t.Any]:
        """Gives the verdict back as it is kept, with the time of day."""
        closed = {**verdict, "at": self._clock.stamp()}
        self._store.write({VERDICT: json.dumps(closed, sort_keys=True)}, create=False)
        return closed

    def _entry(self, attempt: int, kind: str, phase: str, entry: dict[str, t.Any]) -> dict[str, str]:
        # The key sorts by time: milliseconds since the epoch.
        key = f"{attempt:03d}-{int(self._clock.wall() * 1000):015d}-{kind}-{phase}"
        content = {"kind": kind, "phase": phase, "at": self._clock.stamp(), **entry}
        return {key: json.dumps(content, sort_keys=True)}

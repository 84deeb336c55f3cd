# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The record of a release in the cluster: one ConfigMap a release, one entry an event.

It is written where the effect is, so the report needs no controller that was there when it happened. Every
entry has a key of its own, so writing one again changes nothing, and two writers do not overwrite each other.
"""

from __future__ import annotations

import json
import re
import typing as t

from ..._common.errors import Conflict, NotFound
from ..._common.operation import Clock
from ..api.port import MERGE, KubeApi, Object, config_maps

LABEL = "runbook.release/record"
ATTEMPT, VERDICT = "attempt", "verdict"


def name_of(release: str) -> str:
    """The ConfigMap's name: an RFC 1123 subdomain, as close to the release as that allows."""
    return "release-" + re.sub(r"[^a-z0-9.-]+", "-", release.lower()).strip("-.")


class Record:
    """The record of one release. ``begin`` opens a new attempt when the last one has its verdict."""

    def __init__(self, api: KubeApi, namespace: str, release: str, clock: Clock) -> None:
        self._api, self._namespace, self._release, self._clock = api, namespace, release, clock
        self._path = f"{config_maps(namespace)}/{name_of(release)}"
        self._attempt = 0

    def read(self) -> dict[str, t.Any]:
        """``attempt`` (0: there is no record), ``verdict`` and
        the ``entries`` of the newest attempt, oldest first.
        """
        try:
            data = self._api.get(self._path).get("data") or {}
        except NotFound:
            data = {}
        attempt = int(data.get(ATTEMPT, 0))
        keys = sorted(key for key in data if key.startswith(f"{attempt:03d}-"))
        verdict = json.loads(data.get(VERDICT) or "{}")
        return {"attempt": attempt, "verdict": verdict, "entries": [json.loads(data[key]) for key in keys]}

    def begin(self, kind: str, entry: dict[str, t.Any], again: bool = True) -> None:
        """Before the first write of an operation: what it is about to do.

        :param again: what follows a verdict is a new attempt at the release; an undoing of it is not.
        """
        if self._attempt:
            self._write(self._entry(self._attempt, kind, "began", entry), create=False)
            return
        now = self.read()
        attempt = now["attempt"] + 1 if not now["attempt"] or (now["verdict"] and again) else now["attempt"]
        self._attempt = attempt
        self._write(
            {ATTEMPT: str(attempt), VERDICT: "", **self._entry(attempt, kind, "began", entry)},
            create=not now["attempt"],
        )

    def end(self, kind: str, entry: dict[str, t.Any]) -> None:
        """After ``begin`` on the same record: how it went."""
        self._write(self._entry(self._attempt, kind, "ended", entry), create=False)

    def close(self, verdict: dict[str, t.Any]) -> dict[str, t.Any]:
        """Gives the verdict back as it is kept, with the time of day."""
        closed = {**verdict, "at": self._clock.stamp()}
        self._write({VERDICT: json.dumps(closed, sort_keys=True)}, create=False)
        return closed

    def _entry(self, attempt: int, kind: str, phase: str, entry: dict[str, t.Any]) -> dict[str, str]:
        # The key sorts by time: milliseconds since the epoch.
        key = f"{attempt:03d}-{int(self._clock.wall() * 1000):015d}-{kind}-{phase}"
        return {
            key: json.dumps(
                {"kind": kind, "phase": phase, "at": self._clock.stamp(), **entry}, sort_keys=True
            )
        }

    def _write(self, data: dict[str, str], create: bool) -> None:
        if create:
            metadata = {
                "name": name_of(self._release),
                "labels": {LABEL: "true"},
                "annotations": {"runbook.release/release": self._release},
            }
            body: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
            try:
                self._api.post(config_maps(self._namespace), body)
                return
            except Conflict:
                pass  # somebody, or a first try of this very request, was quicker
        self._api.patch(self._path, {"data": data}, MERGE)

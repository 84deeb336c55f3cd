# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whose replicas are an autoscaler's: they are not written,
since it would only write them anew (Argo Rollouts issue 2857).
"""

from __future__ import annotations

import typing as t

from ..._common.errors import Forbidden
from ..._common.operation import Context
from ..api.port import KubeApi, Object, autoscalers
from .fields import Parts

_REPLICAS = ("replicas",)


def owner_of(thing: Object, there: t.Iterable[Object]) -> Object | None:
    """The HorizontalPodAutoscaler of a workload."""
    for autoscaler in there:
        target = autoscaler["spec"]["scaleTargetRef"]
        if target["kind"] == thing["kind"] and target["name"] == thing["metadata"]["name"]:
            return autoscaler
    return None


class Autoscalers:
    """Of a namespace; read once, and only where replicas are to be set."""

    def __init__(self, api: KubeApi, context: Context) -> None:
        self._api, self._context = api, context
        self._there: list[Object] | None = None
        self._told: set[str] = set()

    def respected(self, thing: Object, wanted: Parts) -> Parts:
        """The parts without the replicas where an autoscaler owns them.
        At 0 replicas, there or wanted, it leaves a workload alone.
        """
        now = thing["spec"].get("replicas", 1)
        if not wanted.get(_REPLICAS) or not now:
            return wanted
        owner = owner_of(thing, self._all())
        if owner is None:
            return wanted
        name = thing["metadata"]["name"]
        if name not in self._told and now != wanted[_REPLICAS]:
            self._told.add(name)
            self._context.say(
                f"{name}: replicas stay at {now} and not {wanted[_REPLICAS]}: HorizontalPodAutoscaler {owner['metadata']['name']} owns them"
            )
        return {path: value for path, value in wanted.items() if path != _REPLICAS}

    def _all(self) -> list[Object]:
        if self._there is None:
            try:
                self._there = self._api.get(autoscalers(self._context.params["namespace"]))["items"]
            except Forbidden:
                self._context.say(
                    "whether an autoscaler owns replicas cannot be seen: horizontalpodautoscalers may not be listed; they are set as asked for"
                )
                self._there = []
        return self._there

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
from ..api.port import KubeApi, Object, autoscalers
from .fields.base import FieldValues

_REPLICAS = ("replicas",)


def owner_of(workload: Object, autoscalers_there: t.Iterable[Object]) -> Object | None:
    """The HorizontalPodAutoscaler of a workload."""
    for autoscaler in autoscalers_there:
        target = autoscaler["spec"]["scaleTargetRef"]
        if target["kind"] == workload["kind"] and target["name"] == workload["metadata"]["name"]:
            return autoscaler
    return None


class Autoscalers:
    """Of a namespace; read once, and only where replicas are to be set."""

    def __init__(self, api: KubeApi, namespace: str, say: t.Callable[[str], None]) -> None:
        self._api = api
        self._namespace = namespace
        self._say = say
        self._listed: list[Object] | None = None
        self._reported: set[str] = set()

    def respected(self, workload: Object, desired: FieldValues) -> FieldValues:
        """The fields without the replicas where an autoscaler owns them.
        At 0 replicas, live or desired, it leaves a workload alone.
        """
        now = workload["spec"].get("replicas", 1)
        if not desired.get(_REPLICAS) or not now:
            return desired
        owner = owner_of(workload, self._all())
        if owner is None:
            return desired
        name = workload["metadata"]["name"]
        if name not in self._reported and now != desired[_REPLICAS]:
            self._reported.add(name)
            self._say(
                f"{name}: replicas stay at {now} and not {desired[_REPLICAS]}: HorizontalPodAutoscaler {owner['metadata']['name']} owns them"
            )
        return {path: value for path, value in desired.items() if path != _REPLICAS}

    def _all(self) -> list[Object]:
        if self._listed is None:
            try:
                self._listed = self._api.get(autoscalers(self._namespace))["items"]
            except Forbidden:
                self._say(
                    "whether an autoscaler owns replicas cannot be seen: horizontalpodautoscalers may not be listed; they are set as asked for"
                )
                self._listed = []
        return self._listed

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Waits until nothing is under way any more: pods that are being
deleted are gone, and those that stay report nothing in flight.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._common.errors import NotFound, ReleaseError
from ..._common.operation import Context
from ..api.port import SYNC, Event, KubeApi, Object, pods
from ..workload.status import conditions

_PAUSE = 0.5
# A single reading may fall between two requests, so that many in a row count.
_QUIET_READINGS = 2


@dataclasses.dataclass(frozen=True)
class DrainOptions:
    """
    :ivar timeout: seconds for all of it.
    :ivar metric: counts what is in flight in one pod; None: only pods that are being deleted are waited for.
    :ivar at_most: the value of the metric that counts as drained.
    :ivar port, path: where a pod serves the metric.
    """

    namespace: str
    timeout: int
    metric: str | None
    at_most: float
    port: int
    path: str


def drain(
    api: KubeApi,
    context: Context,
    options: DrainOptions,
    workloads: t.Sequence[Object],
    renew_if_due: t.Callable[[], None],
) -> bool:
    """Whether all was drained in time. What is left then is said, and the caller goes on.

    :param renew_if_due: called all the while; keeps the lock.
    """
    selectors = [workload["spec"]["selector"].get("matchLabels") or {} for workload in workloads]
    left = _Drain(api, context, options, selectors, renew_if_due).left()
    context.say(
        f"not drained within {options.timeout} s: {left}"
        if left
        else "drained: nothing is under way any more"
    )
    return not left


class _Drain:
    def __init__(
        self,
        api: KubeApi,
        context: Context,
        options: DrainOptions,
        selectors: t.Sequence[dict[str, str]],
        renew_if_due: t.Callable[[], None],
    ) -> None:
        self._api = api
        self._clock = context.clock
        self._options = options
        self._selectors = selectors
        self._renew_if_due = renew_if_due
        self._pods = pods(options.namespace)
        self._end = self._clock.now() + options.timeout

    def left(self) -> str:
        """What is still under way at the end of the timeout; '' when nothing is."""
        left = self._left_ending()
        if not left and self._options.metric:
            left = self._left_in_flight(self._options.metric)
        return left

    def _left_ending(self) -> str:
        """By a watch: the pods of these workloads that are being deleted."""
        ending: dict[str, str] = {}
        with self._api.follow({self._pods: ""}) as stream:
            for event in stream:
                self._renew_if_due()
                for pod in _pods_in(event):
                    metadata = pod["metadata"]
                    ending.pop(metadata["uid"], None)
                    is_ending = event.type != "DELETED" and metadata.get("deletionTimestamp")
                    if is_ending and self._is_selected(pod):
                        ending[metadata["uid"]] = metadata["name"]
                if not ending and event.path:
                    return ""
                if self._clock.now() > self._end:
                    return "still ending: " + ", ".join(sorted(ending.values()))
        return ""

    def _left_in_flight(self, metric: str) -> str:
        """By the metric of every ready pod, which is read through the API server."""
        quiet = 0
        while True:
            self._renew_if_due()
            values = {name: self._value(name, metric) for name in self._ready_pods()}
            busy = {name: value for name, value in values.items() if value > self._options.at_most}
            quiet = 0 if busy else quiet + 1
            if quiet == _QUIET_READINGS:
                return ""
            if self._clock.now() > self._end:
                in_pods = ", ".join(f"{value:g} in {name}" for name, value in sorted(busy.items()))
                return f"{metric} is {in_pods}"
            self._clock.sleep(_PAUSE)

    def _ready_pods(self) -> list[str]:
        return [
            pod["metadata"]["name"]
            for pod in self._api.get(self._pods)["items"]
            if self._is_selected(pod) and conditions(pod).get("Ready", {}).get("status") == "True"
        ]

    def _value(self, pod: str, metric: str) -> float:
        """The sum over all labels, in the text format of Prometheus; 0 for a pod that has ended since."""
        options = self._options
        path = f"{self._pods}/{pod}:{options.port}/proxy{options.path}"
        try:
            text = self._api.text(path)
        except NotFound:
            return 0.0
        values = re.findall(rf"^{re.escape(metric)}(?:\{{[^}}]*\}})?\s+(\S+)", text, re.MULTILINE)
        if not values:
            raise ReleaseError(
                f"drain.metric: pod {pod} does not report {metric} at port {options.port}, {options.path}.",
                then=f"kubectl get --raw {path}",
            )
        return sum(map(float, values))

    def _is_selected(self, pod: Object) -> bool:
        labels = pod["metadata"].get("labels") or {}
        return any(selector and selector.items() <= labels.items() for selector in self._selectors)


def _pods_in(event: Event) -> list[Object]:
    if event.type == SYNC:
        return t.cast("list[Object]", event.object["items"])
    return [event.object] if event.path else []

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Waits until nothing is under way any more: pods that were told
to end are gone, and those that stay report nothing in flight.
"""

from __future__ import annotations

import re
import typing as t

from ..._common.errors import NotFound, ReleaseError
from ..._common.operation import Context
from ..api.port import SYNC, KubeApi, Object, pods
from ..workload.status import conditions

# A metric has no watch; it is asked for again after this many seconds.
_PAUSE = 0.5
# Zero twice: a request may have been between two counters at the first look.
_LOOKS = 2


def drain(api: KubeApi, context: Context, things: list[Object], keep: t.Callable[[], None]) -> bool:
    """Whether all was drained within ``drain.timeout``; what is left then is said, and the caller goes on."""
    wanted, namespace = context.params["drain"], context.params["namespace"]
    end = context.clock.now() + wanted["timeout"]
    selectors = [thing["spec"]["selector"].get("matchLabels") or {} for thing in things]
    left = _ended(api, context, namespace, selectors, end, keep)
    if not left and wanted["metric"]:
        left = _idle(api, context, namespace, selectors, end, keep)
    context.say(
        f"not drained within {wanted['timeout']} s: {left}"
        if left
        else "drained: nothing is under way any more"
    )
    return not left


def _ended(
    api: KubeApi,
    context: Context,
    namespace: str,
    selectors: list[dict[str, str]],
    end: float,
    keep: t.Callable[[], None],
) -> str:
    """By a watch: the pods of these workloads that are on their way out. '' once there are none."""
    ending: dict[str, str] = {}
    with api.follow({pods(namespace): ""}) as stream:
        for event in stream:
            keep()
            for pod in event.object["items"] if event.type == SYNC else [event.object] if event.path else []:
                uid, meta = pod["metadata"]["uid"], pod["metadata"]
                ending.pop(uid, None)
                if event.type != "DELETED" and meta.get("deletionTimestamp") and _selected(pod, selectors):
                    ending[uid] = meta["name"]
            if not ending and event.path:
                return ""
            if context.clock.now() > end:
                return "still ending: " + ", ".join(sorted(ending.values()))
    return ""


def _idle(
    api: KubeApi,
    context: Context,
    namespace: str,
    selectors: list[dict[str, str]],
    end: float,
    keep: t.Callable[[], None],
) -> str:
    """By the metric of every pod that is ready, through the
    API server. '' once it was at most what is allowed, twice.
    """
    wanted = context.params["drain"]
    quiet = 0
    while True:
        keep()
        ready = [
            pod
            for pod in api.get(pods(namespace))["items"]
            if _selected(pod, selectors) and conditions(pod).get("Ready", {}).get("status") == "True"
        ]
        found = {
            pod["metadata"]["name"]: _value(api, namespace, pod["metadata"]["name"], wanted) for pod in ready
        }
        busy = {name: value for name, value in found.items() if value > wanted["at_most"]}
        quiet = 0 if busy else quiet + 1
        if quiet == _LOOKS:
            return ""
        if context.clock.now() > end:
            return f"{wanted['metric']} is " + ", ".join(
                f"{value:g} in {name}" for name, value in sorted(busy.items())
            )
        context.clock.sleep(_PAUSE)


def _value(api: KubeApi, namespace: str, pod: str, wanted: dict[str, t.Any]) -> float:
    """The sum over all labels, in the text format of Prometheus; 0 for a pod that has ended meanwhile."""
    try:
        text = api.text(f"{pods(namespace)}/{pod}:{wanted['port']}/proxy{wanted['path']}")
    except NotFound:
        return 0.0
    found = re.findall(rf"^{re.escape(wanted['metric'])}(?:\{{[^}}]*\}})?\s+(\S+)", text, re.MULTILINE)
    if not found:
        raise ReleaseError(
            f"drain.metric: pod {pod} does not report {wanted['metric']} at port {wanted['port']}, {wanted['path']}.",
            then=f"kubectl get --raw {pods(namespace)}/{pod}:{wanted['port']}/proxy{wanted['path']}",
        )
    return sum(map(float, found))


def _selected(pod: Object, selectors: list[dict[str, str]]) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return any(selector and selector.items() <= labels.items() for selector in selectors)

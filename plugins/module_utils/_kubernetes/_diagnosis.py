# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Why a pod does not become ready: pure, over the pod as the API server gives it.

What counts as hopeless, and the two exceptions (a Secret or ConfigMap that is still being mounted, an image pull that
failed for another reason than "not there"), are krane's, which learnt them from years of deploys
(Shopify/krane; kubernetes/kubernetes PR 74755).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ._port import Object
from ._workload import conditions

_PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_CREATE = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_NOT_THERE = re.compile(r"not found|manifest unknown|unauthorized|denied|invalid", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Trouble:
    """What is wrong with one container (or with the pod, then ``container`` is empty).

    ``hopeless``: it will not heal by waiting, so the rollout is given up at once.
    """

    pod: str
    container: str
    reason: str
    message: str = ""
    exit_code: int | None = None
    restarts: int = 0
    hopeless: bool = False

    def __str__(self) -> str:
        where = f"pod {self.pod}" + (f", container {self.container}" if self.container else "")
        parts = [self.reason]
        if self.exit_code is not None:
            parts.append(f"exit code {self.exit_code}")
        if self.restarts:
            parts.append(f"restarted {self.restarts} time" + ("s" if self.restarts > 1 else ""))
        return f"{where}: {', '.join(parts)}" + (f"\n  {self.message}" if self.message else "")


def trouble(pod: Object) -> Trouble | None:
    """The first thing that is wrong with the pod, in the order in which a pod starts; None when nothing is."""
    name = pod["metadata"]["name"]
    if pod["metadata"].get("deletionTimestamp"):
        return None  # on its way out: what it says now is no verdict on the version
    scheduled = conditions(pod).get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return Trouble(name, "", scheduled.get("reason", "not scheduled"), scheduled.get("message", ""))
    now = pod.get("status") or {}
    if now.get("phase") == "Failed":
        return Trouble(name, "", now.get("reason", "Failed"), now.get("message", ""))
    for container in [*(now.get("initContainerStatuses") or []), *(now.get("containerStatuses") or [])]:
        found = _of_container(name, container)
        if found:
            return found
    return None


def _of_container(pod: str, container: Object) -> Trouble | None:
    state, restarts = container.get("state") or {}, container.get("restartCount", 0)
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason == "CrashLoopBackOff":
        why = "OOMKilled (its memory limit was too small for it)" if ended.get("reason") == "OOMKilled" else reason
        return Trouble(pod, container["name"], why, "", ended.get("exitCode"), restarts, hopeless=True)
    if reason in _PULL:
        return Trouble(pod, container["name"], reason, message, hopeless=reason != "ErrImagePull" or bool(_NOT_THERE.search(message)))
    if reason in _CREATE:
        return Trouble(pod, container["name"], reason, message, None, restarts, hopeless="failed to sync" not in message)
    if ended.get("exitCode") and not container.get("ready"):
        # The second end in a row is the crash loop: the kubelet calls it that at its next look only, up to 6 s later (measured).
        again = bool(state.get("terminated")) and restarts > 0
        return Trouble(pod, container["name"], ended.get("reason", "Error"), ended.get("message", ""), ended["exitCode"], restarts, hopeless=again)
    return None


def unready(pod: Object) -> str:
    """For a pod that runs and is not ready: which containers, in the words of its conditions."""
    ready = conditions(pod).get("Ready", {})
    return "" if ready.get("status") == "True" else ready.get("message", "") or ready.get("reason", "")


def last_warnings(events: t.Iterable[Object], name: str, count: int = 3) -> list[str]:
    """The newest warnings about the object of this name, oldest first: probe failures say here what the probe got."""
    about = [event for event in events if event.get("involvedObject", {}).get("name") == name and event.get("type") == "Warning"]
    about.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    return list(dict.fromkeys(f"{event.get('reason')}: {str(event.get('message', '')).strip()}" for event in about))[-count:]


def secrets_of(pod: Object) -> dict[str, str]:
    """The pod's literal environment, so that its log lines can be shown without the secrets in it."""
    containers = [*pod["spec"].get("initContainers", []), *pod["spec"].get("containers", [])]
    return {entry["name"]: entry["value"] for container in containers for entry in container.get("env") or [] if entry.get("value")}

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a workload says of itself: pure, over the object as the API server gives it, which says its kind."""

from __future__ import annotations

import typing as t

from ..._common.options import did_you_mean
from ..api.port import Object
from .kinds.base import FAILED, PROGRESSING, READY, Status, conditions, owner
from .kinds.registry import KINDS
from .pod_spec import containers

__all__ = ["FAILED", "PROGRESSING", "READY", "Status", "conditions", "owner"]


def by_name(listing: Object, kind: str = "Deployment") -> dict[str, Object]:
    """The objects of a list; they get the kind that lists leave out."""
    return {item["metadata"]["name"]: {**item, "kind": kind} for item in listing["items"]}


def absent(name: str, live: t.Iterable[str], kind: str = "Deployment") -> str:
    """A name that no object has, with the one that may be meant and those that exist."""
    return f"no {kind} named {name}{did_you_mean(name, live)}; there are: {', '.join(sorted(live)) or 'none'}"


def images(obj: Object) -> dict[str, str]:
    """Images by container, init containers too: no two of a pod share a name."""
    return {container["name"]: container["image"] for container in containers(obj["spec"]["template"])}


def statuses(pod: Object) -> list[Object]:
    """What the kubelet says of each container of a pod, init containers first: the order in which they start."""
    status_of = pod.get("status") or {}
    return [*(status_of.get("initContainerStatuses") or []), *(status_of.get("containerStatuses") or [])]


def seen(obj: Object) -> bool:
    """Whether the controller has seen the newest spec."""
    return bool((obj.get("status") or {}).get("observedGeneration", 0) >= obj["metadata"]["generation"])


def status(obj: Object) -> Status:
    """How far an object is, by the rule of its kind."""
    kind = KINDS[obj["kind"]]
    if kind.is_observed and not seen(obj):
        return Status(PROGRESSING, f"not yet seen by the {kind.name} controller")
    return kind.status(obj["spec"], obj.get("status") or {}, conditions(obj))


def revision(obj: Object) -> str:
    """The number or name of its pod template; '' where its kind keeps none.

    Lists leave the kind of their items out: without one it is a ReplicaSet, which has the number of its Deployment.
    """
    return KINDS[obj.get("kind", "Deployment")].revision(obj)


def current_replica_set(deployment: Object, replica_sets: t.Iterable[Object]) -> Object | None:
    """The ReplicaSet of the Deployment's newest revision."""
    kind = KINDS["Deployment"]
    for replica_set in replica_sets:
        reference = owner(replica_set, "Deployment")
        is_its_own = reference is not None and reference["uid"] == deployment["metadata"]["uid"]
        if is_its_own and kind.revision(replica_set) == kind.revision(deployment):
            return replica_set
    return None

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Which pods run the newest version of a workload: by the UIDs
of their owners, never by names or labels that anybody can give.
"""

from __future__ import annotations

import typing as t

from ..api.port import KubeApi, Object, controller_revisions, replica_sets
from .kinds.base import owner, pod_hash
from .kinds.registry import KINDS
from .status import seen


class PodOwners:
    """Reads ReplicaSets and ControllerRevisions on demand and caches them per revision and generation."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._replica_sets: dict[tuple[str, str], Object | None] = {}
        self._hashes: dict[tuple[str, int], str] = {}

    def workload_of(self, pod: Object, workloads: t.Iterable[Object]) -> Object | None:
        """The one whose newest version the pod runs; None for pods of others and of old versions."""
        for workload in workloads:
            # A Deployment that its controller has not seen yet still points at the version that is left.
            if _may_own(workload, pod) and seen(workload) and self.is_newest(workload, pod):
                return workload
        return None

    def workload_blocked_by(self, pod: Object, workloads: t.Iterable[Object]) -> Object | None:
        """The one that cannot go on before this pod is ready, or gone: what
        its controller waits for, whichever version the pod runs.
        """
        for workload in workloads:
            is_awaited = KINDS[workload["kind"]].waits_for(workload, pod)
            if is_awaited and _may_own(workload, pod) and seen(workload) and self.owns(workload, pod):
                return workload
        return None

    def is_newest(self, workload: Object, pod: Object) -> bool:
        return KINDS[workload["kind"]].is_newest(workload, pod, self)

    def owns(self, workload: Object, pod: Object) -> bool:
        return KINDS[workload["kind"]].owns(workload, pod, self)

    def replica_set_of(self, pod: Object, deployment: Object) -> Object | None:
        """One of this Deployment. Rolling back reuses an old ReplicaSet and
        gives it a new number, so a number that differs is read again.
        """
        reference = owner(pod, "ReplicaSet")
        if not reference:
            return None
        key = (reference["uid"], KINDS["Deployment"].revision(deployment))
        if key not in self._replica_sets:
            self._replica_sets[key] = self._read_replica_set(reference)
        replica_set = self._replica_sets[key]
        parent = owner(replica_set, "Deployment") if replica_set else None
        return replica_set if parent and parent["uid"] == deployment["metadata"]["uid"] else None

    def newest_hash(self, daemon_set: Object) -> str:
        """A DaemonSet does not name its newest ControllerRevision; the pods' label holds the hash of one."""
        key = (daemon_set["metadata"]["uid"], daemon_set["metadata"]["generation"])
        if key not in self._hashes:
            revisions = self._api.get(controller_revisions(self._namespace))["items"]
            own = [revision for revision in revisions if self.owns(daemon_set, revision)]
            newest = max(own, key=lambda revision: int(revision["revision"]), default=None)
            self._hashes[key] = pod_hash(newest) if newest else ""
        return self._hashes[key]

    def _read_replica_set(self, reference: t.Mapping[str, t.Any]) -> Object | None:
        selector = f"fieldSelector=metadata.name%3D{reference['name']}"
        listing = self._api.get(f"{replica_sets(self._namespace)}?{selector}")
        for item in listing["items"]:
            if item["metadata"]["uid"] == reference["uid"]:
                return t.cast("Object", item)
        return None


def _may_own(workload: Object, pod: Object) -> bool:
    """Spares requests: names of pods begin with the name of what makes them."""
    return bool(pod["metadata"]["name"].startswith(workload["metadata"]["name"]))

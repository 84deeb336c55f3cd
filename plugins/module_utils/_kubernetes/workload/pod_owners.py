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
from . import status as workload

_HASH = "controller-revision-hash"


class Revisions:
    """Asks for ReplicaSets and ControllerRevisions where a pod has
    to be explained, and keeps them as long as they can be right.
    """

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api, self._namespace = api, namespace
        self._replica_sets: dict[tuple[str, str], Object | None] = {}
        self._hashes: dict[tuple[str, int], str] = {}

    def workload_of(self, pod: Object, things: t.Iterable[Object]) -> Object | None:
        """The one whose newest version the pod runs; None for pods of others and of old versions."""
        for thing in things:
            # A Deployment that its controller has not seen yet still
            # points at the version that we want to leave.
            if (
                pod["metadata"]["name"].startswith(thing["metadata"]["name"])
                and workload.seen(thing)
                and self.is_newest(thing, pod)
            ):
                return thing
        return None

    def held_up_by(self, pod: Object, things: t.Iterable[Object]) -> Object | None:
        """The one that cannot go on before this pod is well, or gone:
        what its controller waits for, whichever version it runs.

        A StatefulSet goes on with its next pod when this one is ready; it, a DaemonSet
        and a Deployment that is recreated make no new pod before the old one is gone.
        """
        leaves = pod["metadata"].get("deletionTimestamp")
        for thing in things:
            kind, strategy = thing["kind"], (thing["spec"].get("strategy") or {}).get("type")
            waits = kind == "StatefulSet" or (leaves and (kind == "DaemonSet" or strategy == "Recreate"))
            if (
                waits
                and pod["metadata"]["name"].startswith(thing["metadata"]["name"])
                and workload.seen(thing)
                and self.owns(thing, pod)
            ):
                return thing
        return None

    def is_newest(self, thing: Object, pod: Object) -> bool:
        if thing["kind"] == "Deployment":
            found = self._replica_set_of(pod, thing)
            return found is not None and workload.revision(found) == workload.revision(thing)
        if not self.owns(thing, pod):
            return False
        mine = (pod["metadata"].get("labels") or {}).get(_HASH, "")
        newest = (
            (thing.get("status") or {}).get("updateRevision", "")
            if thing["kind"] == "StatefulSet"
            else self._newest_hash(thing)
        )
        return bool(mine == newest)

    def owns(self, thing: Object, pod: Object) -> bool:
        """A Deployment owns its pods by its ReplicaSets, the other kinds themselves."""
        if thing["kind"] == "Deployment":
            return self._replica_set_of(pod, thing) is not None
        reference = workload.owner(pod, thing["kind"])
        return reference is not None and bool(reference["uid"] == thing["metadata"]["uid"])

    def _replica_set_of(self, pod: Object, deployment: Object) -> Object | None:
        """One of this Deployment. Going back takes up an old ReplicaSet and
        gives it a new number, so a number that differs is asked for again.
        """
        reference = workload.owner(pod, "ReplicaSet")
        if not reference:
            return None
        key = (reference["uid"], workload.revision(deployment))
        if key not in self._replica_sets:
            listing = self._api.get(
                f"{replica_sets(self._namespace)}?fieldSelector=metadata.name%3D{reference['name']}"
            )
            self._replica_sets[key] = next(
                (item for item in listing["items"] if item["metadata"]["uid"] == reference["uid"]), None
            )
        found = self._replica_sets[key]
        owner = workload.owner(found, "Deployment") if found else None
        return found if owner and owner["uid"] == deployment["metadata"]["uid"] else None

    def _newest_hash(self, daemon_set: Object) -> str:
        """A DaemonSet does not name its newest ControllerRevision; the pods' label holds the hash of one."""
        key = (daemon_set["metadata"]["uid"], daemon_set["metadata"]["generation"])
        if key not in self._hashes:
            own = [
                item
                for item in self._api.get(controller_revisions(self._namespace))["items"]
                if self.owns(daemon_set, item)
            ]
            newest = max(own, key=lambda item: int(item["revision"]), default=None)
            self._hashes[key] = (
                ((newest or {}).get("metadata", {}).get("labels") or {}).get(_HASH, "") if newest else ""
            )
        return self._hashes[key]

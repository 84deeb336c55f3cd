# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Deployments."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from .base import (
    FAILED,
    PROGRESSING,
    READY,
    Kind,
    PodRevisions,
    Status,
    at_least,
    available_text,
    counts_text,
    refused,
)


class Deployment(Kind):
    """Beyond kubectl: a paused Deployment is not ready, a refusal to create pods is reported at once,
    and what is scaled down is not ready before the other pods are gone.
    """

    name = "Deployment"

    def status(self, spec: Object, status: Object, conditions: t.Mapping[str, Object]) -> Status:
        desired = spec.get("replicas", 1)
        if spec.get("paused"):
            return Status(PROGRESSING, "paused: nothing rolls out until it is resumed")
        updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
        counts = counts_text(spec, updated, desired, available, status.get("replicas", 0) - updated)
        if conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
            return Status(FAILED, f"no progress within its progressDeadlineSeconds: {counts}")
        if updated < desired:
            return refused(conditions) or Status(PROGRESSING, counts)
        if updated > desired:
            return Status(PROGRESSING, f"{updated} pods exist, {desired} desired")
        if status.get("replicas", 0) > updated or available < updated:
            return Status(PROGRESSING, counts)
        if not desired and status.get("terminatingReplicas"):  # reported by Kubernetes from 1.35 on
            return Status(PROGRESSING, f"scaled to 0: {status['terminatingReplicas']} of its pods still end")
        return Status(READY, available_text(desired))

    def revision(self, obj: Object) -> str:
        """The number that the Deployment controller keeps on a Deployment and its ReplicaSets."""
        annotations = obj["metadata"].get("annotations") or {}
        return str(annotations.get("deployment.kubernetes.io/revision", ""))

    def updated_available(self, obj: Object) -> int:
        status = obj.get("status") or {}
        return at_least(
            status.get("updatedReplicas", 0), status.get("replicas", 0), status.get("availableReplicas", 0)
        )

    def owns(self, obj: Object, pod: Object, revisions: PodRevisions) -> bool:
        """By its ReplicaSets."""
        return revisions.replica_set_of(pod, obj) is not None

    def is_newest(self, obj: Object, pod: Object, revisions: PodRevisions) -> bool:
        replica_set = revisions.replica_set_of(pod, obj)
        return replica_set is not None and self.revision(replica_set) == self.revision(obj)

    def waits_for(self, obj: Object, pod: Object) -> bool:
        """One that is recreated makes no new pod before the old one is gone."""
        is_recreated = (obj["spec"].get("strategy") or {}).get("type") == "Recreate"
        return is_recreated and bool(pod["metadata"].get("deletionTimestamp"))

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""StatefulSets."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from .base import (
    PROGRESSING,
    READY,
    Kind,
    PodRevisions,
    Status,
    at_least,
    available_text,
    counts_text,
    pod_hash,
    refused,
    replaced_on_delete,
)


class StatefulSet(Kind):
    """Beyond kubectl: pods have to be available and not only ready, and one
    that replaces pods only when they are deleted is not ready before all were.
    """

    name = "StatefulSet"

    def status(self, spec: Object, status: Object, conditions: t.Mapping[str, Object]) -> Status:
        desired, strategy = spec.get("replicas", 1), spec.get("updateStrategy") or {}
        # Pods below the partition keep the old version: that is what it is for (a staged rollout).
        partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
        to_update = max(0, desired - partition)
        replicas = status.get("replicas", 0)
        is_over = status.get("updateRevision") == status.get("currentRevision")
        # The controller does not count updated pods any more once the update is over.
        updated = replicas if is_over else status.get("updatedReplicas", 0)
        available = _available(status)
        aside = f" (partition {partition})" if partition else ""
        counts = counts_text(spec, updated, to_update, available) + aside
        if strategy.get("type") == "OnDelete" and updated < desired:
            return replaced_on_delete(counts)
        has_pods = replicas == desired and available >= desired
        is_updated = updated >= to_update and (is_over or bool(partition))
        if not (has_pods and is_updated):
            return refused(conditions) or Status(PROGRESSING, counts)
        return Status(READY, available_text(desired) + aside)

    def revision(self, obj: Object) -> str:
        """The name of its newest ControllerRevision."""
        return str((obj.get("status") or {}).get("updateRevision", ""))

    def updated_available(self, obj: Object) -> int:
        status = obj.get("status") or {}
        return at_least(status.get("updatedReplicas", 0), status.get("replicas", 0), _available(status))

    def is_newest(self, obj: Object, pod: Object, revisions: PodRevisions) -> bool:
        return self.owns(obj, pod, revisions) and pod_hash(pod) == self.revision(obj)

    def waits_for(self, obj: Object, pod: Object) -> bool:
        """It goes on with its next pod when this one is ready."""
        return True


def _available(status: Object) -> int:
    return int(
        status["availableReplicas"] if "availableReplicas" in status else status.get("readyReplicas", 0)
    )

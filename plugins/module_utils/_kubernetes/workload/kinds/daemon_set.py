# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""DaemonSets."""

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
    replaced_on_delete,
)


class DaemonSet(Kind):
    name = "DaemonSet"

    def status(self, spec: Object, status: Object, conditions: t.Mapping[str, Object]) -> Status:
        desired = status.get("desiredNumberScheduled", 0)
        updated = status.get("updatedNumberScheduled", 0)
        available = status.get("numberAvailable", 0)
        counts = counts_text(spec, updated, desired, available)
        if (spec.get("updateStrategy") or {}).get("type") == "OnDelete" and updated < desired:
            return replaced_on_delete(counts)
        if updated < desired or available < desired:
            return Status(PROGRESSING, counts)
        return Status(READY, available_text(desired) if desired else "no node wants a pod of it")

    def updated_available(self, obj: Object) -> int:
        status = obj.get("status") or {}
        updated, total = status.get("updatedNumberScheduled", 0), status.get("currentNumberScheduled", 0)
        return at_least(updated, total, status.get("numberAvailable", 0))

    def is_newest(self, obj: Object, pod: Object, revisions: PodRevisions) -> bool:
        return self.owns(obj, pod, revisions) and pod_hash(pod) == revisions.newest_hash(obj)

    def waits_for(self, obj: Object, pod: Object) -> bool:
        """It makes no new pod on a node before the old one is gone."""
        return bool(pod["metadata"].get("deletionTimestamp"))

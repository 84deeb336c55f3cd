# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""ReplicaSets."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from .base import PROGRESSING, READY, Kind, Status, available_text, refused
from .deployment import Deployment


class ReplicaSet(Kind):
    name = "ReplicaSet"

    def status(self, spec: Object, status: Object, conditions: t.Mapping[str, Object]) -> Status:
        desired, available = spec.get("replicas", 1), status.get("availableReplicas", 0)
        replicas = status.get("replicas", 0)
        if replicas == desired and available >= desired:
            return Status(READY, available_text(desired))
        return refused(conditions) or Status(
            PROGRESSING, f"{replicas} of {desired} exist, {available} available"
        )

    def revision(self, obj: Object) -> str:
        return Deployment().revision(obj)

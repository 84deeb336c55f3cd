# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether an object of any kind has become what it is for: pure.
What no rule is known for is ready as soon as it is stored.
"""

from __future__ import annotations

from ..api.port import Object
from ..workload import status as workload
from ..workload.kinds import applied
from ..workload.status import FAILED, PROGRESSING, READY, Status
from .manifests import DEFINITION

WORKLOADS = tuple(applied.KINDS)
CLAIM = "PersistentVolumeClaim"


def is_waited_for(obj: Object, binds_at_once: bool = False) -> bool:
    """
    :param binds_at_once: a claim is bound without a pod that uses it (volumeBindingMode Immediate).
    """
    return obj["kind"] in (*WORKLOADS, DEFINITION, "Namespace") or (obj["kind"] == CLAIM and binds_at_once)


def status(obj: Object) -> Status:
    """Only of kinds that are waited for."""
    now = obj.get("status") or {}
    if obj["kind"] in WORKLOADS:
        return workload.status(obj)
    if obj["kind"] == DEFINITION:
        return _definition(workload.conditions(obj))
    phase = str(now.get("phase", ""))
    if phase == ("Active" if obj["kind"] == "Namespace" else "Bound"):
        return Status(READY, phase)
    state = FAILED if phase in ("Terminating", "Lost") else PROGRESSING
    return Status(state, phase or "not yet seen by its controller")


def _definition(condition: dict[str, Object]) -> Status:
    if condition.get("Established", {}).get("status") == "True":
        return Status(READY, "established")
    names = condition.get("NamesAccepted", {})
    if names.get("status") == "False":
        return Status(FAILED, f"its names are not accepted: {names.get('message', names.get('reason', ''))}")
    return Status(PROGRESSING, "not established yet")


def binds_at_once(claim: Object, classes: list[Object]) -> bool:
    """Of a claim as the API server has stored it: it has filled in the default class."""
    name = claim["spec"].get("storageClassName")
    return any(
        item["metadata"]["name"] == name and item.get("volumeBindingMode", "Immediate") == "Immediate"
        for item in classes
    )

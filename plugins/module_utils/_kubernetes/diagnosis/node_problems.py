# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What is wrong with nodes, by their conditions."""

from __future__ import annotations

import typing as t

from ..._common.verdict import Reason
from ..api.port import Object
from ..workload.status import conditions

_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def nodes(items: t.Iterable[Object]) -> tuple[list[dict[str, t.Any]], list[Reason]]:
    """A cordoned node is healthy: somebody wanted that."""
    found: list[dict[str, t.Any]] = []
    reasons = []
    for node in items:
        now, name = conditions(node), node["metadata"]["name"]
        ready = now.get("Ready", {})
        pressures = [kind for kind in _PRESSURES if now.get(kind, {}).get("status") == "True"]
        is_ready = ready.get("status") == "True"
        found.append(
            {
                "name": name,
                "ready": is_ready,
                "schedulable": not (node.get("spec") or {}).get("unschedulable", False),
                "pressures": pressures,
            }
        )
        if not is_ready:
            text = f"not ready, {ready.get('message') or ready.get('reason') or 'it has not reported'}"
            reasons.append(Reason(f"node {name}", text))
        for kind in pressures:
            reasons.append(Reason(f"node {name}", f"{kind}, {now[kind].get('message', '')}".rstrip(", ")))
    return found, reasons

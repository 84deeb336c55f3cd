# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.runbook.release.plugins.module_utils._kubernetes.diagnosis import node_problems


def test_nodes_that_are_silent_or_under_pressure():
    def node(name, ready, disk="False", **spec):
        conditions = [
            {"type": "Ready", "status": ready, "message": "stopped posting"},
            {"type": "DiskPressure", "status": disk, "message": "full"},
        ]
        return {"metadata": {"name": name}, "spec": spec, "status": {"conditions": conditions}}

    found, reasons = node_problems.nodes(
        [
            node("a", "True", unschedulable=True),
            node("b", "Unknown"),
            node("c", "True", "True"),
            {"metadata": {"name": "d"}},
        ]
    )
    assert [entry["ready"] for entry in found] == [True, False, True, False] and not found[0]["schedulable"]
    assert [str(reason) for reason in reasons] == [
        "node b: not ready, stopped posting",
        "node c: DiskPressure, full",
        "node d: not ready, it has not reported",
    ]

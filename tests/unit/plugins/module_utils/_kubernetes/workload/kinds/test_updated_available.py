# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.kinds.registry import KINDS


@pytest.mark.parametrize(
    ("kind", "status", "pods"),
    [
        ("Deployment", {"replicas": 3, "updatedReplicas": 1, "availableReplicas": 2}, 0),
        ("Deployment", {"replicas": 3, "updatedReplicas": 1, "availableReplicas": 3}, 1),
        ("Deployment", {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}, 1),
        ("Deployment", {}, 0),
        ("StatefulSet", {"replicas": 3, "updatedReplicas": 1, "readyReplicas": 3}, 1),
        (
            "DaemonSet",
            {"currentNumberScheduled": 4, "updatedNumberScheduled": 2, "numberAvailable": 3},
            1,
        ),
    ],
)
def test_old_pods_are_never_counted_among_the_new_ones(kind: str, status: dict[str, int], pods: int) -> None:
    assert KINDS[kind].updated_available({"kind": kind, "status": status}) == pods

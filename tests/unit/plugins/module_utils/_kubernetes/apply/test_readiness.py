# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply import readiness as ready


@pytest.mark.parametrize(
    ("thing", "state", "text"),
    [
        ({"kind": "Namespace", "status": {"phase": "Active"}}, "ready", "Active"),
        ({"kind": "Namespace", "status": {"phase": "Terminating"}}, "failed", "Terminating"),
        ({"kind": "Namespace"}, "progressing", "not yet seen by its controller"),
        ({"kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}, "progressing", "Pending"),
        ({"kind": "PersistentVolumeClaim", "status": {"phase": "Bound"}}, "ready", "Bound"),
        ({"kind": "PersistentVolumeClaim", "status": {"phase": "Lost"}}, "failed", "Lost"),
        ({"kind": "CustomResourceDefinition"}, "progressing", "not established yet"),
        (
            {
                "kind": "CustomResourceDefinition",
                "status": {"conditions": [{"type": "Established", "status": "True"}]},
            },
            "ready",
            "established",
        ),
        (
            {
                "kind": "CustomResourceDefinition",
                "status": {
                    "conditions": [
                        {"type": "NamesAccepted", "status": "False", "message": "markets is taken"}
                    ]
                },
            },
            "failed",
            "its names are not accepted: markets is taken",
        ),
    ],
)
def test_what_an_object_says_of_itself(thing, state, text):
    assert ready.status(thing) == ready.Status(state, text)


def test_workloads_have_their_own_rules():
    job = {
        "kind": "Job",
        "metadata": {"generation": 1},
        "spec": {},
        "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]},
    }
    assert ready.status(job).state == ready.FAILED


@pytest.mark.parametrize(
    ("name", "classes", "expected"),
    [
        ("fast", [{"metadata": {"name": "fast"}, "volumeBindingMode": "Immediate"}], True),
        ("fast", [{"metadata": {"name": "fast"}, "volumeBindingMode": "WaitForFirstConsumer"}], False),
        ("fast", [], False),
        (None, [{"metadata": {"name": "fast"}}], False),
    ],
)
def test_a_claim_is_waited_for_only_where_no_pod_is_needed_to_bind_it(name, classes, expected):
    claim = {"kind": "PersistentVolumeClaim", "spec": {"storageClassName": name}}
    assert ready.binds_at_once(claim, classes) is expected
    assert ready.is_waited_for(claim, ready.binds_at_once(claim, classes)) is expected


def test_what_no_rule_is_known_for_is_not_waited_for():
    assert not ready.is_waited_for({"kind": "ConfigMap"}) and ready.is_waited_for({"kind": "Deployment"})

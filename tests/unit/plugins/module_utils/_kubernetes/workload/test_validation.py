# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.validation import problems

from ..cluster import workload


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"images": {"app": ""}},
            "auth: images of container app: found ''; allowed: an image with its tag or digest",
        ),
        (
            {"images": {"app": "r/auth: 1"}},
            "auth: images of container app: found 'r/auth: 1'; allowed: an image with its tag or digest",
        ),
        (
            {"images": {"app": None}},
            "auth: images of container app: found None; allowed: an image with its tag or digest",
        ),
        (
            {"env": {"app": "s3cr3t"}},
            "auth: env of container app: found no dictionary; allowed: a dictionary of variables",
        ),
        (
            {"env": {"app": {"A=B": "x"}}},
            "auth: env of container app: found the name 'A=B'; allowed: one that is not empty and has no =",
        ),
        (
            {"resources": {"app": {"limit": {}}}},
            "auth: resources of container app: found limit; allowed: limits and requests",
        ),
        (
            {"resources": {"app": {"limits": "1Gi"}}},
            "auth: resources of container app: limits: found '1Gi'; allowed: a dictionary of quantities, as cpu and memory",
        ),
        (
            {"resources": {"app": {"limits": {"memory": "12Mega"}}}},
            "auth: resources of container app: limits, memory: found 12Mega; allowed: a quantity, as 500m or 256Mi",
        ),
        (
            {"resources": {"app": {"requests": {"cpu": "-1"}}}},
            "auth: resources of container app: requests, cpu: found -1; allowed: a quantity, as 500m or 256Mi",
        ),
    ],
)
def test_what_cannot_be_is_told_with_what_is_allowed(given, said):
    assert list(problems(workload("auth", **given))) == [said]


def test_what_can_be_is_no_problem():
    given = {
        "replicas": 0,
        "images": {"app": "r.test:5000/auth@sha256:01"},
        "env": {"app": {"GONE": None, "NUMBER": 3, "POD": {"valueFrom": {}}}},
        "resources": {
            "app": {"limits": {"cpu": 0.5, "memory": "64Mi", "nvidia.com/gpu": 1}, "requests": {"cpu": None}}
        },
    }
    assert list(problems(workload("auth", **given))) == []

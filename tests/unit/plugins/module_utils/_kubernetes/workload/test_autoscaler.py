# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import Forbidden
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout import rollback, rollout
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.autoscaler import (
    Autoscalers,
)

from ..cluster import AUTOSCALERS, Cluster, context, image, workload

OWNER = {
    "metadata": {"name": "busy"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "wallet"}, "maxReplicas": 9},
}


def platform():
    cluster = Cluster(["wallet", "auth"], replicas=7)
    cluster.autoscalers["busy"] = OWNER
    return cluster


def test_a_release_and_its_way_back_leave_replicas_to_their_autoscaler():
    cluster = platform()
    wave = [workload(name, replicas=3, images={name: image(name, "1.1.0")}) for name in ("wallet", "auth")]
    given, lines = context(cluster, {"release": "1.1.0", "workloads": wave})
    rollout.run(cluster, given)
    assert [thing["spec"]["replicas"] for thing in cluster.deployments.values()] == [7, 3]
    assert (
        lines[0] == "wallet: replicas stay at 7 and not 3: HorizontalPodAutoscaler busy owns them"
        and len([line for line in lines if "owns" in line]) == 1
    )
    assert [path for _method, path in cluster.requests].count(AUTOSCALERS) == 1
    cluster.autoscalers["late"] = {
        **OWNER,
        "spec": {**OWNER["spec"], "scaleTargetRef": {"kind": "Deployment", "name": "auth"}},
    }
    params = {
        "release": "1.1.0",
        "workloads": None,
        "reason": "",
        "unfinished_only": False,
        "to_revision": None,
        "to_release": None,
    }
    rollback.run(cluster, context(cluster, params)[0])
    assert (
        cluster.images() == {"wallet": "1.0.0", "auth": "1.0.0"}
        and cluster.deployments["auth"]["spec"]["replicas"] == 3
    )


@pytest.mark.parametrize(
    ("now", "wanted", "left"), [(7, 3, {}), (0, 3, {("replicas",): 3}), (7, 0, {("replicas",): 0})]
)
def test_at_no_replicas_an_autoscaler_leaves_a_workload_alone(now, wanted, left):
    cluster = platform()
    cluster.deployments["wallet"]["spec"]["replicas"] = now
    assert (
        Autoscalers(cluster, "exchange", context(cluster, {})[0].say).respected(
            cluster.deployments["wallet"], {("replicas",): wanted}
        )
        == left
    )


def test_who_may_not_look_is_told_and_goes_on():
    cluster = platform()

    def refuse(path):
        raise Forbidden("horizontalpodautoscalers is forbidden")

    cluster.get = refuse
    given, lines = context(cluster, {})
    scalers = Autoscalers(cluster, "exchange", given.say)
    for name in ("wallet", "auth"):
        assert scalers.respected(cluster.deployments[name], {("replicas",): 3}) == {("replicas",): 3}
    assert len(lines) == 1 and "horizontalpodautoscalers may not be listed" in lines[0]


def test_nobody_is_asked_where_no_replicas_are_set():
    cluster = platform()
    Autoscalers(cluster, "exchange", context(cluster, {})[0].say).respected(
        cluster.deployments["wallet"], {("images", "wallet"): "x"}
    )
    assert cluster.requests == []

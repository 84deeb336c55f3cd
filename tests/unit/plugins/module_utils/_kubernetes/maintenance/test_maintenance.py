# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError, ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.maintenance import (
    maintenance as scale,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.maintenance.plan import MARK
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout import rollout
from ansible_collections.runbook.release.plugins.module_utils._release.lock import LockLost

from ..cluster import Cluster, context, image, workload


def ran(cluster, *workloads, state="present", check_mode=False, drain=None):
    params = {
        "release": "1.1.0",
        "state": state,
        "workloads": [workload(**given) for given in workloads] or None,
        "drain": drain,
    }
    given, lines = context(cluster, params, check_mode)
    return scale.run(cluster, given), lines


def spec(cluster, name):
    return cluster.deployments[name]["spec"]


def env(cluster, name):
    return {
        entry["name"]: entry.get("value")
        for entry in spec(cluster, name)["template"]["spec"]["containers"][0].get("env", [])
    }


def test_replicas_and_environment_are_set_and_exactly_what_was_there_is_given_back():
    cluster = Cluster(["trading", "gateway"], replicas=5)
    before = json.dumps(cluster.deployments["trading"]["spec"])
    result, lines = ran(
        cluster,
        {"name": "trading", "replicas": 1},
        {"name": "gateway", "env": {"gateway": {"MAINTENANCE_MODE": True}}},
    )
    assert spec(cluster, "trading")["replicas"] == 1 and env(cluster, "gateway") == {
        "MAINTENANCE_MODE": "true"
    }
    assert lines[:2] == ["trading: 5 -> 1 replicas", "gateway: env MAINTENANCE_MODE set"] and result.changed
    result, _lines = ran(cluster, state="restored")
    assert result.changed and json.dumps(cluster.deployments["trading"]["spec"]) == before
    assert MARK not in json.dumps(cluster.deployments)
    cluster.requests.clear()
    assert not ran(cluster, state="restored")[0].changed and cluster.writes == []


def test_a_second_on_keeps_what_was_there_before_the_first():
    cluster = Cluster(["trading"], replicas=5)
    ran(cluster, {"name": "trading", "replicas": 2})
    cluster.requests.clear()
    assert not ran(cluster, {"name": "trading", "replicas": 2})[0].changed and cluster.writes == []
    ran(cluster, {"name": "trading", "replicas": 1})
    ran(cluster, state="restored")
    assert spec(cluster, "trading")["replicas"] == 5


def test_what_a_release_has_changed_meanwhile_stays_and_is_told():
    cluster = Cluster(["trading"], replicas=5)
    ran(cluster, {"name": "trading", "replicas": 1, "env": {"trading": {"MODE": "quiet"}}})
    given, _lines = context(
        cluster,
        {
            "release": "1.1.0",
            "workloads": [workload("trading", images={"trading": image("trading", "1.1.0")}, replicas=7)],
        },
    )
    rollout.run(cluster, given)
    result, lines = ran(cluster, state="restored")
    assert spec(cluster, "trading")["replicas"] == 7 and result.values["left"] == {"trading": ["replicas"]}
    assert (
        "trading: replicas stays as it is: somebody else has changed it since" in lines
        and cluster.images() == {"trading": "1.1.0"}
    )


def test_check_mode_tells_and_writes_nothing():
    cluster = Cluster(["trading"], replicas=5)
    result, lines = ran(cluster, {"name": "trading", "replicas": 1}, check_mode=True)
    assert result.changed and cluster.writes == [] and lines == ["would change trading: 5 -> 1 replicas"]


def test_names_that_are_not_there_are_refused():
    with pytest.raises(InputError, match="nothing was changed") as caught:
        ran(Cluster(["trading"]), {"name": "tradng", "replicas": 1})
    assert "no Deployment named tradng (did you mean trading?)" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            [{"name": "trading", "replicas": 1}, {"name": "trading", "env": {"trading": {"MODE": "quiet"}}}],
            "workload trading is listed 2 times",
        ),
        (
            [{"name": "trading", "env": {"main": {"MODE": "quiet"}}}],
            "Deployment trading has no container named main; it has: trading",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(given, said):
    cluster = Cluster(["gateway", "trading"])
    with pytest.raises(InputError, match="nothing was changed") as caught:
        ran(cluster, {"name": "gateway", "replicas": 1}, *given)
    assert said in str(caught.value) and cluster.writes == []


def autoscaled(cluster, low=3, high=10, name="trading"):
    cluster.autoscalers[name] = {
        "metadata": {"name": name, "uid": "h", "resourceVersion": "1", "annotations": {}},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": name},
            "minReplicas": low,
            "maxReplicas": high,
        },
    }


def test_the_floor_of_an_autoscaler_is_moved_in_place_of_the_replicas_it_owns():
    cluster = Cluster(["trading"], replicas=5)
    autoscaled(cluster)
    result, lines = ran(cluster, {"name": "trading", "replicas": 1})
    assert (
        cluster.autoscalers["trading"]["spec"]["minReplicas"] == 1
        and spec(cluster, "trading")["replicas"] == 5
    )
    assert lines[0] == "minReplicas of HorizontalPodAutoscaler trading 3 -> 1" and result.after == {
        "HorizontalPodAutoscaler trading": {"minReplicas": 1}
    }
    assert not ran(cluster, {"name": "trading", "replicas": 1})[0].changed
    ran(cluster, state="restored")
    assert (
        cluster.autoscalers["trading"]["spec"]["minReplicas"] == 3
        and MARK not in cluster.autoscalers["trading"]["metadata"]["annotations"]
    )
    with pytest.raises(InputError, match="allows 10 replicas at most, 11 are asked for"):
        ran(cluster, {"name": "trading", "replicas": 11})


def test_a_run_that_is_stopped_between_two_floors_finds_its_lock_taken():
    cluster = Cluster(["trading", "wallet"], replicas=5)
    for name in ("trading", "wallet"):
        autoscaled(cluster, name=name)
    patch = cluster.patch

    def stopped(path, *given, **more):
        cluster.leases["runbook-release"]["spec"].update(
            holderIdentity="deploy@elsewhere pid 1 since 2", leaseTransitions=7
        )
        cluster.seconds += 2
        return patch(path, *given, **more)

    cluster.patch = stopped
    with pytest.raises(LockLost):
        ran(cluster, {"name": "trading", "replicas": 1}, {"name": "wallet", "replicas": 1})
    assert {name: thing["spec"]["minReplicas"] for name, thing in cluster.autoscalers.items()} == {
        "trading": 1,
        "wallet": 3,
    }


def test_an_autoscaler_leaves_a_workload_without_replicas_alone():
    cluster = Cluster(["trading"], replicas=5)
    autoscaled(cluster)
    ran(cluster, {"name": "trading", "replicas": 0})
    assert (
        spec(cluster, "trading")["replicas"] == 0
        and cluster.autoscalers["trading"]["spec"]["minReplicas"] == 3
    )
    ran(cluster, state="restored")
    assert spec(cluster, "trading")["replicas"] == 5


DRAIN = {"timeout": 10, "metric": "in_flight", "at_most": 0, "port": 8080, "path": "/metrics"}


def drained(cluster, *answers):
    """With a pod that reports one answer after the other, the last one from then on."""
    told = list(answers)
    cluster.text = lambda path: told.pop(0) if len(told) > 1 else told[0]
    return ran(cluster, {"name": "trading", "replicas": 1}, drain=DRAIN)


def test_it_waits_until_the_metric_says_nothing_is_under_way_twice():
    busy, idle = 'in_flight{path="/a"} 1\nin_flight{path="/b"} 2\n', 'in_flight{path="/a"} 0\n'
    result, lines = drained(Cluster(["trading"]), busy, idle, busy, idle)
    assert result.values["drained"] and lines[-1] == "drained: nothing is under way any more"


def test_what_is_still_under_way_at_the_upper_bound_is_said():
    result, lines = drained(Cluster(["trading"]), "in_flight 4\n")
    assert (
        not result.values["drained"]
        and lines[-1] == "not drained within 10 s: in_flight is 4 in trading-1.0.0-x"
    )


def test_a_metric_that_nobody_reports_is_an_error_and_not_drained():
    with pytest.raises(ReleaseError, match="does not report in_flight at port 8080, /metrics"):
        drained(Cluster(["trading"]), "other 1\n")


def test_pods_that_are_on_their_way_out_are_waited_for():
    cluster = Cluster(["trading"])
    cluster._pod("trading", "trading-0.9.0", image("trading", "0.9.0"))["metadata"]["deletionTimestamp"] = (
        "2026-01-01T00:00:00Z"
    )
    result, lines = drained(cluster, "in_flight 0\n")
    assert (
        not result.values["drained"] and lines[-1] == "not drained within 10 s: still ending: trading-0.9.0-x"
    )

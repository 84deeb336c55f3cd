# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import NotFound
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.diagnosis.failure import (
    Finding,
    Situation,
    failure,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.diagnosis.pod_problems import (
    PodProblem,
    problem_of_workload,
)

from ..cluster import Cluster, context

CAPTURED = json.loads((Path(__file__).parents[1] / "captured.json").read_text())


class Logs:
    """Holds a log for each instance; without one, the kubelet says so in its own way."""

    def __init__(self, warnings=(), **logs):
        self.warnings, self.replica_sets, self.logs, self.asked = list(warnings), [], logs, []

    def get(self, path):
        self.asked += [path.rsplit("/", 1)[-1]] * ("replicasets" in path)
        return {"items": self.replica_sets if "replicasets" in path else self.warnings}

    def text(self, path):
        instance = "before" if "previous=true" in path else "now"
        self.asked.append(instance)
        if instance not in self.logs:
            raise NotFound("previous terminated container not found")
        return self.logs[instance]


def explained(api, state, trouble, waiting=()):
    pod = {
        "metadata": {"name": "wallet-1"},
        "spec": {
            "containers": [{"name": "wallet", "env": [{"name": "API_TOKEN", "value": "t0ken-of-wallet"}]}]
        },
        "status": {"containerStatuses": [{"name": "wallet", "ready": False, "state": state}]},
    }
    return failure(
        api,
        context(Cluster([]), {})[0],
        "exchange",
        "wallet failed.",
        Situation([Finding("wallet", pod, trouble)], dict(waiting)),
    )


CRASH = PodProblem("wallet-1", "wallet", "Error", "", 3, 1, permanent=True)


@pytest.mark.parametrize(
    ("state", "logs", "asked"),
    [
        ({"terminated": {}}, {"now": "fatal: schema 41", "before": "older"}, ["now"]),
        ({"waiting": {}}, {"now": "fatal: schema 41"}, ["now"]),
        ({"running": {}}, {"now": "starting", "before": "fatal: schema 41"}, ["before"]),
        (
            {"running": {}},
            {"now": "fatal: schema 41", "before": "unable to retrieve container logs for containerd://6ac8"},
            ["before", "now"],
        ),
        ({"running": {}}, {"now": "fatal: schema 41"}, ["before", "now"]),
    ],
)
def test_the_log_is_that_of_the_instance_that_failed(state, logs, asked):
    api = Logs(**logs)
    assert (
        "last log lines:\n      fatal: schema 41" in str(explained(api, state, CRASH)) and api.asked == asked
    )


def test_what_cannot_be_had_is_left_out():
    assert "last log lines" not in str(explained(Logs(), {"terminated": {}}, CRASH))


def test_secrets_of_the_environment_do_not_come_out_of_the_log():
    assert "logged in with ********" in str(
        explained(Logs(now="logged in with t0ken-of-wallet"), {"terminated": {}}, CRASH)
    )


def test_warnings_command_and_structure():
    warning = {
        "type": "Warning",
        "reason": "Unhealthy",
        "message": "Readiness probe failed: 503",
        "involvedObject": {"name": "wallet-1"},
    }
    error = explained(
        Logs([warning]),
        {"running": {}},
        PodProblem("wallet-1", "", "not ready", "containers with unready status: [wallet]"),
    )
    assert (
        "warning: Unhealthy: Readiness probe failed: 503" in str(error)
        and error.then == "kubectl -n exchange describe pod wallet-1"
    )
    assert error.details["failures"] == [
        {"workload": "wallet", "pod": "wallet-1", "container": "", "reason": "not ready", "exit_code": None}
    ]


def test_the_worst_pod_is_told_in_full_and_the_others_by_name():
    pods = [{"metadata": {"name": f"wallet-{n}"}, "spec": {}, "status": {}} for n in range(3)]
    findings = [
        Finding("wallet", pod, PodProblem(pod["metadata"]["name"], "wallet", "Error", "", 3)) for pod in pods
    ]
    error = failure(
        Logs(), context(Cluster([]), {})[0], "exchange", "wallet failed.", Situation(findings, {})
    )
    assert (
        "pod wallet-0, container wallet: Error, exit code 3\n    and 2 more of its pods: wallet-1, wallet-2"
        in str(error)
    )
    assert [found["pod"] for found in error.details["failures"]] == ["wallet-0"]


@pytest.mark.parametrize("name", ["over", "no-account"])
def test_a_workload_that_gets_no_pods_is_told_by_the_warnings_of_its_newest_replica_set(name):
    api = Logs(CAPTURED["events"])
    api.replica_sets = CAPTURED["replica_sets"]
    thing = {**CAPTURED["deployments"][name], "kind": "Deployment"}
    error = failure(
        api, context(Cluster([]), {})[0], "exchange", f"{name} did not settle.", Situation([], {name: thing})
    )
    refused = {"over": "exceeded quota: limits", "no-account": 'serviceaccount "nobody-here" not found'}[name]
    assert "warning: FailedCreate: " in str(error) and refused in str(error).split("warning:")[1]
    assert error.then == f"kubectl -n exchange describe deployment {name}"
    found = Finding(name, {"metadata": {"name": ""}, "spec": {}}, problem_of_workload(thing))
    error = failure(
        api, context(Cluster([]), {})[0], "exchange", f"{name} is stuck.", Situation([found], {name: thing})
    )
    assert str(error).count(refused) == 1 and error.then == f"kubectl -n exchange describe deployment {name}"


def test_a_secret_of_the_environment_does_not_come_out_of_a_termination_message():
    pod = {
        "metadata": {"name": "w"},
        "spec": {"containers": [{"name": "w", "env": [{"name": "TOKEN", "value": "t0ken-of-wallet"}]}]},
    }
    given, _lines = context(Cluster([]), {})
    error = failure(
        Logs(),
        given,
        "exchange",
        "w failed.",
        Situation([Finding("w", pod, PodProblem("w", "w", "Error", "refused t0ken-of-wallet", 1))], {}),
    )
    assert "t0ken" not in given.redact.text(str(error))


def test_a_workload_without_a_pod_to_blame_is_told_by_its_status():
    thing = {
        "kind": "Deployment",
        "metadata": {"name": "kyc", "generation": 1},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 1},
    }
    error = failure(
        Logs(), context(Cluster([]), {})[0], "exchange", "kyc failed.", Situation([], {"kyc": thing})
    )
    assert (
        error.why == ["kyc: 0 of 2 updated, 0 available"]
        and error.then == "kubectl -n exchange describe deployment kyc"
    )


def test_a_node_that_is_not_well_is_told_with_its_pod_where_nodes_may_be_read():
    node = {
        "metadata": {"name": "worker-3"},
        "status": {
            "conditions": [
                {"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status."}
            ]
        },
    }
    api, pod = Logs(), {"metadata": {"name": "w"}, "spec": {"nodeName": "worker-3"}}
    events, asked = api.get, []

    def get(path):
        asked.append(path)
        return {"items": [node]} if "/nodes" in path else events(path)

    api.get = get
    told = failure(
        api,
        context(Cluster([]), {})[0],
        "exchange",
        "w failed.",
        Situation([Finding("w", pod, PodProblem("w", "", "not ready"))], {}),
    )
    assert "node worker-3: not ready, Kubelet stopped posting node status." in str(told)
    assert [path for path in asked if "nodes" in path] == [
        "/api/v1/nodes?fieldSelector=metadata.name%3Dworker-3"
    ]

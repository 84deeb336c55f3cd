# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common._errors import NotFound
from ansible_collections.runbook.release.plugins.module_utils._kubernetes._diagnosis import Trouble
from ansible_collections.runbook.release.plugins.module_utils._kubernetes._explain import Finding, failure

from .cluster import Cluster, context


class Logs:
    """Holds a log for each instance; without one, the kubelet says so in its own way."""

    def __init__(self, warnings=(), **logs):
        self.warnings, self.logs, self.asked = list(warnings), logs, []

    def get(self, path):
        return {"items": self.warnings}

    def text(self, path):
        instance = "before" if "previous=true" in path else "now"
        self.asked.append(instance)
        if instance not in self.logs:
            raise NotFound("previous terminated container not found")
        return self.logs[instance]


def explained(api, state, trouble, waiting=()):
    pod = {
        "metadata": {"name": "wallet-1"},
        "spec": {"containers": [{"name": "wallet", "env": [{"name": "API_TOKEN", "value": "t0ken-of-wallet"}]}]},
        "status": {"containerStatuses": [{"name": "wallet", "ready": False, "state": state}]},
    }
    return failure(api, context(Cluster([]), {})[0], "wallet failed.", [Finding("wallet", pod, trouble)], dict(waiting))


CRASH = Trouble("wallet-1", "wallet", "Error", "", 3, 1, hopeless=True)


@pytest.mark.parametrize(
    ("state", "logs", "asked"),
    [
        ({"terminated": {}}, {"now": "fatal: schema 41", "before": "older"}, ["now"]),
        ({"waiting": {}}, {"now": "fatal: schema 41"}, ["now"]),
        ({"running": {}}, {"now": "starting", "before": "fatal: schema 41"}, ["before"]),
        ({"running": {}}, {"now": "fatal: schema 41", "before": "unable to retrieve container logs for containerd://6ac8"}, ["before", "now"]),
        ({"running": {}}, {"now": "fatal: schema 41"}, ["before", "now"]),
    ],
)
def test_the_log_is_that_of_the_instance_that_failed(state, logs, asked):
    api = Logs(**logs)
    assert "last log lines:\n      fatal: schema 41" in str(explained(api, state, CRASH)) and api.asked == asked


def test_what_cannot_be_had_is_left_out():
    assert "last log lines" not in str(explained(Logs(), {"terminated": {}}, CRASH))


def test_secrets_of_the_environment_do_not_come_out_of_the_log():
    assert "logged in with ********" in str(explained(Logs(now="logged in with t0ken-of-wallet"), {"terminated": {}}, CRASH))


def test_warnings_command_and_structure():
    warning = {"type": "Warning", "reason": "Unhealthy", "message": "Readiness probe failed: 503", "involvedObject": {"name": "wallet-1"}}
    error = explained(Logs([warning]), {"running": {}}, Trouble("wallet-1", "", "not ready", "containers with unready status: [wallet]"))
    assert "warning: Unhealthy: Readiness probe failed: 503" in str(error) and error.then == "kubectl -n exchange describe pod wallet-1"
    assert error.details["failures"] == [{"workload": "wallet", "pod": "wallet-1", "container": "", "reason": "not ready", "exit_code": None}]


def test_a_workload_without_a_pod_to_blame_is_told_by_its_status():
    thing = {"kind": "Deployment", "metadata": {"name": "kyc", "generation": 1}, "spec": {"replicas": 2}, "status": {"observedGeneration": 1}}
    error = failure(Logs(), context(Cluster([]), {})[0], "kyc failed.", [], {"kyc": thing})
    assert error.why == ["kyc: 0 of 2 updated, 0 available"] and error.then == "kubectl -n exchange describe deployment kyc"

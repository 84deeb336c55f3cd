# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes._diagnosis import last_warnings, secrets_of, trouble


def pod(*statuses, init=(), conditions=(), phase="Running", **metadata):
    return {
        "metadata": {"name": "wallet-1", **metadata},
        "spec": {"containers": []},
        "status": {"phase": phase, "containerStatuses": list(statuses), "initContainerStatuses": list(init), "conditions": list(conditions)},
    }


def waiting(reason, message="", **more):
    return {"name": "wallet", "ready": False, "restartCount": 0, "state": {"waiting": {"reason": reason, "message": message}}, **more}


ENDED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}


@pytest.mark.parametrize(
    ("given", "reason", "hopeless"),
    [
        (pod(waiting("CrashLoopBackOff", restartCount=2)), "CrashLoopBackOff", True),
        (pod(waiting("CrashLoopBackOff", lastState=ENDED)), "OOMKilled (its memory limit was too small for it)", True),
        (pod(waiting("ErrImagePull", "registry.test/wallet:9: not found")), "ErrImagePull", True),
        (pod(waiting("ErrImagePull", "dial tcp: i/o timeout")), "ErrImagePull", False),
        (pod(waiting("ImagePullBackOff", "Back-off pulling image")), "ImagePullBackOff", True),
        (pod(waiting("CreateContainerConfigError", 'secret "db" not found')), "CreateContainerConfigError", True),
        # Kubernetes pull request 74755: still being mounted, not missing.
        (pod(waiting("CreateContainerConfigError", "failed to sync secret cache: timed out")), "CreateContainerConfigError", False),
        (pod({"name": "wallet", "ready": False, "restartCount": 0, "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}), "Error", False),
        (pod({"name": "wallet", "ready": False, "restartCount": 1, "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}), "Error", True),
        (pod({"name": "wallet", "ready": False, "restartCount": 1, "state": {"running": {}}, "lastState": ENDED}), "OOMKilled", False),
        (pod(init=[waiting("CrashLoopBackOff")]), "CrashLoopBackOff", True),
        (pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]), "Unschedulable", False),
        (pod(phase="Failed"), "Failed", False),
    ],
)
def test_what_is_wrong_and_whether_waiting_helps(given, reason, hopeless):
    found = trouble(given)
    assert (found.reason, found.hopeless) == (reason, hopeless)


def test_the_exit_code_of_the_instance_before_is_told():
    said = str(trouble(pod(waiting("CrashLoopBackOff", restartCount=2, lastState={"terminated": {"exitCode": 3}}))))
    assert said == "pod wallet-1, container wallet: CrashLoopBackOff, exit code 3, restarted 2 times"


@pytest.mark.parametrize(
    "given",
    [
        pod(waiting("ContainerCreating")),
        pod(waiting("PodInitializing")),
        pod({"name": "wallet", "ready": True, "restartCount": 1, "state": {"running": {}}, "lastState": ENDED}),
        pod(waiting("CrashLoopBackOff"), deletionTimestamp="2026-01-01T00:00:00Z"),
    ],
)
def test_what_starts_ends_or_has_recovered_is_no_trouble(given):
    assert trouble(given) is None


def test_the_newest_warnings_of_the_pod_are_told_once():
    def event(message, at, kind="Warning", name="wallet-1"):
        return {"type": kind, "reason": "Unhealthy", "message": message, "lastTimestamp": at, "involvedObject": {"name": name}}

    events = [event("b", "2"), event("a", "1"), event("b", "3"), event("other", "9", name="kyc"), event("normal", "9", kind="Normal")]
    assert last_warnings(events, "wallet-1") == ["Unhealthy: a", "Unhealthy: b"]


def test_the_literal_environment_of_all_containers_is_known():
    containers = {"containers": [{"env": [{"name": "DB_PASSWORD", "value": "x"}, {"name": "FROM_SECRET", "valueFrom": {}}]}], "initContainers": [{}]}
    assert secrets_of({"spec": containers}) == {"DB_PASSWORD": "x"}

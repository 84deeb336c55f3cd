# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.diagnosis.pod_problems import (
    PodProblem,
    last_warnings,
    leaving,
    problem_of,
    problem_of_workload,
    repeats,
    secrets_of,
    unready,
)

# As the sandbox's API server gave them, each made bad in its own way; fields that nobody reads were left out.
CAPTURED = json.loads((Path(__file__).parents[1] / "captured.json").read_text())


def pod(*statuses, init=(), conditions=(), phase="Running", **metadata):
    return {
        "metadata": {"name": "wallet-1", **metadata},
        "spec": {"containers": []},
        "status": {
            "phase": phase,
            "containerStatuses": list(statuses),
            "initContainerStatuses": list(init),
            "conditions": list(conditions),
        },
    }


def waiting(reason, message="", **more):
    return {
        "name": "wallet",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": {"reason": reason, "message": message}},
        **more,
    }


ENDED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}


@pytest.mark.parametrize(
    ("given", "reason", "permanent"),
    [
        (pod(waiting("CrashLoopBackOff", restartCount=2)), "CrashLoopBackOff", True),
        (
            pod(waiting("CrashLoopBackOff", lastState=ENDED)),
            "OOMKilled (its memory limit was too small for it)",
            True,
        ),
        (pod(waiting("ErrImagePull", "registry.test/wallet:9: not found")), "ErrImagePull", True),
        (pod(waiting("ErrImagePull", "dial tcp: i/o timeout")), "ErrImagePull", False),
        (
            pod(
                waiting(
                    "ImagePullBackOff",
                    "Back-off pulling image: ErrImagePull: no match for platform in manifest",
                )
            ),
            "ImagePullBackOff",
            True,
        ),
        (
            pod(waiting("CreateContainerConfigError", 'secret "db" not found')),
            "CreateContainerConfigError",
            True,
        ),
        # Kubernetes pull request 74755: still being mounted, not missing.
        (
            pod(waiting("CreateContainerConfigError", "failed to sync secret cache: timed out")),
            "CreateContainerConfigError",
            False,
        ),
        (
            pod(
                {
                    "name": "wallet",
                    "ready": False,
                    "restartCount": 0,
                    "state": {"terminated": {"exitCode": 1, "reason": "Error"}},
                }
            ),
            "Error",
            False,
        ),
        (
            pod(
                {
                    "name": "wallet",
                    "ready": False,
                    "restartCount": 1,
                    "state": {"terminated": {"exitCode": 1, "reason": "Error"}},
                }
            ),
            "Error",
            True,
        ),
        (
            pod(
                {
                    "name": "wallet",
                    "ready": False,
                    "restartCount": 1,
                    "state": {"running": {}},
                    "lastState": ENDED,
                }
            ),
            "OOMKilled (its memory limit was too small for it)",
            False,
        ),
        (pod(init=[waiting("CrashLoopBackOff")]), "CrashLoopBackOff", True),
        (
            pod(
                conditions=[
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/1 nodes",
                    }
                ]
            ),
            "Unschedulable",
            False,
        ),
        (pod(phase="Failed"), "Failed", False),
    ],
)
def test_what_is_wrong_and_whether_waiting_helps(given, reason, permanent):
    found = problem_of(given)
    assert (found.reason, found.permanent) == (reason, permanent)


WILL_NOT, MAY, UNDER_WAY = (True, False), (False, True), (False, False)


@pytest.mark.parametrize(
    ("name", "said", "patience"),
    [
        ("bad-image", "container bad-image: ImagePullBackOff\n  Back-off pulling image", WILL_NOT),
        ("crash", "container crash: Error, exit code 3, restarted 9 times", WILL_NOT),
        (
            "ephemeral",
            ": Evicted\n  Pod ephemeral local storage usage exceeds the total limit of containers 1Ki.",
            MAY,
        ),
        ("init-fails", ", init container schema: Error, exit code 3", WILL_NOT),
        ("invalid-image", "repository name (exchange/Wallet) must be lowercase", WILL_NOT),
        (
            "missing-key",
            "CreateContainerConfigError\n  couldn't find key password in Secret h2-diagnosis/db",
            WILL_NOT,
        ),
        ("missing-secret", 'CreateContainerConfigError\n  secret "nodb" not found', WILL_NOT),
        ("never-pull", "ErrImageNeverPull", WILL_NOT),
        ("no-command", "stat /bin/nothing: no such file or directory", WILL_NOT),
        ("no-config", "volumes or network are not there yet", MAY),
        ("no-node", "didn't match Pod's node affinity/selector.\n  nodeSelector disk=nvme", MAY),
        ("no-pvc", 'persistentvolumeclaim "data" not found', MAY),
        ("run-as", "container's runAsUser breaks non-root policy", WILL_NOT),
        ("startup", "CrashLoopBackOff, exit code 137", WILL_NOT),
        ("too-big", "0/1 nodes are available: 1 Insufficient cpu.\n  too-big requests cpu 500", MAY),
    ],
)
def test_real_pods_say_what_is_wrong_and_whether_waiting_may_help(name, said, patience):
    found = problem_of(CAPTURED["pods"][name])
    assert said in str(found) and (found.permanent, found.transient) == patience


def test_a_pod_that_runs_and_is_not_ready_names_the_probe_that_it_does_not_pass():
    given = CAPTURED["pods"]["ready"]
    assert problem_of(given) is None and unready(given).endswith(
        "[ready]; ready: readiness probe GET /ready on port 8080 every 1 s"
    )


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"readinessProbe": {"tcpSocket": {"port": 5432}}}, "w: readiness probe tcpSocket 5432 every 10 s"),
        (
            {"readinessProbe": {}, "startupProbe": {"exec": {"command": ["pg_isready"]}}},
            "w: startup probe pg_isready every 10 s",
        ),
        ({"readinessProbe": {"grpc": {"port": 9}}}, "w: readiness probe grpc 9 every 10 s"),
    ],
)
def test_every_kind_of_probe_has_words(spec, said):
    given = pod(
        {"name": "w", "ready": False, "started": False, "state": {"running": {}}},
        conditions=[{"type": "Ready", "status": "False", "reason": "R"}],
    )
    given["spec"]["containers"] = [{"name": "w", **spec}]
    assert unready(given) == f"R; {said}"


def test_a_node_that_went_silent_is_suspected_where_the_containers_were_ready():
    given = pod(
        conditions=[{"type": "Ready", "status": "False"}, {"type": "ContainersReady", "status": "True"}]
    )
    given["spec"]["nodeName"] = "worker-3"
    assert "node worker-3 may not report any more" in unready(given)


def test_a_pod_that_its_node_has_not_begun_with_is_told_with_the_node():
    given = pod(phase="Pending", conditions=[{"type": "PodScheduled", "status": "True"}])
    assert problem_of(given) is None  # not given to a node yet
    given["spec"]["nodeName"] = "worker-3"
    found = problem_of(given)
    assert (found.reason, found.transient) == (
        "not begun by its node",
        True,
    ) and "given to node worker-3" in found.message
    given["status"]["startTime"] = "2026-01-01T00:00:00Z"
    assert problem_of(given) is None


def test_a_pod_that_does_not_go_says_since_when_and_what_keeps_it():
    given = pod(deletionTimestamp="2026-01-01T00:00:30Z")
    given["spec"]["nodeName"] = "worker-3"
    assert problem_of(given) is None and str(leaving(given)) == (
        "pod wallet-1: deleted and still there\n  it was to be gone at 2026-01-01T00:00:30Z; node worker-3 has not said that its containers have ended"
    )
    given["metadata"]["finalizers"] = ["team/backup"]
    assert leaving(given).message.endswith("its finalizers keep it: team/backup") and leaving(given).transient
    assert leaving(pod()) is None


def test_a_cordoned_node_is_called_that():
    given = pod(
        conditions=[
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": "0/1 nodes are available: 1 node(s) were unschedulable.",
            }
        ]
    )
    assert "kubectl uncordon NODE" in problem_of(given).message


@pytest.mark.parametrize(
    ("given", "patience"),
    [
        # A registry that does not answer is not a registry that says no.
        (
            pod(
                waiting(
                    "ImagePullBackOff",
                    "Back-off pulling image: ErrImagePull: dial tcp 10.0.0.1:443: i/o timeout",
                )
            ),
            MAY,
        ),
        (pod(waiting("ErrImagePull", "429 toomanyrequests: slow down")), MAY),
        (pod(waiting("CreateContainerConfigError", "failed to sync secret cache: timed out")), MAY),
        (
            pod({"name": "wallet", "ready": False, "state": {"terminated": {"exitCode": 1}}}, phase="Failed"),
            UNDER_WAY,
        ),
        # It cannot start, and no second try is needed to know it.
        (
            pod(
                {
                    "name": "w",
                    "state": {
                        "terminated": {
                            "exitCode": 128,
                            "reason": "StartError",
                            "message": "exec /w: exec format error",
                        }
                    },
                }
            ),
            WILL_NOT,
        ),
    ],
)
def test_what_may_heal_is_told_from_what_will_not(given, patience):
    found = problem_of(given)
    assert (found.permanent, found.transient) == patience


def test_the_hopeless_container_is_told_before_the_one_that_only_stumbled():
    stumbled = {
        "name": "proxy",
        "ready": False,
        "restartCount": 1,
        "state": {"running": {}},
        "lastState": ENDED,
    }
    assert (
        problem_of(pod(stumbled, waiting("CreateContainerConfigError", 'secret "db" not found'))).container
        == "wallet"
    )


def test_the_pod_of_a_job_is_told_by_its_container():
    assert (
        problem_of(
            pod({"name": "task", "state": {"terminated": {"exitCode": 4, "reason": "Error"}}}, phase="Failed")
        ).exit_code
        == 4
    )


def test_a_termination_message_and_a_foreign_architecture_are_told():
    ended = {
        "terminated": {"exitCode": 128, "reason": "StartError", "message": "exec /wallet: exec format error"}
    }
    assert "(the image is for another CPU architecture than the node)" in str(
        problem_of(pod(waiting("CrashLoopBackOff", lastState=ended)))
    )


def test_the_memory_limit_that_was_too_small_is_named():
    given = pod(waiting("CrashLoopBackOff", lastState=ENDED))
    given["spec"]["containers"] = [{"name": "wallet", "resources": {"limits": {"memory": "32Mi"}}}]
    assert problem_of(given).reason == "OOMKilled (its memory limit of 32Mi was too small for it)"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("over", "exceeded quota: limits, requested: pods=1, used: pods=0, limited: pods=0"),
        ("no-account", 'serviceaccount "nobody-here" not found'),
    ],
)
def test_a_workload_that_gets_no_pods_says_who_refused_them(name, said):
    found = problem_of_workload(CAPTURED["deployments"][name])
    assert (
        str(found).startswith("pods cannot be created (FailedCreate)\n")
        and said in str(found)
        and found.transient
    )
    assert problem_of_workload({"metadata": {"name": name}}) is None


def test_missing_fields_are_no_crash():
    assert problem_of({"metadata": {"name": "w"}}) is None and unready({"metadata": {"name": "w"}}) == ""
    assert problem_of(
        {
            "metadata": {"name": "w"},
            "status": {"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
        }
    ).permanent
    assert last_warnings([{}, {"type": "Warning", "involvedObject": {"name": "w"}}], "w") == ["None: "]


def test_warnings_that_say_nothing_or_say_it_again_are_left_out():
    given = CAPTURED["pods"]["startup"]
    assert last_warnings(CAPTURED["events"], given["metadata"]["name"]) == [
        "Unhealthy: Startup probe failed: dial tcp 10.97.0.11:9999: connect: connection refused"
    ]
    for name in ("bad-image", "missing-key", "missing-secret", "too-big", "no-pvc", "run-as"):
        given = CAPTURED["pods"][name]
        lines = last_warnings(CAPTURED["events"], given["metadata"]["name"])
        assert lines and all(repeats(problem_of(given), line) for line in lines), name
    assert not repeats(PodProblem("w", "", "not there"), "FailedMount: x")


def test_the_exit_code_of_the_instance_before_is_told():
    said = str(
        problem_of(
            pod(waiting("CrashLoopBackOff", restartCount=2, lastState={"terminated": {"exitCode": 3}}))
        )
    )
    assert said == "pod wallet-1, container wallet: CrashLoopBackOff, exit code 3, restarted 2 times"


@pytest.mark.parametrize(
    "given",
    [
        pod(waiting("ContainerCreating")),
        pod(waiting("PodInitializing")),
        pod(
            {"name": "wallet", "ready": True, "restartCount": 1, "state": {"running": {}}, "lastState": ENDED}
        ),
        pod(waiting("CrashLoopBackOff"), deletionTimestamp="2026-01-01T00:00:00Z"),
    ],
)
def test_what_starts_ends_or_has_recovered_is_no_trouble(given):
    assert problem_of(given) is None


def test_the_newest_warnings_of_the_pod_are_told_once():
    def event(message, at, kind="Warning", name="wallet-1"):
        return {
            "type": kind,
            "reason": "Unhealthy",
            "message": message,
            "lastTimestamp": at,
            "involvedObject": {"name": name},
        }

    events = [
        event("b", "2"),
        event("a", "1"),
        event("b", "3"),
        event("other", "9", name="kyc"),
        event("normal", "9", kind="Normal"),
    ]
    assert last_warnings(events, "wallet-1") == ["Unhealthy: a", "Unhealthy: b"]


def test_the_literal_environment_of_all_containers_is_known():
    containers = {
        "containers": [
            {"env": [{"name": "DB_PASSWORD", "value": "x"}, {"name": "FROM_SECRET", "valueFrom": {}}]}
        ],
        "initContainers": [{}],
    }
    assert secrets_of({"spec": containers}) == {"DB_PASSWORD": "x"}

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.kinds import applied
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.status import (
    FAILED,
    PROGRESSING,
    READY,
    current_replica_set,
    status,
)

assert {"Job", "CronJob", "ReplicaSet"} <= applied.KINDS.keys()


def deployment(
    replicas=2,
    updated=2,
    there=2,
    available=2,
    generation=2,
    observed=2,
    conditions=(),
    terminating=0,
    **spec,
):
    return {
        "kind": "Deployment",
        "metadata": {
            "name": "auth",
            "uid": "u",
            "generation": generation,
            "annotations": {"deployment.kubernetes.io/revision": "4"},
        },
        "spec": {"replicas": replicas, **spec},
        "status": {
            "observedGeneration": observed,
            "replicas": there,
            "updatedReplicas": updated,
            "availableReplicas": available,
            "terminatingReplicas": terminating,
            "conditions": list(conditions),
        },
    }


@pytest.mark.parametrize(
    ("thing", "state", "said"),
    [
        (deployment(), READY, "2 of 2 available"),
        (deployment(replicas=0, updated=0, there=0, available=0), READY, "scaled to 0"),
        # Before a migration "scaled to 0" has to mean that nobody writes any more.
        (
            deployment(replicas=0, updated=0, there=0, available=0, terminating=2),
            PROGRESSING,
            "scaled to 0: 2 of its pods still end",
        ),
        (deployment(terminating=2), READY, "2 of 2 available"),
        # The spec is seen and the counts are still those of before: kubectl calls that ready.
        (deployment(replicas=0), PROGRESSING, "2 pods exist, 0 desired"),
        (deployment(replicas=1), PROGRESSING, "2 pods exist, 1 desired"),
        (deployment(observed=1), PROGRESSING, "not yet seen by the Deployment controller"),
        (deployment(updated=1, there=3), PROGRESSING, "1 of 2 updated, 2 available, 2 old still running"),
        (deployment(there=3), PROGRESSING, "2 of 2 updated, 2 available, 1 old still running"),
        (deployment(available=1), PROGRESSING, "2 of 2 updated, 1 available"),
        # replicas 1 with maxUnavailable 1 needs no available pod by
        # its own arithmetic; it is not ready without one all the same.
        (deployment(replicas=1, updated=1, there=1, available=0), PROGRESSING, "1 of 1 updated, 0 available"),
        (deployment(paused=True), PROGRESSING, "paused: nothing rolls out until it is resumed"),
        (
            deployment(
                updated=1,
                conditions=[{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}],
            ),
            FAILED,
            "no progress within its progressDeadlineSeconds: 1 of 2 updated, 2 available, 1 old still running",
        ),
        (
            deployment(
                updated=0,
                conditions=[{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods"}],
            ),
            PROGRESSING,
            "pods cannot be created: exceeded quota: pods",
        ),
    ],
)
def test_the_rule_of_kubectl_rollout_status_and_more(thing, state, said):
    assert (status(thing).state, status(thing).text) == (state, said)


def stateful_set(
    replicas=3,
    there=3,
    updated=3,
    available=3,
    current="db-2",
    update="db-2",
    partition=None,
    strategy="RollingUpdate",
    **spec,
):
    rolling = {"rollingUpdate": {"partition": partition}} if partition is not None else {}
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "db", "generation": 2},
        "spec": {"replicas": replicas, "updateStrategy": {"type": strategy, **rolling}, **spec},
        "status": {
            "observedGeneration": 2,
            "replicas": there,
            "updatedReplicas": updated,
            "availableReplicas": available,
            "currentRevision": current,
            "updateRevision": update,
        },
    }


def daemon_set(wanted=3, updated=3, available=3, strategy="RollingUpdate"):
    return {
        "kind": "DaemonSet",
        "metadata": {"name": "agent", "generation": 1},
        "spec": {"updateStrategy": {"type": strategy}},
        "status": {
            "observedGeneration": 1,
            "desiredNumberScheduled": wanted,
            "updatedNumberScheduled": updated,
            "numberAvailable": available,
        },
    }


def job(*conditions, **status):
    return {
        "kind": "Job",
        "metadata": {"name": "migrate", "generation": 1},
        "spec": {"completions": 1},
        "status": {"conditions": [{"status": "True", **condition} for condition in conditions], **status},
    }


ON_DELETE = "its updateStrategy is OnDelete, so pods stay on the old version until they are deleted"


@pytest.mark.parametrize(
    ("thing", "state", "said"),
    [
        (stateful_set(), READY, "3 of 3 available"),
        (stateful_set(current="db-1", updated=1), PROGRESSING, "1 of 3 updated, 3 available"),
        # All pods are new, and the controller has not closed the update yet.
        (stateful_set(current="db-1"), PROGRESSING, "3 of 3 updated, 3 available"),
        (
            stateful_set(available=2, minReadySeconds=10),
            PROGRESSING,
            "3 of 3 updated, 2 available (minReadySeconds 10)",
        ),
        (stateful_set(there=2, available=2), PROGRESSING, "2 of 3 updated, 2 available"),
        (stateful_set(current="db-1", updated=1, partition=2), READY, "3 of 3 available (partition 2)"),
        (
            stateful_set(current="db-1", updated=0, partition=2),
            PROGRESSING,
            "0 of 1 updated, 3 available (partition 2)",
        ),
        (
            stateful_set(current="db-1", updated=1, strategy="OnDelete"),
            PROGRESSING,
            f"1 of 3 updated, 3 available: {ON_DELETE}",
        ),
        (stateful_set(replicas=0, there=0, updated=0, available=0), READY, "scaled to 0"),
        (daemon_set(), READY, "3 of 3 available"),
        (daemon_set(updated=2), PROGRESSING, "2 of 3 updated, 3 available"),
        (daemon_set(available=2), PROGRESSING, "3 of 3 updated, 2 available"),
        (
            daemon_set(updated=2, strategy="OnDelete"),
            PROGRESSING,
            f"2 of 3 updated, 3 available: {ON_DELETE}",
        ),
        (daemon_set(0, 0, 0), READY, "no node wants a pod of it"),
        (job(active=1), PROGRESSING, "0 of 1 succeeded, 1 active, 0 failed"),
        (job({"type": "Complete"}, succeeded=1), READY, "complete, 1 of 1 succeeded, 0 active, 0 failed"),
        (
            job({"type": "Failed", "reason": "BackoffLimitExceeded", "message": "Job has reached the limit"}),
            FAILED,
            "BackoffLimitExceeded: Job has reached the limit",
        ),
        (job({"type": "Suspended"}), PROGRESSING, "suspended: nothing runs until it is resumed"),
        (
            {"kind": "CronJob", "metadata": {}, "spec": {"schedule": "0 2 * * *"}},
            READY,
            "scheduled 0 2 * * *",
        ),
        (
            {
                "kind": "CronJob",
                "metadata": {},
                "spec": {"suspend": True},
                "status": {"lastSuccessfulTime": "T"},
            },
            READY,
            "suspended, last success T",
        ),
        (deployment(there=1, available=1) | {"kind": "ReplicaSet"}, PROGRESSING, "1 of 2 exist, 1 available"),
        (deployment() | {"kind": "ReplicaSet"}, READY, "2 of 2 available"),
    ],
)
def test_the_other_kinds(thing, state, said):
    assert (status(thing).state, status(thing).text) == (state, said)


def test_a_deployment_that_nobody_has_seen_yet_is_not_ready():
    thing = deployment()
    del thing["status"]
    assert status(thing).state == PROGRESSING


def test_the_newest_replica_set_is_chosen_by_the_owners_uid():
    def replica_set(name, owner, revision):
        reference = {"kind": "Deployment", "uid": owner, "controller": True}
        return {
            "metadata": {
                "name": name,
                "ownerReferences": [reference],
                "annotations": {"deployment.kubernetes.io/revision": revision},
            }
        }

    theirs, old, mine = (
        replica_set("billing", "other", "4"),
        replica_set("old", "u", "3"),
        replica_set("new", "u", "4"),
    )
    assert current_replica_set(deployment(), [theirs, old, mine])["metadata"]["name"] == "new"
    assert current_replica_set(deployment(), [theirs, old]) is None

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import SYNC, Event
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply.discovery import Resource
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply.object_waiter import (
    ObjectWaiter,
)

from .. import cluster as fake
from ..apiserver import Server, context

DEFINITION = Resource(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False
)
CLAIM = Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", True)
JOB = Resource("batch", "v1", "Job", "jobs", True)
DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments", True)


def claim(name, phase, version="1", uid=None):
    return {
        "metadata": {"name": name, "namespace": "x", "uid": uid or name, "resourceVersion": version},
        "spec": {},
        "status": {"phase": phase},
    }


def waited(server, *things, timeout=30):
    given, lines = context(server)
    kept = []
    ObjectWaiter(server, given, things, given.params["stuck_after"]).until_ready(
        timeout, lambda: kept.append(1)
    )
    return lines, kept


def told(kind, thing, resource=CLAIM):
    return Event(resource.collection("x"), kind, thing)


def test_what_is_ready_is_not_asked_for():
    server = Server()
    assert waited(server, (CLAIM, claim("a", "Bound"))) == ([], []) and server.requests == []


def test_all_are_waited_for_together_and_the_lock_is_kept_meanwhile():
    server = Server()
    server.streams = [
        told(SYNC, {"items": [claim("a", "Pending"), claim("b", "Bound", "2")]}),
        told("MODIFIED", claim("a", "Bound", "3")),
    ]
    lines, kept = waited(server, (CLAIM, claim("a", "Pending")), (CLAIM, claim("b", "Pending")))
    assert (
        "PersistentVolumeClaim x/b: ready after 1.0 s, Bound" in lines
        and lines[-1] == "PersistentVolumeClaim x/a: ready after 2.0 s, Bound"
    )
    assert len(kept) == 2


def test_what_was_before_our_write_tells_nothing():
    server = Server()
    server.streams = [told("MODIFIED", claim("a", "Bound", "4"))]
    with pytest.raises(ReleaseError, match="PersistentVolumeClaim x/a did not become ready within 5 s."):
        waited(server, (CLAIM, claim("a", "Pending", "5")), timeout=5)
    assert server.seconds == 5


def test_what_fails_is_given_up_at_once_and_the_others_that_wait_are_told():
    server = Server()
    server.streams = [told("MODIFIED", claim("a", "Lost", "2"))]
    with pytest.raises(ReleaseError, match="PersistentVolumeClaim x/a failed: Lost.") as caught:
        waited(server, (CLAIM, claim("a", "Pending")), (CLAIM, claim("b", "Pending")))
    assert "PersistentVolumeClaim x/b: Pending" in str(
        caught.value
    ) and "kubectl -n x describe persistentvolumeclaim a" in str(caught.value)
    assert server.seconds == 1


@pytest.mark.parametrize(
    "event",
    [
        told("DELETED", claim("a", "Pending", "2")),
        told("MODIFIED", claim("a", "Bound", "2", uid="another")),
        told(SYNC, {"items": []}),
    ],
)
def test_what_is_deleted_meanwhile_is_told(event):
    server = Server()
    server.streams = [event]
    with pytest.raises(ReleaseError, match="PersistentVolumeClaim x/a was deleted while it was waited for"):
        waited(server, (CLAIM, claim("a", "Pending")))


def job(status=None, version="1"):
    meta = {"name": "migrate", "namespace": "x", "uid": "job", "resourceVersion": version, "generation": 1}
    return {"metadata": meta, "spec": {"backoffLimit": 2}, "status": status or {}}


def pod(reason, ended=None):
    owner = {"controller": True, "kind": "Job", "uid": "job", "name": "migrate"}
    status = {
        "name": "main",
        "ready": False,
        "restartCount": 1,
        "state": {"waiting": {"reason": reason}},
        **({"lastState": {"terminated": ended}} if ended else {}),
    }
    return {
        "metadata": {"name": "migrate-1", "namespace": "x", "uid": "pod", "ownerReferences": [owner]},
        "spec": {"containers": []},
        "status": {"containerStatuses": [status]},
    }


def of_pods(thing):
    return Event("/api/v1/namespaces/x/pods", "ADDED", thing)


def test_a_job_may_fail_as_often_as_it_says_and_an_image_that_is_not_there_fails_it_at_once():
    done = {"conditions": [{"type": "Complete", "status": "True"}]}
    server = Server()
    server.streams = [
        of_pods(pod("CrashLoopBackOff", {"exitCode": 1})),
        told("MODIFIED", job(done, "2"), JOB),
    ]
    assert waited(server, (JOB, job()))[0][-1].startswith("Job x/migrate: ready after")
    missing = pod("ImagePullBackOff")
    missing["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = "wallet:9: not found"
    server.streams = [of_pods(missing)]
    with pytest.raises(ReleaseError, match="Job x/migrate will not become ready.") as caught:
        waited(server, (JOB, job()))
    assert "pod migrate-1, container main: ImagePullBackOff" in str(
        caught.value
    ) and "kubectl -n x describe pod migrate-1" in str(caught.value)


def test_a_pod_of_the_newest_version_that_cannot_run_ends_the_wait_with_its_last_words():
    cluster = fake.Cluster(["wallet"])
    cluster.bad[fake.image("wallet", "2")] = fake.crashing()
    cluster.logs["wallet-2-x"] = "fatal: no ledger"
    given, _lines = fake.context(cluster, {})
    change = {
        "metadata": {},
        "spec": {
            "template": {"spec": {"containers": [{"name": "wallet", "image": fake.image("wallet", "2")}]}}
        },
    }
    written = cluster.patch(f"{fake.DEPLOYMENTS}/wallet", change)
    for thing in (written, cluster.deployments["wallet"]):
        thing["metadata"]["namespace"] = fake.NAMESPACE
    make = cluster._pod
    cluster._pod = lambda *names: (
        (found := make(*names))["metadata"].update(namespace=fake.NAMESPACE) or found
    )
    with pytest.raises(ReleaseError, match="Deployment exchange/wallet will not become ready.") as caught:
        ObjectWaiter(cluster, given, [(DEPLOYMENT, written)], 60).until_ready(30)
    assert "fatal: no ledger" in str(caught.value) and "Next: kubectl -n exchange logs wallet-2-x" in str(
        caught.value
    )
    assert cluster.seconds < 5


def test_what_only_somebody_else_can_mend_is_given_a_while():
    server = Server()
    stuck = pod("ImagePullBackOff")
    stuck["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = "the registry does not answer"
    server.streams = [of_pods(stuck)]
    with pytest.raises(ReleaseError, match="Job x/migrate made no progress for 10 s.") as caught:
        waited(server, (JOB, job()))
    assert server.seconds == 11 and "the registry does not answer" in str(caught.value)


def test_a_workload_that_gets_no_pods_is_told_with_the_reason():
    server = Server()
    refused = [
        {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": "exceeded quota: small",
        }
    ]
    meta = {"name": "auth", "namespace": "x", "uid": "u", "resourceVersion": "2", "generation": 1}
    thing = {
        "metadata": meta,
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "conditions": refused},
    }
    server.streams = [told("MODIFIED", thing, DEPLOYMENT)]
    with pytest.raises(ReleaseError, match="Deployment x/auth made no progress for 10 s.") as caught:
        waited(server, (DEPLOYMENT, thing))
    assert "exceeded quota: small" in str(caught.value)

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.pod_owners import PodOwners


class Server:
    def __init__(self, *items):
        self.items, self.asked = items, []

    def get(self, path):
        self.asked.append(path)
        return {"items": list(self.items)}


def owned(kind, uid, name="", **labels):
    return {
        "metadata": {
            "name": name or "db-0",
            "uid": f"uid-{name}",
            "labels": labels,
            "ownerReferences": [{"kind": kind, "uid": uid, "name": name, "controller": True}],
        }
    }


def deployment(revision, observed=2):
    notes = {"deployment.kubernetes.io/revision": revision}
    return {
        "kind": "Deployment",
        "metadata": {"name": "db", "uid": "d", "generation": 2, "annotations": notes},
        "status": {"observedGeneration": observed},
    }


def replica_set(revision, owner="d"):
    found = owned("Deployment", owner, "rs")
    found["metadata"].update(uid="rs", annotations={"deployment.kubernetes.io/revision": revision})
    return found


POD = owned("ReplicaSet", "rs", "db-rs")


def test_a_pod_belongs_to_the_deployment_whose_newest_replica_set_owns_it():
    server = Server(replica_set("3"))
    revisions = PodOwners(server, "exchange")
    assert (
        revisions.workload_of(POD, [deployment("3")]) is not None
        and revisions.workload_of(POD, [deployment("3")]) is not None
    )
    assert len(server.asked) == 1


def test_pods_of_old_versions_and_of_others_belong_to_none():
    assert PodOwners(Server(replica_set("2")), "exchange").workload_of(POD, [deployment("3")]) is None
    assert (
        PodOwners(Server(replica_set("3", owner="other")), "exchange").workload_of(POD, [deployment("3")])
        is None
    )
    assert PodOwners(Server(), "exchange").workload_of(POD, [deployment("3")]) is None
    # Not yet seen by its controller: its revision is still that of the version that we want to leave.
    assert (
        PodOwners(Server(replica_set("3")), "exchange").workload_of(POD, [deployment("3", observed=1)])
        is None
    )


def test_a_replica_set_that_was_taken_up_again_is_asked_for_again():
    server = Server(replica_set("1"))
    revisions = PodOwners(server, "exchange")
    assert revisions.workload_of(POD, [deployment("2")]) is None
    server.items = (replica_set("3"),)
    assert revisions.workload_of(POD, [deployment("3")]) is not None


def test_a_stateful_sets_pod_is_told_by_the_hash_of_the_update_revision():
    thing = {
        "kind": "StatefulSet",
        "metadata": {"name": "db", "uid": "s", "generation": 1},
        "status": {"observedGeneration": 1, "updateRevision": "db-2"},
    }
    new, old = (owned("StatefulSet", "s", **{"controller-revision-hash": name}) for name in ("db-2", "db-1"))
    revisions = PodOwners(Server(), "exchange")
    assert revisions.is_newest(thing, new) and not revisions.is_newest(thing, old)
    assert not revisions.is_newest(
        thing, owned("StatefulSet", "other", **{"controller-revision-hash": "db-2"})
    )


def test_a_daemon_sets_pod_is_told_by_the_hash_of_its_newest_controller_revision():
    thing = {
        "kind": "DaemonSet",
        "metadata": {"name": "db", "uid": "s", "generation": 1},
        "status": {"observedGeneration": 1},
    }
    history = [
        {**owned("DaemonSet", "s", **{"controller-revision-hash": name}), "revision": number}
        for number, name in ((9, "old"), (10, "new"))
    ]
    revisions = PodOwners(Server(*history), "exchange")
    assert revisions.is_newest(thing, owned("DaemonSet", "s", **{"controller-revision-hash": "new"}))
    assert not revisions.is_newest(thing, owned("DaemonSet", "s", **{"controller-revision-hash": "old"}))


@pytest.mark.parametrize(
    ("kind", "spec", "leaves", "held_up"),
    [
        ("StatefulSet", {}, False, True),
        ("DaemonSet", {}, False, False),
        ("DaemonSet", {}, True, True),
        ("Deployment", {"strategy": {"type": "RollingUpdate"}}, True, False),
        ("Deployment", {"strategy": {"type": "Recreate"}}, True, True),
        ("Deployment", {"strategy": {"type": "Recreate"}}, False, False),
    ],
)
def test_who_waits_for_a_pod_of_an_old_version(kind, spec, leaves, held_up):
    thing = {**deployment("3"), "kind": kind, "spec": spec}
    pod = POD if kind == "Deployment" else owned(kind, "d", "db-0")
    pod = {
        "metadata": {**pod["metadata"], **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaves else {})}
    }
    revisions = PodOwners(Server(replica_set("2")), "exchange")
    assert (revisions.workload_blocked_by(pod, [thing]) is not None) == held_up
    strange = {**thing, "metadata": {**thing["metadata"], "uid": "another"}}
    assert revisions.workload_blocked_by(pod, [strange]) is None

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import NotFound
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload import revisions as history

DEPLOYMENT = {"kind": "Deployment", "metadata": {"name": "auth", "uid": "u"}, "spec": {}}
STATEFUL_SET = {
    "kind": "StatefulSet",
    "metadata": {"name": "auth", "uid": "u"},
    "spec": {"revisionHistoryLimit": 3},
}


def template(version):
    return {
        "metadata": {"labels": {"app": "auth", "pod-template-hash": "x"}},
        "spec": {"containers": [{"name": "auth", "image": f"r/auth:{version}"}]},
    }


def replica_set(number, version, uid="u", release=""):
    owner = {"kind": "Deployment", "uid": uid, "controller": True}
    notes = {"deployment.kubernetes.io/revision": str(number), "runbook.release/release": release}
    return {
        "metadata": {"name": f"auth-{number}", "ownerReferences": [owner], "annotations": notes},
        "spec": {"template": template(version)},
    }


def controller_revision(number, version):
    owner = {"kind": "StatefulSet", "uid": "u", "controller": True}
    data = {"spec": {"template": {"$patch": "replace", **template(version)}}}
    return {
        "metadata": {"name": f"auth-{number}", "ownerReferences": [owner]},
        "revision": number,
        "data": data,
    }


class Server:
    def __init__(self, **lists):
        self.lists = lists

    def get(self, path):
        return {"items": self.lists.get(path.rsplit("/", 1)[-1], [])}


def test_a_revision_is_found_by_number_among_the_owners_own_replica_sets():
    server = Server(
        replicasets=[
            replica_set(10, "2"),
            replica_set(9, "theirs", uid="other"),
            replica_set(9, "1", release="1.0.0"),
        ]
    )
    found = history.numbered(server, "exchange", DEPLOYMENT, 9)
    assert found.template["spec"]["containers"][0]["image"] == "r/auth:1" and found.release == "1.0.0"
    assert found.template["metadata"]["labels"] == {"app": "auth"}


def test_a_revision_that_was_taken_up_again_is_found_by_the_numbers_it_had():
    again = replica_set(7, "1")
    again["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] = "3,5"
    for number in (3, 5, 7):
        assert (
            history.numbered(
                Server(replicasets=[again, replica_set(6, "2")]), "exchange", DEPLOYMENT, number
            ).number
            == 7
        )


def test_a_revision_that_was_pruned_is_a_loud_error():
    with pytest.raises(
        NotFound,
        match=r"Deployment auth has no revision 3 \(any more\); it has: 9, 10 \(its revisionHistoryLimit is 10\)",
    ):
        history.numbered(
            Server(replicasets=[replica_set(10, "2"), replica_set(9, "1")]), "exchange", DEPLOYMENT, 3
        )


def test_the_newest_revision_with_the_images_asked_for_is_taken():
    server = Server(replicasets=[replica_set(4, "1"), replica_set(6, "2"), replica_set(5, "1")])
    assert history.running(server, "exchange", DEPLOYMENT, {"auth": "r/auth:1"}).number == 5
    with pytest.raises(NotFound, match="has no revision with r/auth:9"):
        history.running(server, "exchange", DEPLOYMENT, {"auth": "r/auth:9"})


def test_other_kinds_keep_their_templates_in_controller_revisions():
    found = history.numbered(
        Server(controllerrevisions=[controller_revision(1, "1"), controller_revision(2, "2")]),
        "exchange",
        STATEFUL_SET,
        1,
    )
    assert "$patch" not in found.template and found.template["spec"]["containers"][0]["image"] == "r/auth:1"

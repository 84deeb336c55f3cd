# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import (
    Conflict,
    NotFound,
    ReleaseError,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import (
    config_maps,
    controller_revisions,
    deployments,
    jobs,
    replica_sets,
    secrets,
    workloads,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.prune import prune
from ansible_collections.runbook.release.plugins.module_utils._release.lock import LockLost

from ..apiserver import LEASE, Server, context
from .test_config_copies import CONFIG, config_copy


def deployment(revision="9", seen=1, **annotations):
    annotations["deployment.kubernetes.io/revision"] = revision
    meta = {"name": "wallet", "uid": "u", "generation": 1, "annotations": annotations}
    return {
        "kind": "Deployment",
        "metadata": meta,
        "spec": {"replicas": 0, "template": {}},
        "status": {"observedGeneration": seen},
    }


def baseline(revision, image):
    text = json.dumps(
        {"images": {"wallet": image}, "replicas": 2, "release": "1.0", "revision": revision, "wave": 1}
    )
    return {"runbook.release/release": "2.0", "runbook.release/baseline": text}


def replica_set(revision, replicas=0, image="wallet:0", owner="u", history=""):
    annotations = {
        "deployment.kubernetes.io/revision": str(revision),
        **({"deployment.kubernetes.io/revision-history": history} if history else {}),
    }
    owners = [{"controller": True, "kind": "Deployment", "uid": owner, "name": "wallet"}]
    template = {"spec": {"containers": [{"name": "wallet", "image": image}]}}
    meta = {
        "name": f"wallet-{revision}",
        "uid": f"u{revision}",
        "resourceVersion": "5",
        "annotations": annotations,
        "ownerReferences": owners,
    }
    return {
        "metadata": meta,
        "spec": {"replicas": replicas, "template": template},
        "status": {"replicas": replicas},
    }


def judged(items, thing, keep=0):
    return {
        verdict.name: "" if verdict.goes else verdict.why
        for verdict in prune.of_replica_sets("/rs", items, {"wallet": thing}, keep)
    }


def test_the_newest_by_number_stay():
    assert judged([replica_set(number) for number in (9, 10, 2, 8)], deployment("11"), keep=2) == {
        **{"wallet-10": "one of the newest 2 of wallet", "wallet-9": "one of the newest 2 of wallet"},
        **{"wallet-8": "", "wallet-2": ""},
    }


@pytest.mark.parametrize(
    ("item", "thing", "why"),
    [
        (replica_set(1, owner="another"), deployment(), "no Deployment of this namespace owns it"),
        (replica_set(1), deployment(seen=0), "wallet has not settled"),
        (replica_set(9), deployment("9"), "wallet runs it"),
        (replica_set(1, replicas=1), deployment(), "it has pods"),
        (
            replica_set(1),
            deployment(**baseline("1", "wallet:x")),
            "wallet ran it before release 2.0: a rollback needs it",
        ),
        (
            replica_set(7, history="1,4"),
            deployment(**baseline("4", "wallet:x")),
            "wallet ran it before release 2.0: a rollback needs it",
        ),
        (
            replica_set(3, image="wallet:1"),
            deployment(**baseline("1", "wallet:1")),
            "wallet ran it before release 2.0: a rollback needs it",
        ),
        (replica_set(3, image="wallet:2"), deployment(**baseline("1", "wallet:1")), ""),
    ],
)
def test_what_is_still_needed_stays_whatever_its_age(item, thing, why):
    assert judged([item], thing) == {item["metadata"]["name"]: why}


def job(name, ended="", how="Complete", owner=None):
    status = {"conditions": [{"type": how, "status": "True", "lastTransitionTime": ended}]} if ended else {}
    owners = (
        {"ownerReferences": [{"controller": True, "kind": "CronJob", "name": owner, "uid": "c"}]}
        if owner
        else {}
    )
    return {
        "metadata": {"name": name, "uid": name, "resourceVersion": "5", **owners},
        "spec": {},
        "status": status,
    }


def test_jobs_that_have_ended_go_the_newest_stay_and_those_of_others():
    items = [
        job("runs"),
        job("old", "2026-01-01"),
        job("new", "2026-01-03", "Failed"),
        job("cron", "2025-01-01", owner="nightly"),
    ]
    found = {
        verdict.name: "" if verdict.goes else verdict.why for verdict in prune.of_jobs("/jobs", items, 1)
    }
    assert found == {
        "new": "one of the newest 1 that have ended",
        "old": "",
        "cron": "CronJob nightly keeps its own history",
        "runs": "it has not ended",
    }


def record(release, at):
    verdict = json.dumps({"verdict": "succeeded", "at": at}) if at else ""
    labels = {"runbook.release/record": "true"}
    meta = {
        "name": f"release-{release}",
        "uid": release,
        "resourceVersion": "5",
        "annotations": {"runbook.release/release": release},
        "labels": labels,
    }
    return {"metadata": meta, "data": {"verdict": verdict}}


def test_records_of_what_is_under_way_or_running_stay_whatever_their_age():
    items = [
        record("1", "2026-01-01"),
        record("2", "2026-01-02"),
        record("3", ""),
        record("4", "2026-01-04"),
        record("5", "2026-01-05"),
    ]
    found = {
        v.obj["metadata"]["uid"]: "" if v.goes else v.why
        for v in prune.of_records("/cm", items, [deployment(**{"runbook.release/release": "2"})], "1", 1)
    }
    assert found == {
        **{
            "1": "the lock is held for this release",
            "2": "Deployment wallet is on this release",
            "3": "the release is not finished",
        },
        **{"4": "", "5": "one of the newest 1"},
    }


class Cluster(Server):
    """With lists for what is pruned."""

    def __init__(self):
        super().__init__()
        self.lists = {
            deployments("exchange"): [deployment()],
            replica_sets("exchange"): [replica_set(1), replica_set(2)],
            jobs("exchange"): [job("old", "2026")],
        }
        self.lists[config_maps("exchange")] = [record("1", "2026-01-01")]
        self.lists.update({place("exchange"): [] for place in (controller_revisions, secrets)})
        self.lists.update({workloads(kind, "exchange"): [] for kind in ("StatefulSet", "DaemonSet")})
        self.deleted, self.gone, self.answers = [], [], {}

    def get(self, path):
        place, _query, label = path.partition("?labelSelector=")
        if place in self.lists:
            return {
                "items": [
                    item
                    for item in self.lists[place]
                    if not label or label in item["metadata"].get("labels", {})
                ]
            }
        return super().get(path)

    def delete(self, path, body=None):
        name = path.rsplit("/", 1)[1]
        if name in self.answers:
            raise self.answers[name]
        self.deleted.append((name, body["preconditions"]))
        self.gone.append(path)
        kept = self.lists[path.rsplit("/", 1)[0]]
        kept[:] = [item for item in kept if item["metadata"]["name"] != name]


def pruned(cluster, check_mode=False, **params):
    given, lines = context(
        cluster, check_mode, **{**dict.fromkeys(prune.OPTIONS), "explain": False, **params}
    )
    return prune.run(cluster, given), lines


def test_only_what_is_asked_for_is_deleted_in_the_very_state_in_which_it_was_seen():
    cluster = Cluster()
    result, lines = pruned(cluster, keep_replica_sets=1)
    assert cluster.deleted == [("wallet-1", {"uid": "u1", "resourceVersion": "5"})] and lines == [
        "ReplicaSet wallet-1: deleted, revision 1, older than the newest 1"
    ]
    assert (result.before, result.after) == (
        {"ReplicaSet": ["wallet-2", "wallet-1"]},
        {"ReplicaSet": ["wallet-2"]},
    )
    assert result.values == {
        "deleted": [{"kind": "ReplicaSet", "name": "wallet-1", "why": "revision 1, older than the newest 1"}]
    }
    again, _lines = pruned(cluster, keep_replica_sets=1)
    assert not again.changed and again.before is None


def test_check_mode_previews_and_explains():
    cluster = Cluster()
    result, lines = pruned(cluster, True, keep_replica_sets=1, keep_jobs=0, keep_records=0, explain=True)
    assert (
        result.changed
        and cluster.deleted == []
        and not any(method != "GET" and "reviews" not in path for method, path in cluster.requests)
    )
    assert lines == [
        "would delete ReplicaSet wallet-1: revision 1, older than the newest 1",
        "would delete Job old: ended at 2026",
        "would delete ConfigMap release-1: release 1: succeeded at 2026-01-01",
    ]
    assert result.values["kept"] == [
        {"kind": "ReplicaSet", "name": "wallet-2", "why": "one of the newest 1 of wallet"}
    ]


def test_a_record_stays_as_long_as_a_workload_of_any_kind_is_on_its_release():
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        cluster = Cluster()
        cluster.lists[workloads(kind, "exchange")] = [deployment(**{"runbook.release/release": "1"})]
        assert not pruned(cluster, keep_records=0)[0].changed


def configured(cluster):
    """Copies of x: one that an old ReplicaSet names, one of a Secret
    that the newest names, one that nobody names. Gives their names.
    """
    contents = [config_copy("x", f"2026-01-0{number}", LEVEL=str(number)) for number in range(1, 4)]
    cluster.lists[config_maps("exchange")] += [contents[0], contents[2]]
    cluster.lists[secrets("exchange")] = [contents[1]]
    hashes = [item["metadata"]["name"].rpartition("-")[2] for item in contents]
    for item, told in zip(
        cluster.lists[replica_sets("exchange")],
        (f"ConfigMap/x={hashes[0]}", f"ConfigMap/y=0,Secret/x={hashes[1]}"),
        strict=True,
    ):
        item["spec"]["template"]["metadata"] = {"annotations": {CONFIG: told}}
    return [item["metadata"]["name"] for item in contents]


def test_copies_of_configuration_stay_as_long_as_a_replica_set_names_them_and_go_in_the_same_run_as_it():
    cluster = Cluster()
    first, second, third = configured(cluster)
    result, _lines = pruned(cluster, True, keep_config=0, explain=True)
    assert [item["name"] for item in result.values["deleted"]] == [third]
    assert {item["name"]: item["why"] for item in result.values["kept"]} == {
        first: "ReplicaSet wallet-1 names it: a rollback to that revision needs it",
        second: "ReplicaSet wallet-2 names it: a rollback to that revision needs it",
    }
    preview, _lines = pruned(cluster, True, keep_config=0, keep_replica_sets=1)
    result, _lines = pruned(cluster, keep_config=0, keep_replica_sets=1)
    assert {item["name"] for item in result.values["deleted"]} == {
        "wallet-1",
        first,
        third,
    } and preview.values == result.values
    assert set(cluster.gone[1:]) == {
        f"{config_maps('exchange')}/{first}",
        f"{config_maps('exchange')}/{third}",
    }
    assert not pruned(cluster, keep_config=0, keep_replica_sets=1)[0].changed


def test_a_copy_stays_when_the_replica_set_that_names_it_turns_out_to_stay():
    cluster = Cluster()
    first, _second, third = configured(cluster)
    cluster.answers = {"wallet-1": Conflict("changed")}
    result, _lines = pruned(cluster, keep_config=0, keep_replica_sets=1)
    assert [item["name"] for item in result.values["deleted"]] == [third]
    assert first in {item["metadata"]["name"] for item in cluster.lists[config_maps("exchange")]}


def test_what_is_changed_meanwhile_stays_and_what_is_gone_is_gone():
    cluster = Cluster()
    cluster.answers = {"wallet-1": Conflict("changed"), "wallet-2": NotFound("gone")}
    result, _lines = pruned(cluster, keep_replica_sets=0, explain=True)
    assert [item["name"] for item in result.values["deleted"]] == ["wallet-2"]
    assert result.values["kept"] == [
        {"kind": "ReplicaSet", "name": "wallet-1", "why": "somebody changed it in the meantime"}
    ]


def test_a_release_that_is_under_way_is_not_disturbed():
    cluster = Cluster()
    spec = {
        "holderIdentity": "deploy@elsewhere pid 1 since 2",
        "leaseDurationSeconds": 60,
        "renewTime": "2023-11-14T22:13:20.000000Z",
        "leaseTransitions": 1,
    }
    cluster.post(
        "/apis/coordination.k8s.io/v1/namespaces/exchange/leases",
        {"metadata": {"name": "runbook-release"}, "spec": spec},
    )
    with pytest.raises(ReleaseError, match="Another release is under way"):
        pruned(cluster, keep_jobs=0)
    assert cluster.deleted == []


def test_a_prune_that_is_stopped_between_two_deletions_finds_its_lock_taken():
    cluster = Cluster()
    delete = cluster.delete

    def stopped(path, options):
        delete(path, options)
        cluster.objects[LEASE]["spec"].update(
            holderIdentity="deploy@elsewhere pid 1 since 2", leaseTransitions=7
        )
        cluster.seconds += 2

    cluster.delete = stopped
    with pytest.raises(LockLost):
        pruned(cluster, keep_replica_sets=0)
    assert len(cluster.deleted) == 1


def test_what_is_missing_is_told_as_a_rule_and_check_mode_needs_to_read_only():
    cluster = Cluster()
    cluster.forbidden = {("delete", "jobs")}
    with pytest.raises(ReleaseError, match="nothing was deleted") as caught:
        pruned(cluster, keep_jobs=0)
    assert caught.value.why == [
        'delete jobs (batch); the rule to add: {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["delete"]}'
    ]
    assert pruned(cluster, True, keep_jobs=0)[0].changed
    cluster.forbidden = {("list", "secrets"), ("delete", "secrets"), ("delete", "configmaps")}
    with pytest.raises(ReleaseError) as caught:
        pruned(cluster, keep_config=0, keep_records=0)
    assert [line.partition(";")[0] for line in caught.value.why] == [
        "delete configmaps",
        "list, delete secrets",
    ]

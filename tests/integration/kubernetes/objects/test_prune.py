# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube_prune on a real cluster, in a namespace of its own."""

from __future__ import annotations

import base64
import json
import re
import typing as t

from sandbox.demo.demo_services import BAD, BROKEN_SERVICE, FIRST, GOOD
from tests.integration.support.kubectl import Kubectl
from tests.integration.support.manifests import READY, Manifest, deployment
from tests.integration.support.playbooks.tasks import Ran, Tasks

SECRET = "correct-horse-battery"


def why(ran: Ran, which: str) -> dict[str, str]:
    return {item["name"]: item["why"] for item in ran.result[which]}


def revisions(space: Kubectl) -> dict[str, str]:
    """Names of ReplicaSets by revision."""
    return {
        item["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: item["metadata"]["name"]
        for item in space.items("replicasets")
    }


def another_revision(space: Kubectl, number: int) -> None:
    """Waits until the controller has made it: templates that follow each other too closely are one revision."""
    space("set", "env", "deployment/auth", f"NUMBER={number}")
    generation = space("get", "deployment", "auth", "-o", "jsonpath={.metadata.generation}")
    space(
        "wait",
        f"--for=jsonpath={{.status.observedGeneration}}={generation}",
        "deployment/auth",
        "--timeout=30s",
    )


def test_old_replica_sets_go_and_what_a_rollback_needs_stays(
    tasks: Tasks, space: Kubectl, registry: str
) -> None:
    space.apply(deployment("auth", f"{registry}/auth:{FIRST}", readinessProbe=READY))
    for number in range(2, 5):
        another_revision(space, number)
    release = {"name": "auth", "images": {"auth": f"{registry}/auth:{GOOD}"}}
    rollout = tasks.one("kube_rollout", release=GOOD, workloads=[release], timeout=60)
    assert not rollout.failed, rollout.full_output
    # Two more after the release, so that its baseline is neither the newest nor the one before.
    for number in range(6, 8):
        another_revision(space, number)
    space("rollout", "status", "deployment/auth", "--timeout=60s")
    names = revisions(space)
    assert set(names) == {"1", "2", "3", "4", "5", "6", "7"}

    preview = tasks.run(
        {"runbook.release.kube_prune": {"keep_replica_sets": 1, "explain": True}, "check_mode": True}
    )
    assert not preview.failed and preview.result["changed"], preview.full_output
    assert set(why(preview, "deleted")) == {names["5"], names["1"], names["2"], names["3"]} - set(
        why(preview, "kept")
    )
    assert (
        why(preview, "kept")[names["7"]] == "auth runs it"
        and why(preview, "kept")[names["6"]] == "one of the newest 1 of auth"
    )
    assert f"auth ran it before release {GOOD}: a rollback needs it" == why(preview, "kept")[names["4"]]
    assert revisions(space) == names

    done = tasks.one("kube_prune", keep_replica_sets=1)
    assert not done.failed and why(done, "deleted") == why(preview, "deleted") and "kept" not in done.result
    assert f"ReplicaSet {names['5']}: deleted, revision 5, older than the newest 1" in done.err
    assert set(revisions(space).values()) == set(why(preview, "kept"))
    assert not tasks.one("kube_prune", keep_replica_sets=1).result["changed"]

    # And the way back is still there.
    back = tasks.one("kube_rollback", release=GOOD, timeout=60)
    assert not back.failed, back.full_output
    assert space.get("deployment", "auth")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(
        FIRST
    )


def job(name: str, **spec: t.Any) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, **spec},
    }


def record(release: str, verdict: dict[str, str]) -> Manifest:
    metadata = {
        "name": f"release-{release}",
        "labels": {"runbook.release/record": "true"},
        "annotations": {"runbook.release/release": release},
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"attempt": "1", "verdict": json.dumps(verdict) if verdict else ""},
    }


def test_ended_jobs_and_records_go_and_what_is_under_way_stays(
    tasks: Tasks, space: Kubectl, registry: str
) -> None:
    failing = {
        "restartPolicy": "Never",
        "containers": [{"name": "x", "image": f"{registry}/{BROKEN_SERVICE}:{BAD}"}],
    }
    running = {"restartPolicy": "Never", "containers": [{"name": "x", "image": f"{registry}/auth:{FIRST}"}]}
    records = [
        record(f"1.{number}.0", {"verdict": "succeeded", "at": f"2026-01-0{number}T00:00:00Z"})
        for number in range(1, 5)
    ]
    ours = {"metadata": {"name": "not-a-record"}, "apiVersion": "v1", "kind": "ConfigMap"}
    space.apply(
        job("ended", template={"spec": failing}),
        job("runs", template={"spec": running}),
        record("1.9.0", {}),
        ours,
        *records,
    )
    thing = deployment("auth", f"{registry}/auth:{FIRST}")
    thing["spec"]["replicas"] = 0
    thing["metadata"]["annotations"] = {"runbook.release/release": "1.1.0"}
    space.apply(thing)
    space("wait", "--for=condition=Failed", "job/ended", "--timeout=60s")

    asked: dict[str, t.Any] = {"keep_jobs": 0, "keep_records": 1, "explain": True}
    done = tasks.one("kube_prune", **asked)
    assert not done.failed and set(why(done, "deleted")) == {"ended", "release-1.2.0", "release-1.3.0"}, (
        done.full_output
    )
    kept = why(done, "kept")
    assert kept["runs"] == "it has not ended" and kept["release-1.9.0"] == "the release is not finished"
    assert (
        kept["release-1.4.0"] == "one of the newest 1"
        and kept["release-1.1.0"] == "Deployment auth is on this release"
    )
    assert space("get", "job", "-o", "name").split() == ["job.batch/runs"]
    names = {item["metadata"]["name"] for item in space.items("configmaps")}
    assert names >= {"release-1.1.0", "release-1.4.0", "release-1.9.0", "not-a-record"} and not names & {
        "release-1.2.0",
        "release-1.3.0",
    }
    assert not tasks.one("kube_prune", **asked).result["changed"]
    assert space("get", "lease", "runbook-release", "-o", "jsonpath={.spec.holderIdentity}") == ""


def test_copies_of_configuration_go_but_what_a_rollback_gives_back_stays(
    tasks: Tasks, space: Kubectl, registry: str
) -> None:
    space.apply(deployment("auth", f"{registry}/auth:{FIRST}", readinessProbe=READY))
    space.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "levels"}, "data": {"LEVEL": "0"}}
    )
    space.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"KEY": SECRET}}
    )
    texts: list[str] = []
    for number in range(1, 6):
        space(
            "patch", "configmap", "levels", "--type=merge", "-p", json.dumps({"data": {"LEVEL": str(number)}})
        )
        images = {
            "auth": f"{registry}/auth:{FIRST if number < 4 else GOOD}"
        }  # a ReplicaSet with the baseline's images stays
        workload = {"name": "auth", "images": images, "config": ["ConfigMap/levels", "Secret/keys"]}
        assert not tasks.one("kube_rollout", release=f"1.{number}.0", workloads=[workload], timeout=60).failed
        texts.append(
            space.get("deployment", "auth")["spec"]["template"]["metadata"]["annotations"][
                "runbook.release/config-hash"
            ]
        )
    levels = [re.sub(".*levels=([^,]*).*", r"levels-\1", text) for text in texts]
    (key,) = {re.sub(".*keys=([^,]*).*", r"keys-\1", text) for text in texts}
    label = {"runbook.release/config": "levels"}
    space.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "levels-by-hand", "labels": label},
            "data": {"LEVEL": "7"},
        }
    )

    # All are named by a ReplicaSet; with the old ones the copies of their
    # content go. The baseline's revision, and so its content, stays.
    assert not tasks.one("kube_prune", keep_config=0).result["changed"]
    task = {"runbook.release.kube_prune": {"keep_config": 0, "keep_replica_sets": 0, "explain": True}}
    preview = tasks.run({**task, "check_mode": True})
    assert preview.result["changed"] and len(copies(space)) == 7
    done = tasks.run(task)
    assert not done.failed and why(done, "deleted") == why(preview, "deleted"), done.full_output
    assert copies(space) == {*levels[3:], "levels-by-hand", key}
    kept = why(done, "kept")
    assert (
        kept[levels[4]] == kept[key] == "Deployment auth runs with it"
        and kept["levels-by-hand"] == "it is not what a release kept"
    )
    assert kept[levels[3]] == "Deployment auth had it before release 1.5.0: a rollback needs it"
    assert not tasks.run(task).result["changed"]

    back = tasks.one("kube_rollback", release="1.5.0", timeout=60)
    assert not back.failed and space.get("configmap", "levels")["data"] == {"LEVEL": "4"}, back.full_output
    assert not any(
        SECRET in ran.full_output or base64.b64encode(SECRET.encode()).decode() in ran.full_output
        for ran in (preview, done, back)
    )


def copies(space: Kubectl) -> set[str]:
    return {
        item["metadata"]["name"] for item in space.items("configmaps,secrets", "-l", "runbook.release/config")
    }


def test_it_is_reported_what_is_wrong_before_anything_is_deleted(tasks: Tasks) -> None:
    assert "keep_jobs: found -1; allowed: 0 or more" in tasks.one("kube_prune", keep_jobs=-1).result["msg"]
    assert "keep_replica_sets, keep_jobs, keep_records, keep_config" in tasks.one("kube_prune").result["msg"]

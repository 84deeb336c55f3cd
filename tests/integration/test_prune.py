# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube_prune on a real cluster, in a namespace of its own."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from sandbox.catalogue import BAD, BROKEN_SERVICE, FIRST, GOOD, LAST_WORDS, Image
from tests.integration.task import Manifest, Outcome, Task

SPACE = "exchange-prune"


@pytest.fixture
def prune(sandbox: t.Any, tmp_path: Path) -> t.Iterator[Task]:
    for image in (Image("auth", FIRST), Image("auth", GOOD), Image(BROKEN_SERVICE, BAD, {"FAULT_EXIT_AT_START": "3", "FAULT_LAST_WORDS": LAST_WORDS})):
        sandbox.place.publish(image)
    run = Task(sandbox, tmp_path, "kube_prune", SPACE)
    run.kubectl("delete", "namespace", SPACE, "--ignore-not-found")
    run.kubectl("create", "namespace", SPACE)
    yield run
    run.kubectl("delete", "namespace", SPACE, "--ignore-not-found", "--wait=false")


def why(outcome: Outcome, which: str) -> dict[str, str]:
    return {item["name"]: item["why"] for item in outcome.result[which]}


def revisions(prune: Task) -> dict[str, str]:
    """Names of ReplicaSets by revision."""
    return {item["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: item["metadata"]["name"] for item in prune.get("replicasets")["items"]}


def test_old_replica_sets_go_and_what_a_rollback_needs_stays(prune: Task) -> None:
    thing = prune.deployment("auth", FIRST)
    prune.create(thing)
    for number in range(2, 5):
        prune.kubectl("set", "env", "deployment/auth", f"NUMBER={number}")
    release = {"name": "auth", "images": {"auth": f"{prune.registry}/auth:{GOOD}"}}
    rollout = Task.run(Rollout(prune), {"release": GOOD, "workloads": [release], "timeout": 60})
    assert rollout.rc == 0, rollout.out
    # Two more after the release, so that its baseline is neither the newest nor the one before.
    for number in range(6, 8):
        prune.kubectl("set", "env", "deployment/auth", f"NUMBER={number}")
    prune.kubectl("rollout", "status", "deployment/auth", "--timeout=60s")
    names = revisions(prune)
    assert set(names) == {"1", "2", "3", "4", "5", "6", "7"}

    preview = prune.run({"keep_replica_sets": 1, "explain": True}, {"check_mode": True, "diff": True})
    assert preview.rc == 0 and preview.result["changed"], preview.out
    assert set(why(preview, "deleted")) == {names["5"], names["1"], names["2"], names["3"]} - set(why(preview, "kept"))
    assert why(preview, "kept")[names["7"]] == "auth runs it" and why(preview, "kept")[names["6"]] == "one of the newest 1 of auth"
    assert f"auth ran it before release {GOOD}: a rollback needs it" == why(preview, "kept")[names["4"]]
    assert revisions(prune) == names

    done = prune.run({"keep_replica_sets": 1})
    assert done.rc == 0 and why(done, "deleted") == why(preview, "deleted") and "kept" not in done.result
    assert f"ReplicaSet {names['5']}: deleted, revision 5, older than the newest 1" in done.err
    assert set(revisions(prune).values()) == set(why(preview, "kept"))
    assert not prune.run({"keep_replica_sets": 1}).result["changed"]

    # And the way back is still there.
    back = Rollout(prune, "kube_rollback").run({"release": GOOD, "timeout": 60})
    assert back.rc == 0, back.out
    assert prune.get("deployment", "auth")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(FIRST)


class Rollout(Task):
    """Another module in the same namespace."""

    def __init__(self, beside: Task, module: str = "kube_rollout") -> None:
        self.__dict__.update(beside.__dict__)
        self._module = module


def job(name: str, **spec: t.Any) -> Manifest:
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"backoffLimit": 0, **spec}}


def record(release: str, verdict: dict[str, str]) -> Manifest:
    metadata = {"name": f"release-{release}", "labels": {"runbook.release/record": "true"}, "annotations": {"runbook.release/release": release}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"attempt": "1", "verdict": json.dumps(verdict) if verdict else ""}}


def test_ended_jobs_and_records_go_and_what_is_under_way_stays(prune: Task) -> None:
    failing = {"restartPolicy": "Never", "containers": [{"name": "x", "image": f"{prune.registry}/{BROKEN_SERVICE}:{BAD}"}]}
    running = {"restartPolicy": "Never", "containers": [{"name": "x", "image": f"{prune.registry}/auth:{FIRST}"}]}
    records = [record(f"1.{number}.0", {"verdict": "succeeded", "at": f"2026-01-0{number}T00:00:00Z"}) for number in range(1, 5)]
    ours = {"metadata": {"name": "not-a-record"}, "apiVersion": "v1", "kind": "ConfigMap"}
    prune.create(job("ended", template={"spec": failing}), job("runs", template={"spec": running}), record("1.9.0", {}), ours, *records)
    thing = prune.deployment("auth", FIRST, replicas=0)
    thing["metadata"]["annotations"] = {"runbook.release/release": "1.1.0"}
    prune.create(thing)
    prune.kubectl("wait", "--for=condition=Failed", "job/ended", "--timeout=60s")

    asked = {"keep_jobs": 0, "keep_records": 1, "explain": True}
    done = prune.run(asked)
    assert done.rc == 0 and set(why(done, "deleted")) == {"ended", "release-1.2.0", "release-1.3.0"}, done.out
    kept = why(done, "kept")
    assert kept["runs"] == "it has not ended" and kept["release-1.9.0"] == "the release is not finished"
    assert kept["release-1.4.0"] == "one of the newest 1" and kept["release-1.1.0"] == "Deployment auth is on this release"
    assert prune.kubectl("get", "job", "-o", "name").split() == ["job.batch/runs"]
    names = {item["metadata"]["name"] for item in prune.get("configmaps")["items"]}
    assert names >= {"release-1.1.0", "release-1.4.0", "release-1.9.0", "not-a-record"} and not names & {"release-1.2.0", "release-1.3.0"}
    assert not prune.run(asked).result["changed"]
    assert prune.kubectl("get", "lease", "runbook-release", "-o", "jsonpath={.spec.holderIdentity}") == ""


def test_it_is_told_what_is_wrong_before_anything_is_deleted(prune: Task) -> None:
    assert "keep_jobs: found -1; allowed: 0 or more" in prune.run({"keep_jobs": -1}).result["msg"]
    assert "keep_replica_sets, keep_jobs, keep_records" in prune.run({}).result["msg"]

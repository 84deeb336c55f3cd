# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.prune import (
    config_copies as prune_config,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload import (
    config_copies as config,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.fields.template import (
    CONFIG,
)


def config_copy(name, at, **data):
    """As a release keeps it."""
    told = config.text({"ConfigMap/x": {"data": data}}, ["ConfigMap/x"]).rpartition("=")[2]
    metadata = {
        "name": f"{name}-{told}",
        "uid": f"{name}{at}",
        "resourceVersion": "5",
        "creationTimestamp": at,
        "labels": {config.COPY_OF: name},
    }
    return {"metadata": metadata, "data": data, "immutable": True}


def judged(items, needed=None, keep=0):
    verdicts = prune_config.of_copies("ConfigMap", "/cm", items, needed or {}, keep)
    return {verdict.obj["data"]["LEVEL"]: "" if verdict.goes else verdict.why for verdict in verdicts}


def test_the_newest_of_each_name_stay_beside_those_that_are_needed():
    items = [config_copy("x", f"2026-01-0{number}", LEVEL=f"x{number}") for number in (1, 3, 2, 4)]
    items += [config_copy("y", "2025-01-01", LEVEL="y1")]
    needed = {
        ("ConfigMap", items[3]["metadata"]["name"]): "it is needed",
        ("Secret", items[1]["metadata"]["name"]): "of another kind",
    }
    assert judged(items, needed, keep=1) == {
        "x4": "it is needed",
        "x3": "one of the newest 1 of x",
        "x2": "",
        "x1": "",
        "y1": "one of the newest 1 of y",
    }


@pytest.mark.parametrize("other", [{"immutable": False}, {"data": {"LEVEL": "another"}}])
def test_what_bears_the_label_and_is_no_copy_stays(other):
    assert list(judged([{**config_copy("x", "2026", LEVEL="1"), **other}]).values()) == [
        "it is not what a release kept"
    ]


def template(told):
    return {"metadata": {"annotations": {CONFIG: told}}} if told else {}


def thing(told, baseline=None):
    kept = (
        {"runbook.release/baseline": json.dumps({**baseline, "release": "1", "revision": "1", "wave": 1})}
        if baseline
        else {}
    )
    meta = {"name": "wallet", "annotations": {"runbook.release/release": "2", **kept}}
    return {"kind": "Deployment", "metadata": meta, "spec": {"template": template(told)}}


def test_who_needs_a_copy_is_told():
    revision = {"metadata": {"name": "ledger-1"}, "data": {"spec": {"template": template("ConfigMap/x=4")}}}
    strange = {"metadata": {"name": "of-another-controller"}, "data": None}
    old = {
        "ReplicaSet": [{"metadata": {"name": "wallet-1"}, "spec": {"template": template("ConfigMap/x=1")}}],
        "ControllerRevision": [revision, strange],
    }
    assert prune_config.users(
        [thing("ConfigMap/x=1,Secret/y=2", {"config": "ConfigMap/x=3"}), thing("")], old
    ) == {
        ("ConfigMap", "x-1"): "Deployment wallet runs with it",
        ("Secret", "y-2"): "Deployment wallet runs with it",
        ("ConfigMap", "x-3"): "Deployment wallet had it before release 2: a rollback needs it",
        ("ConfigMap", "x-4"): "ControllerRevision ledger-1 names it: a rollback to that revision needs it",
    }
    assert prune_config.users([thing("", {"config": None})], {}) == {}

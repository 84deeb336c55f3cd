# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply import apply_set
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply.apply_set import (
    Parent,
    Scope,
    Set,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply.discovery import (
    Resource,
    Resources,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply.manifests import Manifest

from ..apiserver import Server, config_map

PARENT = Parent("ConfigMap", "platform", "exchange")
SCOPE = Scope(frozenset({("apps", "Deployment"), ("", "ConfigMap")}), frozenset({"exchange", "other"}))


def test_the_id_is_the_one_that_kubectl_computes():
    # Written by kubectl apply --prune --applyset=my-set -n probe-h1 of 1.36 (a Secret).
    assert (
        Parent("Secret", "my-set", "probe-h1").id == "applyset-fjwLp5vD62R3Q6ImokDl7U2_iIv4aDw0OKL5ACgnJt8-v1"
    )


def test_the_parent_is_named_as_kubectl_names_it():
    assert (
        apply_set.parent("configmap/platform", "exchange") == PARENT
        and apply_set.parent("configmaps/platform", "exchange") == PARENT
    )
    assert apply_set.parent("platform", "exchange").kind == "Secret"
    for wrong in ("deployment/x", "configmap/", "a/b/c"):
        with pytest.raises(InputError, match="ApplySet") as caught:
            apply_set.parent(wrong, "exchange")
        assert repr(wrong) in str(caught.value) and "configmap/NAME" in str(caught.value)


def test_what_is_recorded_is_read_again():
    server = Server()
    assert Set(server, PARENT).record(SCOPE)
    stored = server.objects[PARENT.path]
    assert (
        stored["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"]
        == "ConfigMap,Deployment.apps"
    )
    assert stored["metadata"]["annotations"]["applyset.kubernetes.io/additional-namespaces"] == "other"
    again = Set(server, PARENT)
    assert (
        again.recorded == Scope(SCOPE.kinds, frozenset({"other"}))
        and not again.differs(SCOPE)
        and not again.record(SCOPE)
    )
    # The version of a kubectl that had it before stays.
    stored["metadata"]["annotations"]["applyset.kubernetes.io/tooling"] = "kubectl/v9"
    Set(server, PARENT).record(Scope())
    assert (
        server.objects[PARENT.path]["metadata"]["annotations"]["applyset.kubernetes.io/tooling"]
        == "kubectl/v9"
    )


@pytest.mark.parametrize("labels", [{}, {apply_set.ID: PARENT.id}])
def test_an_object_that_is_no_parent_or_another_tools_is_refused(labels):
    server = Server(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "platform",
                "labels": labels,
                "annotations": {"applyset.kubernetes.io/tooling": "helm/v3"},
            },
        }
    )
    with pytest.raises(InputError, match="ConfigMap exchange/platform exists") as caught:
        Set(server, PARENT)
    assert "found helm/v3; allowed: kubectl/VERSION" in str(caught.value) and (
        f"allowed: {PARENT.id}" in str(caught.value)
    ) is not bool(labels)


def member(name, labels=None, **metadata):
    thing = config_map(name, "exchange")
    thing["metadata"].update(labels={apply_set.PART_OF: PARENT.id} if labels is None else labels, **metadata)
    return thing


def test_members_are_looked_for_where_the_parent_says_they_are():
    server = Server(
        member("a"),
        member("b", {}),
        {**member("c"), "metadata": {**member("c")["metadata"], "namespace": "elsewhere"}},
    )
    fresh = Set(server, PARENT)
    assert fresh.members(Resources(server)) == []
    fresh.record(Scope(frozenset({("", "ConfigMap"), ("gone.test", "Thing")})))
    assert [thing["metadata"]["name"] for _resource, thing in fresh.members(Resources(server))] == ["a"]


def test_only_what_is_of_the_set_and_described_no_more_is_obsolete():
    resource = Resource("", "v1", "ConfigMap", "configmaps", True)
    made = {"ownerReferences": [{"controller": True, "kind": "Service", "uid": "1"}]}
    things = [
        member("wanted"),
        member("old"),
        member("foreign", {apply_set.PART_OF: "another"}),
        member("made", **made),
        member("going", deletionTimestamp="now"),
    ]
    found = apply_set.obsolete(
        [(resource, thing) for thing in things], PARENT, {("", "ConfigMap", "exchange", "wanted")}
    )
    assert [thing["metadata"]["name"] for _resource, thing in found] == ["old"]


def test_a_member_carries_the_label_beside_its_own():
    body = config_map("a")
    body["metadata"]["labels"] = {"team": "x"}
    assert apply_set.labelled(Manifest("m", body), PARENT).body["metadata"]["labels"] == {
        "team": "x",
        apply_set.PART_OF: PARENT.id,
    }
    assert body["metadata"]["labels"] == {"team": "x"}

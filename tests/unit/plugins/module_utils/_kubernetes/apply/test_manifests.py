# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply import manifests
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply.manifests import Document

from ..apiserver import config_map


def accepted(*values):
    problems = []
    return manifests.accepted(
        [Document(f"m[{index}]", value) for index, value in enumerate(values)], problems
    ), problems


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            "apiVersion",
            "m[0]: found 'apiVersion' (string); allowed: a manifest (apiVersion, kind, metadata.name)",
        ),
        ({"kind": "ConfigMap", "metadata": {"name": "a"}}, "m[0]: apiVersion: is missing; allowed: a string"),
        (
            {"apiVersion": 1, "kind": "ConfigMap", "metadata": {"name": "a"}},
            "m[0]: apiVersion: found 1 (integer); allowed: a string",
        ),
        (
            {"apiVersion": "v1", "kind": "ConfigMap"},
            "m[0]: metadata: is missing; allowed: a dictionary with a name",
        ),
        (
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": 7}},
            "m[0]: metadata.name: found 7 (integer); allowed: a string",
        ),
        (
            {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "x-"}},
            "(generateName makes a new object every time",
        ),
        (
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"v": 1.1}}},
            "m[0]: metadata.labels.v: found 1.1 (number); allowed: a string",
        ),
        (
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": ["v"]}},
            "m[0]: metadata.labels: found ['v'] (list)",
        ),
    ],
)
def test_what_is_no_manifest_is_told_with_its_place(value, said):
    found, problems = accepted(value, config_map("good"))
    assert (
        [str(manifest) for manifest in found] == ["ConfigMap good"]
        and len(problems) == 1
        and said in problems[0]
    )


def test_lists_are_taken_apart_and_empty_documents_left_out():
    found, problems = accepted(
        None,
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [config_map("a"), config_map("b", "other"), {"kind": "x"}],
        },
    )
    assert [str(manifest) for manifest in found] == ["ConfigMap a", "ConfigMap other/b"]
    assert problems[0].startswith("m[1], items[2]: apiVersion: is missing")


def test_what_only_the_api_server_writes_is_left_out():
    given = config_map("a")
    given["metadata"].update(
        uid="1", resourceVersion="2", managedFields=[], creationTimestamp=None, labels={"a": "b"}
    )
    (manifest,), _problems = accepted({**given, "status": {}})
    assert manifest.body == {**config_map("a"), "metadata": {"name": "a", "labels": {"a": "b"}}}


def test_the_order_is_that_in_which_they_need_each_other():
    kinds = [
        "Ingress",
        "Market",
        "Deployment",
        "APIService",
        "RoleBinding",
        "ConfigMap",
        "Role",
        "CustomResourceDefinition",
        "Namespace",
    ]
    found, _problems = accepted(
        *({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}} for kind in kinds)
    )
    assert [manifest.kind for manifest in manifests.in_order(found)] == [
        *(
            "Namespace",
            "CustomResourceDefinition",
            "Role",
            "RoleBinding",
            "ConfigMap",
            "Deployment",
            "Ingress",
            "Market",
            "APIService",
        )
    ]


def test_the_same_object_twice_is_told_with_both_places():
    found, _problems = accepted(config_map("a", "x"), config_map("a", "y"), config_map("a", "x"))
    assert manifests.repeated(found) == ["m[2]: ConfigMap x/a was described before, in m[0]"]

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import copy

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout.strategies.registry import (
    strategy_of,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.fields import (
    values as fields,
)

WALLET = {
    "metadata": {"name": "wallet", "uid": "u", "resourceVersion": "7"},
    "spec": {
        "replicas": 2,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        "template": {
            "metadata": {"annotations": {"team": "payments"}},
            "spec": {
                "initContainers": [{"name": "schema", "image": "r/schema:1"}],
                "containers": [
                    {
                        "name": "wallet",
                        "image": "r/wallet:1",
                        "env": [
                            {"name": "MODE", "value": "live"},
                            {
                                "name": "NODE",
                                "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}},
                            },
                        ],
                        "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}},
                    }
                ],
            },
        },
    },
}


def desired(workload):
    return strategy_of(workload).plan(workload, {"kind": "Deployment"})[0].desired


def patched(**workload):
    """What the patch says beside the marks."""
    after = desired(workload)
    return fields.patch(WALLET, fields.live(WALLET, after), after, {}).get("spec")


def container(spec, kind="containers"):
    return spec["template"]["spec"][kind][0]


def test_the_patch_holds_only_what_differs_and_the_version_it_was_made_for():
    after = desired({"images": {"wallet": "r/wallet:2", "schema": "r/schema:1"}, "replicas": 2})
    body = fields.patch(WALLET, fields.live(WALLET, after), after, {"a": "b", "c": None})
    assert body["metadata"] == {"uid": "u", "resourceVersion": "7", "annotations": {"a": "b", "c": None}}
    assert body["spec"] == {"template": {"spec": {"containers": [{"name": "wallet", "image": "r/wallet:2"}]}}}


def test_an_init_container_is_patched_where_it_stands():
    assert container(patched(images={"schema": "r/schema:2"}), "initContainers") == {
        "name": "schema",
        "image": "r/schema:2",
    }


@pytest.mark.parametrize(
    ("given", "entry"),
    [
        ({"MODE": "drain"}, {"name": "MODE", "value": "drain"}),
        ({"MODE": None}, {"name": "MODE", "$patch": "delete"}),
        # value and valueFrom exclude each other: a merge alone would
        # leave both, which the API server refuses.
        ({"NODE": "n1"}, {"name": "NODE", "valueFrom": None, "value": "n1"}),
        (
            {"MODE": {"valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}},
            {"name": "MODE", "value": None, "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        ),
        ({"READ_ONLY": True}, {"name": "READ_ONLY", "value": "true"}),
        ({"PORT": 8080}, {"name": "PORT", "value": "8080"}),
    ],
)
def test_environment_is_set_replaced_and_unset(given, entry):
    assert container(patched(env={"wallet": given}))["env"] == [entry]


def test_what_is_there_in_other_words_is_no_change():
    same = {
        "env": {
            "wallet": {
                "MODE": "live",
                "NODE": {"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                "GONE": None,
            }
        },
        "resources": {"wallet": {"limits": {"cpu": "0.5", "memory": "1024Mi", "nvidia.com/gpu": None}}},
        "strategy": "rolling",
    }
    assert patched(**same) is None


def test_resources_are_set_one_by_one_and_taken_away_by_none():
    given = {"limits": {"cpu": None, "memory": "2Gi"}, "requests": {"memory": "1G"}}
    assert container(patched(resources={"wallet": given}))["resources"] == {
        "limits": {"cpu": None, "memory": "2Gi"},
        "requests": {"memory": "1G"},
    }


def test_recreate_takes_the_numbers_of_the_rolling_update_away():
    assert patched(strategy="recreate") == {"strategy": {"$patch": "replace", "type": "Recreate"}}


def test_going_back_gives_exactly_what_was_there():
    wanted = desired(
        {
            "images": {"wallet": "r/wallet:2"},
            "env": {"wallet": {"NODE": "n1", "NEW": "x"}},
            "replicas": 5,
            "strategy": "recreate",
        }
    )
    before = fields.live(WALLET, wanted)
    there = copy.deepcopy(WALLET)
    there["spec"].update(replicas=5, strategy={"type": "Recreate"})
    there["spec"]["template"]["spec"]["containers"][0].update(
        image="r/wallet:2", env=[{"name": "NODE", "value": "n1"}, {"name": "NEW", "value": "x"}]
    )
    spec = fields.patch(there, fields.live(there, before), before, {})["spec"]
    assert spec["replicas"] == 2 and spec["strategy"] == {
        "$patch": "replace",
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1},
    }
    assert container(spec) == {
        "name": "wallet",
        "image": "r/wallet:1",
        "env": [
            {
                "name": "NODE",
                "value": None,
                "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}},
            },
            {"name": "NEW", "$patch": "delete"},
        ],
    }


def test_nested_and_flat_say_the_same():
    given = desired(
        {
            "images": {"a": "i"},
            "env": {"a": {"N": None}},
            "resources": {"a": {"limits": {"cpu": "1"}}},
            "replicas": 0,
        }
    )
    assert fields.nested(given) == {
        "images": {"a": "i"},
        "env": {"a": {"N": None}},
        "resources": {"a": {"limits": {"cpu": "1"}}},
        "replicas": 0,
    }
    assert fields.flat(fields.nested(given)) == given


def test_an_autoscaler_and_a_strategy_are_no_matter_of_the_pod_template():
    assert set(fields.of_pod_template({("replicas",): 3, ("strategy",): {}, ("images", "a"): "i"})) == {
        ("images", "a")
    }

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError, ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout import rollback, rollout
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.fields.template import (
    CONFIG,
)

from ..cluster import Cluster, context, image, workload


@pytest.fixture
def cluster():
    """auth reads ConfigMap auth-config, which holds LEVEL 1."""
    there = Cluster(["auth"])
    there.config_maps["auth-config"] = {
        "metadata": {"name": "auth-config", "resourceVersion": "1"},
        "data": {"LEVEL": "1"},
    }
    return there


def released(cluster, version, names=("ConfigMap/auth-config",), images=None):
    params = {
        "release": version,
        "workloads": [
            workload("auth", images=images or {"auth": image("auth", version)}, config=list(names))
        ],
    }
    given, lines = context(cluster, params)
    return rollout.run(cluster, given), lines


def rolled_back(cluster, version, **more):
    params = {
        "release": version,
        "workloads": None,
        "reason": "",
        "unfinished_only": False,
        "to_revision": None,
        "to_release": None,
        **more,
    }
    given, lines = context(cluster, params)
    rollback.run(cluster, given)
    return lines


def hashes(cluster):
    return (
        cluster.deployments["auth"]["spec"]["template"].get("metadata", {}).get("annotations", {}).get(CONFIG)
    )


def test_new_content_makes_new_pods_and_the_content_is_kept_first(cluster):
    released(cluster, "1.1.0")
    first = hashes(cluster)
    assert first.startswith("ConfigMap/auth-config=")
    copy = cluster.config_maps[f"auth-config-{first.rpartition('=')[2]}"]
    assert copy["data"] == {"LEVEL": "1"} and copy["immutable"]
    cluster.requests.clear()
    assert not released(cluster, "1.1.0")[0].changed and cluster.writes == []
    cluster.config_maps["auth-config"]["data"] = {"LEVEL": "2"}
    result, lines = released(cluster, "1.2.0", images={"auth": image("auth", "1.1.0")})
    assert result.changed and lines[0] == "auth: new configuration" and hashes(cluster) != first
    order = [name for method, name in cluster.writes if method in ("POST", "PATCH")]
    assert order.index("configmaps") < order.index("auth")


def test_a_rollback_gives_the_content_back_that_the_release_before_had(cluster):
    released(cluster, "1.1.0")
    first = hashes(cluster)
    cluster.config_maps["auth-config"]["data"] = {"LEVEL": "2", "NEW": "x"}
    released(cluster, "1.2.0")
    lines = rolled_back(cluster, "1.2.0")
    assert cluster.config_maps["auth-config"]["data"] == {"LEVEL": "1"} and hashes(cluster) == first
    assert lines[0] == "ConfigMap/auth-config: back to what it held before" and cluster.images() == {
        "auth": "1.1.0"
    }


def test_an_older_revision_comes_with_the_content_that_it_ran_with(cluster):
    released(cluster, "1.1.0")
    for version in ("1.2.0", "1.3.0"):
        cluster.config_maps["auth-config"]["data"] = {"LEVEL": version}
        released(cluster, version)
    rolled_back(cluster, "1.3.0", workloads=["auth"], to_revision=2)
    assert cluster.images() == {"auth": "1.1.0"} and cluster.config_maps["auth-config"]["data"] == {
        "LEVEL": "1"
    }


def test_what_was_never_recorded_is_told_and_stays(cluster):
    released(cluster, "1.1.0")
    assert (
        rolled_back(cluster, "1.1.0")[0]
        == "ConfigMap/auth-config is left unchanged: its previous content was not recorded"
    )
    assert hashes(cluster) is None


def test_a_copy_that_is_gone_is_a_loud_error(cluster):
    released(cluster, "1.1.0")
    del cluster.config_maps[f"auth-config-{hashes(cluster).rpartition('=')[2]}"]
    cluster.config_maps["auth-config"]["data"] = {"LEVEL": "2"}
    released(cluster, "1.2.0")
    with pytest.raises(ReleaseError, match="only partly rolled back") as caught:
        rolled_back(cluster, "1.2.0")
    assert "its copy auth-config-" in str(caught.value)


def test_names_that_are_wrong_or_not_there_are_refused_before_any_change(cluster):
    with pytest.raises(InputError) as caught:
        released(cluster, "1.1.0", names=["auth-config", "ConfigMap/nothing"])
    assert "config: found 'auth-config'; allowed: ConfigMap/NAME or Secret/NAME" in str(caught.value)
    assert (
        "config: there is no ConfigMap named nothing in namespace exchange" in str(caught.value)
        and cluster.writes == []
    )


def test_no_content_stands_in_the_record(cluster):
    cluster.config_maps["auth-config"]["data"] = {"TOKEN": "s3cr3t-content"}
    released(cluster, "1.1.0")
    assert "s3cr3t-content" not in json.dumps([cluster.config_maps["release-1.1.0"], cluster.deployments])

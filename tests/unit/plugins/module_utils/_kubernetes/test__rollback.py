# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common._errors import NotFound, ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._kubernetes import _rollback as rollback
from ansible_collections.runbook.release.plugins.module_utils._kubernetes import _rollout as rollout
from ansible_collections.runbook.release.plugins.module_utils._kubernetes._baseline import BASELINE, RELEASE, UNDONE
from ansible_collections.runbook.release.plugins.module_utils._kubernetes._record import Record

from .cluster import NAMESPACE, Cluster, context, crashing, entries, image, workload


def released(*waves, version="1.1.0"):
    cluster = Cluster([name for wave in waves for name in wave])
    for number, wave in enumerate(waves, start=1):
        params = {"release": version, "workloads": [workload(name, wave=number, images={name: image(name, version)}) for name in wave]}
        rollout.run(cluster, context(cluster, params)[0])
    cluster.requests.clear()
    return cluster


def rolled_back(cluster, names=None, check_mode=False, release="1.1.0", unfinished_only=False):
    params = {"release": release, "workloads": names, "reason": "errors", "unfinished_only": unfinished_only, "to_revision": None, "to_release": None}
    given, lines = context(cluster, params, check_mode)
    return rollback.run(cluster, given), lines


def test_every_service_of_the_release_goes_back_the_last_wave_first():
    cluster = released(["auth"], ["kyc", "user"], ["wallet"])
    result, lines = rolled_back(cluster)
    assert set(cluster.images().values()) == {"1.0.0"}
    assert [name for method, name in cluster.writes if name in cluster.deployments] == ["wallet", "kyc", "user", "auth"]
    assert lines[0] == "wallet: back 1.1.0 -> 1.0.0"
    assert [item["name"] for item in result.values["workloads"]] == ["wallet", "kyc", "user", "auth"]


def test_the_marks_of_the_release_go_and_foreign_annotations_stay():
    cluster = released(["auth"])
    rolled_back(cluster)
    annotations = cluster.deployments["auth"]["metadata"]["annotations"]
    assert BASELINE not in annotations and RELEASE not in annotations
    assert (annotations[UNDONE], annotations["team"]) == ("1.1.0", "payments")


def test_pods_of_the_bad_version_that_still_crash_do_not_stop_the_way_back():
    cluster = Cluster(["wallet"])
    cluster.bad[image("wallet", "1.1.0")] = crashing()
    params = {"release": "1.1.0", "workloads": [workload("wallet", images={"wallet": image("wallet", "1.1.0")})]}
    with pytest.raises(ReleaseError):
        rollout.run(cluster, context(cluster, params)[0])
    rolled_back(cluster)
    assert cluster.images() == {"wallet": "1.0.0"}


def test_one_service_can_go_back_alone():
    cluster = released(["auth"], ["wallet"])
    rolled_back(cluster, ["wallet"])
    assert cluster.images() == {"auth": "1.1.0", "wallet": "1.0.0"}


def test_a_second_rollback_finds_nothing_to_do():
    cluster = released(["auth"])
    rolled_back(cluster)
    cluster.requests.clear()
    result, _lines = rolled_back(cluster)
    assert not result.changed and cluster.writes == []


def test_check_mode_writes_nothing():
    cluster = released(["auth"])
    result, lines = rolled_back(cluster, check_mode=True)
    assert result.changed and cluster.writes == [] and lines == ["would take back auth: 1.1.0 -> 1.0.0"]


def test_names_without_a_baseline_are_loud_errors():
    cluster = released(["auth"])
    with pytest.raises(NotFound) as caught:
        rolled_back(cluster, ["auth", "wallte"])
    assert "no workload named wallte" in str(caught.value)
    with pytest.raises(NotFound, match="cannot be rolled back as asked") as caught:
        rolled_back(cluster, ["auth"], release="7.7.7")
    assert "auth has no baseline of release 7.7.7; it is on release 1.1.0" in str(caught.value)
    assert cluster.writes == []


def test_a_wave_that_does_not_come_back_is_told_and_the_others_go_back():
    cluster = released(["auth"], ["wallet"])
    cluster.bad[image("wallet", "1.0.0")] = crashing()
    with pytest.raises(ReleaseError, match="rolled back in part only") as caught:
        rolled_back(cluster)
    assert cluster.images()["auth"] == "1.0.0" and "back on what ran before: auth" in str(caught.value)


def test_a_finished_release_stays_when_only_an_unfinished_one_is_to_go():
    cluster = released(["auth"])
    given, _lines = context(cluster, {})
    Record(cluster, NAMESPACE, "1.1.0", given.clock).close({"verdict": "succeeded"})
    result, _lines = rolled_back(cluster, unfinished_only=True)
    assert result.values["finished"] and cluster.images() == {"auth": "1.1.0"}


def test_the_record_keeps_what_was_undone_and_why_in_the_attempt_it_undid():
    cluster = released(["auth"])
    rolled_back(cluster)
    kinds = [(entry["kind"], entry["phase"]) for entry in entries(cluster)]
    assert kinds == [("wave", "began"), ("wave", "ended"), ("images", "ended"), ("rollback", "began"), ("rollback", "ended")]
    assert cluster.config_maps["release-1.1.0"]["data"]["attempt"] == "1"
    assert entries(cluster)[3]["reason"] == "errors"

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import (
    InputError,
    NotFound,
    ReleaseError,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.release_state.config_map import (
    record_of,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout import rollback, rollout
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.baseline import (
    BASELINE,
    RELEASE,
    UNDONE,
)

from ..cluster import NAMESPACE, Cluster, context, crashing, entries, image, workload


def released(*waves, version="1.1.0"):
    cluster = Cluster([name for wave in waves for name in wave])
    for number, wave in enumerate(waves, start=1):
        params = {
            "release": version,
            "workloads": [workload(name, wave=number, images={name: image(name, version)}) for name in wave],
        }
        rollout.run(cluster, context(cluster, params)[0])
    cluster.requests.clear()
    return cluster


def rolled_back(cluster, names=None, check_mode=False, release="1.1.0", unfinished_only=False, **to):
    params = {
        "release": release,
        "workloads": names,
        "reason": "errors",
        "unfinished_only": unfinished_only,
        "to_revision": None,
        "to_release": None,
        **to,
    }
    given, lines = context(cluster, params, check_mode)
    return rollback.run(cluster, given), lines


def test_every_service_of_the_release_goes_back_the_last_wave_first():
    cluster = released(["auth"], ["kyc", "user"], ["wallet"])
    result, lines = rolled_back(cluster)
    assert set(cluster.images().values()) == {"1.0.0"}
    assert [name for method, name in cluster.writes if name in cluster.deployments] == [
        "wallet",
        "kyc",
        "user",
        "auth",
    ]
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
    params = {
        "release": "1.1.0",
        "workloads": [workload("wallet", images={"wallet": image("wallet", "1.1.0")})],
    }
    with pytest.raises(ReleaseError):
        rollout.run(cluster, context(cluster, params)[0])
    rolled_back(cluster)
    assert cluster.images() == {"wallet": "1.0.0"}


def test_one_service_can_go_back_alone():
    cluster = released(["auth"], ["wallet"])
    rolled_back(cluster, ["wallet"])
    assert cluster.images() == {"auth": "1.1.0", "wallet": "1.0.0"}


def test_what_the_release_did_not_set_stays_as_others_have_it_now():
    cluster = released(["auth"])
    cluster.deployments["auth"]["spec"]["replicas"] = 7  # an autoscaler
    rolled_back(cluster)
    assert cluster.images() == {"auth": "1.0.0"} and cluster.deployments["auth"]["spec"]["replicas"] == 7


def test_one_service_can_go_to_a_revision_by_number():
    cluster = released(["auth"])
    release_again(cluster, "auth", "1.2.0")
    rolled_back(cluster, ["auth"], release="1.2.0", to_revision=1)
    assert (
        cluster.images() == {"auth": "1.0.0"}
        and BASELINE not in cluster.deployments["auth"]["metadata"]["annotations"]
    )
    with pytest.raises(NotFound, match="has no revision 99"):
        rolled_back(cluster, ["auth"], to_revision=99)
    with pytest.raises(InputError, match="revisions of one workload"):
        rolled_back(cluster, ["auth", "user"], to_revision=1)


def test_several_releases_back_by_the_record_of_the_one_that_succeeded():
    cluster = released(["auth"], ["wallet"])
    with pytest.raises(NotFound, match="cannot be rolled back as asked") as caught:
        rolled_back(cluster, release="1.2.0", to_release="1.1.0")
    assert "cannot roll back to release 1.1.0: it is not finished" in str(caught.value)
    given, _lines = context(cluster, {})
    record_of(cluster, NAMESPACE, "1.1.0", given.clock).close({"verdict": "succeeded"})
    for version in ("1.2.0", "1.3.0"):
        for name in ("auth", "wallet"):
            release_again(cluster, name, version)
    _result, lines = rolled_back(cluster, release="1.3.0", to_release="1.1.0")
    assert (
        cluster.images() == {"auth": "1.1.0", "wallet": "1.1.0"} and lines[0] == "wallet: back 1.3.0 -> 1.1.0"
    )
    assert cluster.deployments["auth"]["metadata"]["annotations"][RELEASE] == "1.1.0"


def test_a_release_whose_revisions_are_gone_is_a_loud_error_that_names_all_of_them():
    cluster = released(["auth"], ["wallet"])
    given, _lines = context(cluster, {})
    record_of(cluster, NAMESPACE, "1.1.0", given.clock).close({"verdict": "succeeded"})
    for name in ("auth", "wallet"):
        release_again(cluster, name, "1.2.0")
        del cluster.replica_sets[f"{name}-1.1.0"]
    cluster.requests.clear()
    with pytest.raises(NotFound) as caught:
        rolled_back(cluster, release="1.2.0", to_release="1.1.0")
    assert str(caught.value).count("(any more)") == 2 and cluster.writes == []


def release_again(cluster, name, version):
    rollout.run(
        cluster,
        context(
            cluster, {"release": version, "workloads": [workload(name, images={name: image(name, version)})]}
        )[0],
    )


def test_a_second_rollback_finds_nothing_to_do():
    cluster = released(["auth"])
    rolled_back(cluster)
    cluster.requests.clear()
    result, _lines = rolled_back(cluster)
    assert not result.changed and cluster.writes == []


def test_check_mode_writes_nothing():
    cluster = released(["auth"])
    result, lines = rolled_back(cluster, check_mode=True)
    assert result.changed and cluster.writes == [] and lines == ["would roll back auth: 1.1.0 -> 1.0.0"]


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
    with pytest.raises(ReleaseError, match="only partly rolled back") as caught:
        rolled_back(cluster)
    assert cluster.images()["auth"] == "1.0.0" and "back on what ran before: auth" in str(caught.value)


def test_a_finished_release_stays_when_only_an_unfinished_one_is_to_go():
    cluster = released(["auth"])
    given, _lines = context(cluster, {})
    record_of(cluster, NAMESPACE, "1.1.0", given.clock).close({"verdict": "succeeded"})
    result, _lines = rolled_back(cluster, unfinished_only=True)
    assert result.values["finished"] and cluster.images() == {"auth": "1.1.0"}


def test_the_record_keeps_what_was_undone_and_why_in_the_attempt_it_undid():
    cluster = released(["auth"])
    rolled_back(cluster)
    kinds = [(entry["kind"], entry["phase"]) for entry in entries(cluster)]
    assert kinds == [
        ("wave", "began"),
        ("wave", "ended"),
        ("images", "ended"),
        ("rollback", "began"),
        ("rollback", "ended"),
    ]
    assert cluster.config_maps["release-1.1.0"]["data"]["attempt"] == "1"
    assert entries(cluster)[3]["reason"] == "errors"


def test_a_release_that_nobody_knows_is_a_loud_error():
    cluster = released(["auth"])
    with pytest.raises(NotFound, match="Release 7.7.7 cannot be rolled back") as caught:
        rolled_back(cluster, release="7.7.7")
    assert "nothing in namespace exchange knows of it" in str(caught.value) and cluster.writes == []
    # A way back that nobody asked for finds a release that failed before its first write.
    assert not rolled_back(cluster, release="7.7.7", unfinished_only=True)[0].changed


def test_a_release_that_a_newer_one_has_followed_is_refused_before_it_mixes_them():
    cluster = released(["auth"], ["wallet"])
    release_again(cluster, "wallet", "1.2.0")
    cluster.requests.clear()
    with pytest.raises(NotFound, match="nothing was changed") as caught:
        rolled_back(cluster)
    assert (
        "wallet has no baseline of release 1.1.0; it is on release 1.2.0" in str(caught.value)
        and cluster.writes == []
    )
    rolled_back(cluster, ["auth"])
    assert cluster.images() == {"auth": "1.0.0", "wallet": "1.2.0"}


@pytest.mark.parametrize("again", [False, True])
def test_what_was_deleted_meanwhile_is_told_when_the_others_are_back(again):
    cluster = released(["auth"], ["wallet"])
    there = cluster.deployments.pop("wallet")
    if again:
        cluster.deployments["wallet"] = {
            **there,
            "metadata": {**there["metadata"], "uid": "another", "annotations": {}},
        }
    with pytest.raises(ReleaseError, match="only partly rolled back") as caught:
        rolled_back(cluster)
    assert cluster.images()["auth"] == "1.0.0" and "back on what ran before: auth" in str(caught.value)
    assert ("wallet has no baseline of release 1.1.0" if again else "no workload named wallet") in str(
        caught.value
    )


def test_two_of_one_name_that_the_release_changed_are_not_taken_for_one():
    cluster = released(["auth"])
    twin = {**cluster.deployments["auth"], "kind": "StatefulSet"}
    get = cluster.get
    cluster.get = lambda path: {**get(path), "items": [twin]} if path.endswith("/statefulsets") else get(path)
    with pytest.raises(NotFound) as caught:
        rolled_back(cluster)
    assert (
        "Deployment auth and StatefulSet auth were both changed" in str(caught.value) and cluster.writes == []
    )


def test_what_a_wave_that_broke_off_had_not_come_to_is_not_missed():
    cluster = Cluster(["auth", "kyc"])
    cluster.bad[image("auth", "1.1.0")] = crashing()
    wave = [workload(name, images={name: image(name, "1.1.0")}) for name in ("auth", "kyc")]
    with pytest.raises(ReleaseError):
        rollout.run(cluster, context(cluster, {"release": "1.1.0", "workloads": wave, "parallel": 1})[0])
    result, _lines = rolled_back(cluster)
    assert [item["name"] for item in result.values["workloads"]] == ["auth"] and set(
        cluster.images().values()
    ) == {"1.0.0"}


def test_a_release_that_runs_again_after_a_later_one_was_taken_back_says_how_to_go_further():
    cluster = released(["auth"])
    release_again(cluster, "auth", "1.2.0")
    rolled_back(cluster, release="1.2.0")
    with pytest.raises(NotFound) as caught:
        rolled_back(cluster)
    assert (
        "auth runs release 1.1.0, since 1.2.0 was rolled back, and what ran before is not recorded any more (to_revision"
        in str(caught.value)
    )

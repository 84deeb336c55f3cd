# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import (
    Conflict,
    InputError,
    ReleaseError,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import Event
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout import rollout
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout.plan import Planner
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.baseline import (
    BASELINE,
    RELEASE,
)

from ..cluster import DEPLOYMENTS, PODS, Cluster, context, crashing, entries, image, workload


def workloads(*names, version="1.1.0"):
    return [workload(name, images={name: image(name, version)}) for name in names]


def rolled_out(cluster, wave, check_mode=False, release="1.1.0"):
    given, lines = context(cluster, {"release": release, "workloads": wave}, check_mode)
    return rollout.run(cluster, given), lines


def test_a_wave_is_patched_as_a_whole_then_waited_for():
    cluster = Cluster(["auth", "kyc", "user"])
    result, lines = rolled_out(cluster, workloads("user", "kyc"))
    assert cluster.images() == {"auth": "1.0.0", "kyc": "1.1.0", "user": "1.1.0"}
    assert [write for write in cluster.writes if write[1] in ("user", "kyc")] == [
        ("PATCH", "user"),
        ("PATCH", "kyc"),
    ]
    assert lines[:2] == ["user: 1.0.0 -> 1.1.0", "kyc: 1.0.0 -> 1.1.0"]
    assert result.changed and result.values["workloads"][0]["digests"] == {"user": "sha256:user"}
    assert (result.before["kyc"]["images"], result.after["kyc"]["images"]) == (
        {"kyc": image("kyc", "1.0.0")},
        {"kyc": image("kyc", "1.1.0")},
    )


def test_the_baseline_is_in_the_patch_that_changes_and_foreign_annotations_stay():
    cluster = Cluster(["auth"])
    rolled_out(cluster, [{**workloads("auth")[0], "replicas": 3}])
    annotations = cluster.deployments["auth"]["metadata"]["annotations"]
    kept = json.loads(annotations[BASELINE])
    assert (kept["images"], kept["replicas"], kept["revision"], kept["wave"]) == (
        {"auth": image("auth", "1.0.0")},
        2,
        "1",
        1,
    )
    assert (annotations[RELEASE], annotations["team"]) == ("1.1.0", "payments")
    assert cluster.deployments["auth"]["spec"]["replicas"] == 3


def test_waves_go_in_order_each_after_the_one_before_has_settled():
    cluster = Cluster(["auth", "kyc", "user"])
    result, lines = rolled_out(
        cluster, [{**workloads("kyc")[0], "wave": 2}, *workloads("auth"), {**workloads("user")[0], "wave": 3}]
    )
    order = [line for line in lines if " -> " in line or "settled" in line]
    assert [line.split(":")[0] for line in order] == ["auth", "auth", "kyc", "kyc", "user", "user"]
    assert [item["name"] for item in result.values["workloads"]] == ["auth", "kyc", "user"]
    assert [
        entry["wave"] for entry in entries(cluster) if entry["kind"] == "wave" and entry["phase"] == "ended"
    ] == [1, 2, 3]


def test_a_wave_that_fails_leaves_the_later_ones_untouched_and_says_what_is_where():
    cluster = Cluster(["auth", "user", "wallet"])
    cluster.bad[image("user", "1.1.0")] = crashing()
    with pytest.raises(ReleaseError) as caught:
        rolled_out(
            cluster,
            [*workloads("auth"), {**workloads("user")[0], "wave": 2}, {**workloads("wallet")[0], "wave": 3}],
        )
    assert "now: auth on 1.1.0; user between 1.0.0 and 1.1.0 (2 available); wallet untouched" in str(
        caught.value
    )
    assert cluster.images() == {"auth": "1.1.0", "user": "1.1.0", "wallet": "1.0.0"}


def test_what_others_wrote_during_an_earlier_wave_is_the_baseline_of_a_later_one():
    cluster = Cluster(["auth", "user"])
    theirs = {
        "metadata": {},
        "spec": {"template": {"spec": {"containers": [{"name": "user", "image": image("user", "1.0.5")}]}}},
    }
    cluster.between.append(
        lambda there: there.patch("/apis/apps/v1/namespaces/exchange/deployments/user", theirs)
    )
    rolled_out(cluster, [*workloads("auth"), {**workloads("user")[0], "wave": 2}])
    assert json.loads(cluster.deployments["user"]["metadata"]["annotations"][BASELINE])["images"] == {
        "user": image("user", "1.0.5")
    }


def test_what_somebody_writes_at_the_very_moment_of_our_patch_is_in_the_baseline():
    cluster = Cluster(["auth"])
    given, _lines = context(cluster, {"release": "1.1.0", "workloads": workloads("auth")})
    patch, theirs = (
        cluster.patch,
        {
            "metadata": {},
            "spec": {
                "template": {"spec": {"containers": [{"name": "auth", "image": image("auth", "1.0.5")}]}}
            },
        },
    )

    def late(path, body, content_type="application/strategic-merge-patch+json"):
        cluster.patch = patch
        cluster.patch(path, theirs)
        return cluster.patch(path, body)

    cluster.patch = late
    rollout.run(cluster, given)
    kept = json.loads(cluster.deployments["auth"]["metadata"]["annotations"][BASELINE])
    assert cluster.images() == {"auth": "1.1.0"} and kept["images"] == {"auth": image("auth", "1.0.5")}


def test_no_more_than_parallel_roll_at_the_same_time():
    cluster = Cluster(["auth", "kyc", "user"])
    given, lines = context(
        cluster, {"release": "1.1.0", "workloads": workloads("auth", "kyc", "user"), "parallel": 1}
    )
    rollout.run(cluster, given)
    order = [line.split(":")[0] for line in lines if " -> " in line or "settled" in line]
    assert order == ["auth", "auth", "kyc", "kyc", "user", "user"]


def test_a_workload_has_a_timeout_of_its_own_from_its_own_patch_on():
    cluster = Cluster(["auth", "wallet"])
    cluster.bad[image("wallet", "1.1.0")] = {"ready": False, "restartCount": 0, "state": {"running": {}}}
    with pytest.raises(ReleaseError, match="wallet did not settle within 7 s") as caught:
        rolled_out(cluster, [*workloads("auth"), {**workloads("wallet")[0], "timeout": 7}])
    assert cluster.seconds < 12 and "now: auth on 1.1.0" in str(caught.value)


def test_environment_and_resources_roll_with_the_release_and_are_in_its_baseline():
    cluster = Cluster(["auth"])
    result, lines = rolled_out(
        cluster,
        [workload("auth", env={"auth": {"MODE": "new"}}, resources={"auth": {"limits": {"cpu": "1"}}})],
    )
    kept = json.loads(cluster.deployments["auth"]["metadata"]["annotations"][BASELINE])
    assert (kept["env"], kept["resources"]) == ({"auth": {"MODE": None}}, {"auth": {"limits": {"cpu": None}}})
    assert kept["images"] == {"auth": image("auth", "1.0.0")} and "replicas" not in kept
    assert lines[0] == "auth: env MODE set, limits cpu none -> 1" and result.after["auth"]["env"] == {
        "auth": {"MODE": {"value": "new"}}
    }


def test_a_second_run_changes_and_writes_nothing():
    cluster = Cluster(["auth"])
    rolled_out(cluster, workloads("auth"))
    cluster.requests.clear()
    result, lines = rolled_out(cluster, workloads("auth"))
    assert (result.changed, cluster.requests, lines) == (False, [("GET", cluster.requests[0][1])], [])


def test_check_mode_tells_the_plan_and_writes_nothing():
    cluster = Cluster(["auth"])
    result, lines = rolled_out(cluster, workloads("auth"), check_mode=True)
    assert result.changed and cluster.writes == [] and lines == ["would change auth: 1.0.0 -> 1.1.0"]


def test_a_run_after_an_interruption_keeps_the_first_baseline_and_waits_for_what_is_under_way():
    cluster = Cluster(["auth"])
    change = Planner("1.1.0", 300).changes(workloads("auth"), cluster.deployments)[0]
    cluster.patch(
        f"/apis/apps/v1/namespaces/exchange/deployments/{change.name}", change.patch
    )  # and then the controller died
    result, _lines = rolled_out(cluster, [{**workloads("auth")[0], "replicas": 4}])
    kept = json.loads(cluster.deployments["auth"]["metadata"]["annotations"][BASELINE])
    assert kept["images"] == {"auth": image("auth", "1.0.0")} and kept["replicas"] == 2
    assert result.values["workloads"][0]["seconds"] > 0


def test_a_crash_loop_is_given_up_at_once_with_pod_container_code_and_last_log_line():
    cluster = Cluster(["wallet", "kyc"])
    cluster.bad[image("wallet", "1.1.0")] = crashing(3)
    cluster.logs["wallet-1.1.0-x"] = "starting\nfatal: cannot log in with s3cr3t-of-wallet"
    with pytest.raises(ReleaseError) as caught:
        rolled_out(cluster, workloads("wallet", "kyc"))
    text = str(caught.value)
    assert (
        "wallet: pod wallet-1.1.0-x, container wallet: CrashLoopBackOff, exit code 3, restarted 1 time"
        in text
    )
    assert "fatal: cannot log in with ********" in text and "s3cr3t" not in text
    assert "Next: kubectl -n exchange logs wallet-1.1.0-x -c wallet" in text
    assert cluster.seconds < 5
    assert caught.value.details["failures"][0]["exit_code"] == 3
    assert entries(cluster)[-1]["failed"].startswith("wallet will not become ready")


def test_a_crash_loop_of_the_old_version_is_not_held_against_the_new_one():
    cluster = Cluster(["wallet"])
    cluster.bad[image("wallet", "1.0.0")] = crashing()
    cluster._pod("wallet", "wallet-1.0.0", image("wallet", "1.0.0"))
    result, _lines = rolled_out(cluster, workloads("wallet"))
    assert result.changed and cluster.images() == {"wallet": "1.1.0"}


def test_what_never_becomes_ready_ends_with_the_timeout_and_says_how_far_it_was():
    cluster = Cluster(["wallet"])
    cluster.bad[image("wallet", "1.1.0")] = {"ready": False, "restartCount": 0, "state": {"running": {}}}
    with pytest.raises(ReleaseError, match="wallet did not settle within 30 s") as caught:
        rolled_out(cluster, workloads("wallet"))
    assert "wallet: 1 of 2 updated, 2 available, 2 old still running" in str(caught.value)


def test_somebody_elses_rollout_in_between_is_noticed_and_named():
    cluster = Cluster(["wallet"])
    path = "/apis/apps/v1/namespaces/exchange/deployments/wallet"
    theirs = {
        "metadata": {},
        "spec": {
            "template": {"spec": {"containers": [{"name": "wallet", "image": image("wallet", "9.9.9")}]}}
        },
    }
    cluster.between.append(lambda there: there.patch(path, theirs))
    with pytest.raises(Conflict, match="Somebody else changed Deployment wallet") as caught:
        rolled_out(cluster, workloads("wallet"))
    assert "9.9.9" in str(caught.value)


def test_a_timeout_shorter_than_min_ready_seconds_and_an_update_by_hand_are_refused():
    cluster = Cluster(["auth"])
    cluster.deployments["auth"]["spec"].update(minReadySeconds=60, updateStrategy={"type": "OnDelete"})
    with pytest.raises(InputError) as caught:
        rolled_out(cluster, workloads("auth"))
    assert "Deployment auth cannot become available within the timeout of 30 s: minReadySeconds is 60" in str(
        caught.value
    )
    assert (
        "Deployment auth replaces pods only when they are deleted (its updateStrategy is OnDelete); allowed: RollingUpdate"
        in str(caught.value)
    )


@pytest.mark.parametrize(
    ("wave", "said"),
    [
        (workloads("wallett"), "no Deployment named wallett (did you mean wallet?); there are: auth, wallet"),
        (
            [workload("auth", images={"app": "x:1"})],
            "Deployment auth has no container named app; it has: auth",
        ),
        (workloads("auth", "auth"), "workload auth is listed 2 times"),
        ([workload("auth", env={"app": {}})], "Deployment auth has no container named app; it has: auth"),
        ([workload("auth", kind="StatefulSet", images={})], "no StatefulSet named auth; there are: none"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_change(wave, said):
    cluster = Cluster(["auth", "wallet"])
    with pytest.raises(InputError) as caught:
        rolled_out(cluster, wave + workloads("nobody"))
    assert said in str(caught.value) and "nobody" in str(caught.value)
    assert cluster.writes == []


def test_what_only_somebody_else_can_mend_is_given_a_while_and_no_more():
    cluster = Cluster(["wallet"])
    waiting = {
        "state": {"waiting": {"reason": "ImagePullBackOff", "message": "dial tcp: connection refused"}},
        "ready": False,
        "restartCount": 0,
    }
    cluster.bad[image("wallet", "1.1.0")] = waiting
    with pytest.raises(ReleaseError, match="wallet made no progress for 10 s") as caught:
        rolled_out(cluster, workloads("wallet"))
    assert "ImagePullBackOff" in str(caught.value) and cluster.seconds < 20


def test_an_old_pod_that_does_not_go_is_told_where_a_new_one_waits_for_it():
    cluster = Cluster(["wallet"])
    cluster.deployments["wallet"]["spec"]["strategy"] = {"type": "Recreate"}
    cluster.bad[image("wallet", "1.1.0")] = {"ready": True, "restartCount": 0, "state": {"running": {}}}
    old = cluster._pod("wallet", "wallet-1.0.0", image("wallet", "1.0.0"))
    old["metadata"].update(deletionTimestamp="2026-01-01T00:00:05Z", deletionGracePeriodSeconds=5)
    old["spec"]["nodeName"] = "worker-3"
    with pytest.raises(ReleaseError, match="wallet made no progress for 10 s") as caught:
        rolled_out(cluster, workloads("wallet"))
    assert (
        "wallet: pod wallet-1.0.0-x: deleted and still there" in str(caught.value)
        and 15 < cluster.seconds < 25
    )
    assert caught.value.details["changed"]


def test_what_is_half_way_is_not_called_between_one_version_and_the_same():
    cluster = Cluster(["auth", "kyc", "wallet"])
    cluster.bad[image("wallet", "1.0.0")] = crashing()
    with pytest.raises(ReleaseError) as caught:
        rolled_out(
            cluster,
            [
                workload(name, env={name: {"A": "b"}}, wave=wave)
                for wave, name in enumerate(("auth", "wallet", "kyc"))
            ],
        )
    assert "now: auth on its new settings; wallet half-way (2 available); kyc untouched" in str(caught.value)


def test_a_deployment_that_is_paused_is_refused_before_anything_changes():
    cluster = Cluster(["auth", "wallet"])
    cluster.deployments["auth"]["spec"]["paused"] = True
    with pytest.raises(InputError) as caught:
        rolled_out(cluster, workloads("wallet", "auth"))
    assert (
        "Deployment auth is paused. Resume it first: kubectl -n exchange rollout resume deployment auth"
        in str(caught.value)
    )
    assert cluster.writes == []


def test_a_deployment_that_somebody_pauses_meanwhile_is_given_a_while_and_the_command_to_resume_it():
    cluster = Cluster(["auth"])
    cluster.bad[image("auth", "1.1.0")] = {"ready": False, "restartCount": 0, "state": {"running": {}}}
    cluster.between += [
        lambda there: None,
        lambda there: there._touch(there.deployments["auth"])["spec"].update(paused=True),
    ]
    with pytest.raises(ReleaseError, match="auth made no progress for 10 s") as caught:
        rolled_out(cluster, workloads("auth"))
    assert "auth: paused: nothing rolls out until it is resumed" in str(caught.value)
    assert caught.value.then == "kubectl -n exchange rollout resume deployment auth"


def test_a_quota_that_lets_no_pod_be_made_is_given_a_while_and_told():
    cluster = Cluster(["wallet"])
    cluster.bad[image("wallet", "1.1.0")] = {"ready": True, "restartCount": 0, "state": {"running": {}}}
    refused = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota: pods",
    }
    cluster.between += [lambda there: None] * 2
    cluster.between.append(
        lambda there: there._touch(there.deployments["wallet"], generation=False)["status"].update(
            conditions=[refused]
        )
    )
    control = cluster._control
    cluster._control = lambda name: (
        control(name)
        or ([Event(DEPLOYMENTS, "MODIFIED", cluster.deployments[name])] if cluster.seconds >= 3 else [])
    )
    with pytest.raises(ReleaseError, match="wallet made no progress for 10 s") as caught:
        rolled_out(cluster, workloads("wallet"))
    assert "exceeded quota: pods" in str(caught.value)


def test_a_service_that_breaks_while_a_later_wave_rolls_out_ends_the_release():
    cluster = Cluster(["auth", "wallet"])
    cluster.bad[image("wallet", "1.1.0")] = {"ready": False, "restartCount": 0, "state": {"running": {}}}

    def crash(there):
        there.pods["uid-auth-1.1.0-x"]["status"]["containerStatuses"][0].update(crashing())

    cluster.between += [lambda there: None] * 4 + [crash] * 3
    control = cluster._control
    cluster._control = lambda name: (
        control(name) + [Event(PODS, "MODIFIED", pod) for pod in cluster.pods.values()]
    )
    with pytest.raises(ReleaseError, match="auth broke after it had settled") as caught:
        rolled_out(cluster, [*workloads("auth"), {**workloads("wallet")[0], "wave": 2}])
    assert (
        "auth: pod auth-1.1.0-x, container auth: CrashLoopBackOff" in str(caught.value)
        and cluster.seconds < 15
    )

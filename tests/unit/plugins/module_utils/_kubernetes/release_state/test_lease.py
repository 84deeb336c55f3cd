# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common import owner
from ansible_collections.runbook.release.plugins.module_utils._common.errors import (
    Conflict,
    ReleaseError,
    Unavailable,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.release_state.lease import (
    NAME,
    SECONDS,
    TAKEN_FROM,
    Lease,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout import rollback, rollout
from ansible_collections.runbook.release.plugins.module_utils._release import lock_operations as operations
from ansible_collections.runbook.release.plugins.module_utils._release.lock import LockLost

from ..cluster import Cluster, context, image, workload

ELSEWHERE = "deploy@runner-3 pid 77 since 1"


@pytest.fixture
def cluster():
    return Cluster(["auth"])


def lock(cluster, owner=None, release="1.1.0"):
    made = Lease(cluster, "exchange", release, context(cluster, {})[0])
    made.me = owner or made.me
    return made


def spec(cluster):
    return cluster.leases[NAME]["spec"]


def released(cluster, force=False):
    params = {
        "release": "1.1.0",
        "workloads": [workload("auth", images={"auth": image("auth", "1.1.0")})],
        "lock_force": force,
    }
    return rollout.run(cluster, context(cluster, params)[0])


def test_a_free_lock_is_taken_renewed_and_given_back(cluster):
    mine = lock(cluster)
    assert mine.take() == "" and mine.current_holder().by == mine.me
    first = spec(cluster)["renewTime"]
    mine.take()
    assert spec(cluster)["renewTime"] > first and spec(cluster)["leaseTransitions"] == 0
    assert mine.give_back() and mine.current_holder() is None and not mine.give_back()
    lock(cluster, ELSEWHERE).take()
    assert spec(cluster)["leaseTransitions"] == 1


def test_a_lock_that_another_run_holds_is_refused_with_holder_release_and_time_left(cluster):
    lock(cluster, ELSEWHERE, "2.0.0").take()
    with pytest.raises(
        ReleaseError, match="Another release is under way in namespace exchange; nothing was changed"
    ) as caught:
        released(cluster)
    assert f"held by {ELSEWHERE}, for release 2.0.0" in str(caught.value) and "it lasts 60 s more" in str(
        caught.value
    )
    assert cluster.images() == {"auth": "1.0.0"} and cluster.config_maps == {}


def test_after_it_has_expired_it_is_taken_over_and_the_old_holder_is_kept(cluster):
    lock(cluster, ELSEWHERE).take()
    cluster.seconds += SECONDS + 1
    assert lock(cluster).take() == f"{ELSEWHERE}, for release 1.1.0 (it had ended)"
    assert cluster.leases[NAME]["metadata"]["annotations"][TAKEN_FROM].startswith(
        f"{ELSEWHERE}, for release 1.1.0 (it had ended) at 20"
    )


def test_by_force_it_is_taken_from_a_run_that_is_alive_and_that_run_stops_before_its_next_write(cluster):
    theirs = lock(cluster, ELSEWHERE)
    theirs.take()
    assert "(forced)" in lock(cluster).take(force=True)
    with pytest.raises(LockLost, match="was lost; nothing more was written"):
        theirs.confirm()


def test_a_run_suspended_before_it_has_read_that_it_holds_the_lock_asks_again(cluster):
    theirs = lock(cluster, ELSEWHERE)
    theirs.take()
    cluster.seconds += 5
    sent = cluster.put

    def suspended(path, body):
        cluster.put = sent
        answer = sent(path, body)
        lock(cluster).take(force=True)
        cluster.seconds += 5
        return answer

    cluster.put = suspended
    with pytest.raises(LockLost):
        theirs.assert_held()


def test_an_api_server_slower_than_the_age_allowed_does_not_hold_a_write_up_for_ever(cluster):
    mine = lock(cluster)
    mine.take()
    sent = cluster.put

    def slow(path, body):
        cluster.seconds += 2
        return sent(path, body)

    cluster.put = slow
    cluster.seconds += 5
    mine.assert_held()
    assert mine.current_holder().by == mine.me


def test_an_owner_on_this_machine_that_has_ended_needs_no_waiting_for(cluster):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        name = owner.identity(other.pid)
        lock(cluster, name).take()
        assert lock(cluster).current_holder().by == name and not owner.is_dead(name)
        other.communicate(b"\n")
    assert owner.is_dead(name) and lock(cluster).current_holder() is None
    assert lock(cluster).take()


def test_an_owner_elsewhere_or_without_a_process_is_never_known_to_be_dead():
    assert not owner.is_dead(ELSEWHERE) and not owner.is_dead(owner.identity(None))
    assert not owner.is_dead(owner.identity(os.getpid()))


def test_two_that_take_it_at_the_same_moment_do_not_both_get_it(cluster):
    mine, lease = lock(cluster), None
    mine.take()
    mine.give_back()
    lease = mine._read()
    lock(cluster, ELSEWHERE).take()
    with pytest.raises(LockLost, match="at the same moment"):
        mine._write(lease, "", fresh=True)
    assert spec(cluster)["holderIdentity"] == ELSEWHERE


def test_a_renewal_whose_answer_was_lost_is_recognised(cluster):
    mine = lock(cluster)
    mine.take()
    sent = cluster.put

    def twice(path, body):
        sent(path, body)
        return sent(path, body)

    cluster.put = twice
    mine.confirm()
    assert mine.current_holder().by == mine.me


def test_while_waiting_it_is_renewed_after_a_third_of_its_time(cluster):
    mine = lock(cluster)
    mine.take()
    before = len(cluster.requests)
    mine.renew_if_due()
    assert len(cluster.requests) == before
    cluster.seconds += SECONDS / 3 + 1
    mine.renew_if_due()
    assert len(cluster.requests) == before + 2


def test_an_api_server_that_is_away_does_not_cost_the_lock_before_its_time(cluster):
    mine = lock(cluster)
    mine.take()

    def away(path):
        raise Unavailable("The API server does not answer.")

    cluster.get = away
    cluster.seconds += SECONDS - 5
    mine.renew_if_due()
    cluster.seconds += 10
    with pytest.raises(Unavailable):
        mine.renew_if_due()


def test_a_rollout_whose_lock_is_taken_while_it_waits_stops_and_leaves_the_record_alone(cluster):
    cluster.bad[image("auth", "1.1.0")] = {"ready": False, "restartCount": 0, "state": {"running": {}}}

    def taken(there):
        lock(there, ELSEWHERE).take(force=True)
        there.seconds += SECONDS

    cluster.between.append(taken)
    with pytest.raises(LockLost):
        params = {
            "release": "1.1.0",
            "workloads": [workload("auth", images={"auth": image("auth", "1.1.0")})],
            "timeout": 300,
        }
        rollout.run(cluster, context(cluster, params)[0])
    assert [key for key in cluster.config_maps["release-1.1.0"]["data"] if key.endswith("-ended")] == []


def test_a_rollback_may_take_the_lock_of_a_live_release_by_force_only(cluster):
    released(cluster)
    lock(cluster, ELSEWHERE).take(force=True)
    params = {
        "release": "1.1.0",
        "workloads": None,
        "reason": "",
        "unfinished_only": False,
        "to_revision": None,
        "to_release": None,
    }
    with pytest.raises(ReleaseError, match="Another release is under way"):
        rollback.run(cluster, context(cluster, params)[0])
    rollback.run(cluster, context(cluster, {**params, "lock_force": True})[0])
    assert cluster.images() == {"auth": "1.0.0"}


def test_a_wave_goes_on_only_with_the_very_lock_that_the_wave_before_took(cluster):
    def wave(token):
        params = {
            "release": "1.1.0",
            "workloads": [workload("auth", wave=2, images={"auth": image("auth", "1.1.0")})],
            "lock_token": token,
        }
        return rollout.run(cluster, context(cluster, params)[0])

    mine = lock(cluster)
    mine.take()
    token = mine.token
    mine.give_back()  # as another run does that has rolled the release back, and ended
    lock(cluster, ELSEWHERE).take()
    lock(cluster, ELSEWHERE).give_back()
    with pytest.raises(LockLost, match="another run took it in the meantime"):
        wave(token)
    assert cluster.images() == {"auth": "1.0.0"}
    mine.take()
    assert wave(mine.token).values["lock_token"] == mine.token != token


def test_a_converged_run_takes_no_lock(cluster):
    released(cluster)
    lock(cluster).give_back()
    cluster.requests.clear()
    released(cluster)
    assert cluster.writes == [] and lock(cluster).current_holder() is None


def by_hand(cluster, state="present", force=False, check_mode=False, own_only=False):
    params = {"release": "certificates", "state": state, "force": force, "own_only": own_only}
    given, _lines = context(cluster, params, check_mode)
    return operations.run(Lease(cluster, "exchange", given.params["release"], given), given)


def test_by_hand_a_second_taking_changes_nothing_and_check_mode_writes_nothing(cluster):
    assert by_hand(cluster, check_mode=True).changed and cluster.leases == {}
    assert by_hand(cluster).changed and not by_hand(cluster).changed
    assert by_hand(cluster, "absent").changed and not by_hand(cluster, "absent").changed
    assert operations.run_info(lock(cluster), context(cluster, {})[0]).values == {
        "mine": False,
        "held": False,
        "holder": "",
        "release": "",
        "seconds_left": 0,
    }


def test_by_hand_another_runs_lock_goes_by_force_only(cluster):
    lock(cluster, ELSEWHERE).take()
    for state in ("present", "absent"):
        with pytest.raises(ReleaseError, match="Another release is under way"):
            by_hand(cluster, state)
    assert "(forced)" in by_hand(cluster, force=True).values["taken_from"]
    told = operations.run_info(lock(cluster), context(cluster, {})[0]).values
    assert told["mine"] and told["release"] == "certificates" and 58 <= told["seconds_left"] <= 60


def test_a_rollout_that_is_stopped_between_two_patches_of_a_wave_finds_its_lock_taken(cluster):
    """Seen on a real cluster: a process stopped after its first patch sent the
    second one once it went on, after the rollback by who had taken the lock.
    """
    cluster = Cluster(["auth", "user"])
    patch = cluster.patch

    def stopped(path, *given, **more):
        done = patch(path, *given, **more)
        if path.endswith("/deployments/auth"):
            lock(cluster, ELSEWHERE).take(force=True)
            cluster.seconds += 2
        return done

    cluster.patch = stopped
    with pytest.raises(LockLost):
        wanted = [workload(name, images={name: image(name, "1.1.0")}) for name in ("auth", "user")]
        rollout.run(cluster, context(cluster, {"release": "1.1.0", "workloads": wanted})[0])
    assert cluster.images() == {"auth": "1.1.0", "user": "1.0.0"}


def test_a_rollout_that_is_stopped_while_it_waits_for_the_answer_to_its_renewal_has_not_renewed_it_now(
    cluster,
):
    cluster = Cluster(["auth", "user"])
    put = cluster.put
    mine = lock(cluster)
    mine.take()

    def stopped(path, body):
        cluster.put = put
        done = put(path, body)
        lock(cluster, ELSEWHERE).take(force=True)
        cluster.seconds += 10
        return done

    cluster.put = stopped
    with pytest.raises(LockLost):
        wanted = [workload(name, images={name: image(name, "1.1.0")}) for name in ("auth", "user")]
        rollout.run(
            cluster, context(cluster, {"release": "1.1.0", "workloads": wanted, "lock_token": mine.token})[0]
        )
    assert cluster.images() == {"auth": "1.0.0", "user": "1.0.0"}


def test_giving_back_whose_answer_was_lost_is_recognised(cluster, monkeypatch):
    mine, put = lock(cluster), cluster.put
    mine.take()

    def answer_lost(path, body):
        put(path, body)
        raise Conflict("the object has been modified")

    monkeypatch.setattr(cluster, "put", answer_lost)
    assert mine.give_back() and mine.current_holder() is None


def test_a_run_that_has_lost_the_lock_leaves_it_to_the_one_that_holds_it(cluster):
    lock(cluster, ELSEWHERE).take()
    result = by_hand(cluster, state="absent", own_only=True)
    assert not result.changed and result.values["holder"] == ELSEWHERE
    assert spec(cluster)["holderIdentity"] == ELSEWHERE

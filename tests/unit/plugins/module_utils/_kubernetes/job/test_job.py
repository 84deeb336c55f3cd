# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import copy

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import (
    Conflict,
    InputError,
    ReleaseError,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import SYNC, TICK, Event
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.job import job
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.release_state.lease import Lease
from ansible_collections.runbook.release.plugins.module_utils._release.lock import LockLost

from ..cluster import PODS, Cluster, context

JOBS = "/apis/batch/v1/namespaces/exchange/jobs"
NONE = (
    "definition",
    "src",
    "workload",
    "container",
    "command",
    "args",
    "env",
    "env_from",
    "service_account",
    "resources",
    "retries",
    "ttl",
    "release",
)
GIVEN = {
    **dict.fromkeys(NONE),
    "name": "migrate",
    "image": "task:1",
    "lock_token": None,
    "timeout": 30,
    "stuck_after": 10,
    "cleanup": "always",
    "rerun": False,
    "log_lines": 3,
}


class Server(Cluster):
    """Runs a Job by a script of (status of the pod, conditions
    of the Job), one a look; a condition is a type and a reason.
    """

    def __init__(self, *script):
        super().__init__([])
        self.script, self.jobs, self.lines_of, self.dry = list(script), {}, [], []

    def get(self, path):
        if path == JOBS:
            return copy.deepcopy({"metadata": {"resourceVersion": "5"}, "items": list(self.jobs.values())})
        return super().get(path)

    def post(self, path, body, dry_run=False):
        if dry_run:
            self.dry.append(body)
            return body
        if path != JOBS:
            return super().post(path, body)
        self.requests.append(("POST", path))
        if body["metadata"]["name"] in self.jobs:
            raise Conflict("exists")
        made = copy.deepcopy(body)
        made["metadata"]["uid"] = f"uid-{len(self.requests)}"
        self.jobs[body["metadata"]["name"]] = made
        return made

    def delete(self, path, body=None):
        assert body["propagationPolicy"] == "Background"
        self.requests.append(("DELETE", path))
        del self.jobs[path.rsplit("/", 1)[1]]

    def lines(self, path):
        assert path.startswith(f"{PODS}/migrate-x/log?container=task&follow=true&timestamps=true")
        yield from (f"2026-11-21T10:00:0{number}Z {line}" for number, line in enumerate(self.lines_of))

    def follow(self, paths):
        return Watch(self)


class Watch:
    def __init__(self, server):
        self.server = server

    def __enter__(self):
        return self

    def __exit__(self, *details):
        pass

    def __iter__(self):
        yield Event(PODS, SYNC, {"items": []})
        (there,) = self.server.jobs.values()
        while True:
            self.server.seconds += 1
            status, conditions = self.server.script.pop(0) if self.server.script else (None, None)
            if status == "the controller is killed":
                raise KeyboardInterrupt
            if status == "somebody deletes the Job":
                yield Event(JOBS, "DELETED", there)
                continue
            if status is not None:
                owner = {"kind": "Job", "uid": there["metadata"]["uid"], "controller": True}
                spec = {
                    "restartPolicy": "Never",
                    "containers": [
                        {"name": "task", "env": [{"name": "DB_PASSWORD", "value": "s3cr3t-of-db"}]}
                    ],
                }
                yield Event(
                    PODS,
                    "MODIFIED",
                    {
                        "metadata": {"name": "migrate-x", "uid": "p1", "ownerReferences": [owner]},
                        "spec": spec,
                        "status": status,
                    },
                )
            if conditions is not None:
                there["status"] = {
                    "conditions": [
                        {"type": kind, "status": "True", "reason": reason} for kind, reason in conditions
                    ]
                }
                yield Event(JOBS, "MODIFIED", there)
            yield Event("", TICK, {})


def container(state, **more):
    return {"containerStatuses": [{"name": "task", "state": state, **more}]}


RUNS = (container({"running": {}}), None)
WELL = (container({"terminated": {"exitCode": 0}}), [("SuccessCriteriaMet", "CompletionsReached")])
FAILED = (
    {**container({"terminated": {"exitCode": 3, "reason": "Error"}}), "phase": "Failed"},
    [("FailureTarget", "BackoffLimitExceeded")],
)
TOO_LATE = (None, [("FailureTarget", "DeadlineExceeded")])
KILLED, DELETED = ("the controller is killed", None), ("somebody deletes the Job", None)
NO_IMAGE = (container({"waiting": {"reason": "ErrImagePull", "message": "task:1: not found"}}), None)
NO_ROOM = (
    {
        "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
        ]
    },
    None,
)


def ran(server, check_mode=False, **params):
    given, lines = context(server, {**GIVEN, **params}, check_mode)
    return job.run(server, given), lines


def refused(server, **params):
    with pytest.raises(ReleaseError) as caught:
        ran(server, **params)
    return caught.value


def test_a_job_is_waited_for_its_log_shown_and_its_traces_removed():
    server = Server(RUNS, WELL)
    server.lines_of = ["one", "two", "three", "password is s3cr3t-of-db"]
    result, lines = ran(server)
    assert (
        result.changed
        and result.values["exit_code"] == 0
        and result.values["log"] == ["two", "three", "password is ********"]
    )
    assert [line for line in lines if " | " in line] == [
        "migrate | one",
        "migrate | two",
        "migrate | three",
        "migrate | password is ********",
    ]
    assert server.writes == [("POST", "jobs"), ("DELETE", "migrate")] and lines[-1].startswith(
        "migrate: succeeded after"
    )


def test_a_failed_job_fails_with_its_exit_code_its_last_lines_and_what_was_done():
    server = Server(RUNS, FAILED)
    server.lines_of = ["fatal: schema 41"]
    error = refused(server)
    assert "Job migrate failed with exit code 3" in str(
        error
    ) and "last log lines:\n      fatal: schema 41" in str(error)
    assert "were removed (cleanup=on_success keeps them" in error.done and server.jobs == {}
    assert (error.details["changed"], error.details["exit_code"], error.details["log"]) == (
        True,
        3,
        ["fatal: schema 41"],
    )


def test_what_failed_is_kept_to_look_at_where_that_is_wanted():
    server = Server(RUNS, FAILED)
    assert (
        refused(server, cleanup="on_success").then == "kubectl -n exchange logs migrate-x -c task"
        and "migrate" in server.jobs
    )


@pytest.mark.parametrize(
    ("script", "said", "seconds"),
    [
        ([NO_IMAGE], "Job migrate will not start.", 2),
        ([NO_ROOM], "Job migrate did not start within 10 s.", 12),
        ([], "Job migrate did not start within 10 s.", 12),
        ([RUNS], "Job migrate did not end within its timeout of 30 s, nor did its controller end it.", 92),
    ],
)
def test_what_does_not_get_on_is_given_up_at_its_time(script, said, seconds):
    server = Server(*script)
    assert refused(server).what == said and server.seconds < seconds + 1 and server.jobs == {}


def test_a_deadline_is_told_as_the_timeout_that_was_given():
    assert (
        refused(Server(RUNS, TOO_LATE)).what
        == "Job migrate did not end within its timeout of 30 s and was ended."
    )


def test_a_job_of_the_same_content_that_is_at_work_is_taken_up_and_not_begun_again():
    server = Server(RUNS, KILLED)
    with pytest.raises(KeyboardInterrupt):
        ran(server)
    server.requests.clear()
    server.script = [RUNS, WELL]
    result, lines = ran(server)
    assert (
        result.changed
        and server.writes == [("DELETE", "migrate")]
        and "was begun by an earlier run and goes on" in lines[0]
    )


def test_another_job_of_that_name_that_is_at_work_is_left_alone():
    server = Server()
    server.jobs["migrate"] = {
        "metadata": {"name": "migrate", "uid": "theirs"},
        "spec": {},
        "status": {"active": 1},
    }
    error = refused(server)
    assert (
        isinstance(error, Conflict) and "it was not made by this module" in str(error) and server.writes == []
    )


def test_a_kept_success_of_the_same_content_is_the_work_that_was_asked_for():
    server = Server(RUNS, WELL)
    ran(server, cleanup="never")
    server.requests.clear()
    result, _lines = ran(server, cleanup="never")
    assert not result.changed and server.writes == []
    server.script = [RUNS, WELL]
    result, _lines = ran(server, cleanup="never", rerun=True)
    assert result.changed and server.writes == [("DELETE", "migrate"), ("POST", "jobs")]
    server.script = [RUNS, WELL]
    assert ran(server, cleanup="never", args=["other"])[0].changed


def test_check_mode_asks_the_server_and_writes_nothing():
    server = Server()
    result, lines = ran(server, check_mode=True)
    assert (
        result.changed
        and result.after["image"] == "task:1"
        and result.values["state"] == "planned"
        and lines == ["would run migrate"]
    )
    assert server.writes == [] and server.dry[0]["metadata"]["generateName"] == "migrate-"


def test_a_request_that_was_sent_twice_meets_its_own_job():
    server = Server(RUNS, WELL)
    post = server.post

    def lost_answer(path, body, dry_run=False):
        post(path, body)
        return post(path, body)

    server.post = lost_answer
    assert ran(server)[0].changed


def test_a_job_that_somebody_deletes_is_told():
    assert refused(Server(RUNS, DELETED)).what == "Job migrate was deleted while it ran."


def test_a_workload_that_is_not_there_is_named():
    with pytest.raises(
        InputError, match="workload: found cronjob/nightly; in namespace exchange is no CronJob named nightly"
    ):
        server = Server()
        server.get = lambda path: {"metadata": {"resourceVersion": "1"}, "items": []}
        ran(server, workload="cronjob/nightly")


def test_within_a_release_the_lock_has_to_be_the_one_that_was_taken():
    server = Server(RUNS, WELL)
    lock = Lease(server, "exchange", "2.4.0", context(server, {})[0])
    lock.take()
    with pytest.raises(LockLost):
        ran(server, release="2.4.0", lock_token=lock.token + 1)
    assert server.jobs == {}
    assert ran(server, release="2.4.0", lock_token=lock.token)[0].changed

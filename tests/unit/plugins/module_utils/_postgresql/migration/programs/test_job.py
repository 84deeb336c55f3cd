# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import itertools
import json
import typing as t
import urllib.parse

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import (
    Conflict,
    Forbidden,
    NotFound,
    ReleaseError,
)
from ansible_collections.runbook.release.plugins.module_utils._common.options import argument_spec
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import SYNC, TICK, Event
from ansible_collections.runbook.release.plugins.module_utils._postgresql.login import Login
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration import (
    job_options as options,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs import (
    job as program_job,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs import (
    job_spec as spec,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.supervised import (
    ProgramPurpose,
    ProgramResult,
)

from ..migrations import context
from ..migrations import options as engine_options

JOBS, PODS = "/apis/batch/v1/namespaces/exchange/jobs", "/api/v1/namespaces/exchange/pods"
SECRETS, DEPLOYMENTS = "/api/v1/namespaces/exchange/secrets", "/apis/apps/v1/namespaces/exchange/deployments"
GIVEN = {
    **{name: item.get("default") for name, item in argument_spec(options.OPTIONS).items()},
    "namespace": "exchange",
    "src": "/app/db",
    "image": "wallet:2",
}
HERE = Login({"host": "db", "user": "release", "password": "s3cret-s3cret", "dbname": "shop"})
DOING = ProgramPurpose(HERE, "3_limits", "up")
SERVICE = {
    "kind": "Deployment",
    "metadata": {"name": "wallet", "namespace": "exchange"},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "wallet",
                        "image": "wallet:1",
                        "env": [{"name": "PGHOST", "value": "old"}, {"name": "MODE", "value": "x"}],
                    }
                ]
            }
        }
    },
}


class Server:
    """Jobs end as told, one look after they were begun: by
    an exit code, by a reason, or by an error of the watch.
    """

    def __init__(self, *endings: t.Any) -> None:
        self.endings, self.jobs, self.secrets, self.did, self.dry, self.lines_of, self.uids = (
            list(endings),
            dict[str, t.Any](),
            dict[str, t.Any](),
            list[str](),
            list[tuple[str, t.Any]](),
            ["applied 3"],
            itertools.count(1),
        )

    def get(self, path: t.Any) -> t.Any:
        parts = urllib.parse.urlsplit(path)
        query = {key: values[0] for key, values in urllib.parse.parse_qs(parts.query).items()}
        if parts.path == DEPLOYMENTS:
            return {"items": [SERVICE]}
        if parts.path != JOBS:
            return {"items": []}
        found = list(self.jobs.values())
        if name := query.get("fieldSelector"):
            found = [item for item in found if item["metadata"]["name"] == name.partition("=")[2]]
        if label := query.get("labelSelector"):
            found = [
                item
                for item in found
                if item["metadata"]["labels"].get(label.partition("=")[0]) == label.partition("=")[2]
            ]
        return {"metadata": {"resourceVersion": "7"}, "items": copy.deepcopy(found)}

    def post(self, path: t.Any, body: t.Any, dry_run: bool = False) -> t.Any:
        if dry_run:
            self.dry.append((path, body))
            return body
        made = copy.deepcopy(body)
        name = made["metadata"]["name"]
        self.did.append(f"create {name}")
        there = self.jobs if path == JOBS else self.secrets
        if name in there:
            raise Conflict("exists")
        made["metadata"]["uid"] = f"uid-{next(self.uids)}"
        there[name] = made
        return made

    def delete(self, path: t.Any, body: t.Any) -> None:
        name = path.rsplit("/", 1)[1]
        self.did.append(f"delete {name} {body['propagationPolicy']}")
        if name not in self.jobs:
            raise NotFound(name)
        gone = self.jobs.pop(name)
        owned = [
            key
            for key, item in self.secrets.items()
            if item["metadata"]["ownerReferences"][0]["uid"] == gone["metadata"]["uid"]
        ]
        for key in owned:
            del self.secrets[key]

    def follow(self, paths: t.Any) -> t.Any:
        return Watch(self)

    def lines(self, path: t.Any) -> t.Iterator[t.Any]:
        yield from (f"2026-11-21T10:00:0{number}Z {line}" for number, line in enumerate(self.lines_of))

    def text(self, path: t.Any) -> t.Any:
        return ""


class Watch:
    def __init__(self, server: t.Any) -> None:
        self.server = server

    def __enter__(self) -> t.Any:
        return self

    def __exit__(self, *details: t.Any) -> None:
        pass

    def __iter__(self) -> t.Iterator[t.Any]:
        (job,) = self.server.jobs.values()
        ending = self.server.endings.pop(0)
        if isinstance(ending, BaseException):
            raise ending
        owner = {"kind": "Job", "uid": job["metadata"]["uid"], "controller": True}
        code = ending if isinstance(ending, int) else None
        state = {"terminated": {"exitCode": code, "reason": "Error"}} if code is not None else {"running": {}}
        status = {
            "phase": "Failed",
            "containerStatuses": [
                {"name": job["spec"]["template"]["spec"]["containers"][0]["name"], "state": state}
            ],
        }
        pod = {
            "metadata": {"name": "p", "uid": "p", "ownerReferences": [owner]},
            "spec": {"restartPolicy": "Never", "containers": []},
            "status": status,
        }
        yield Event(PODS, SYNC, {"items": [pod]})
        kind, reason = (
            ("Complete", "") if code == 0 else ("Failed", ending if code is None else "BackoffLimitExceeded")
        )
        yield Event(
            JOBS,
            "MODIFIED",
            {**job, "status": {"conditions": [{"type": kind, "status": "True", "reason": reason}]}},
        )
        yield Event("", TICK, {})


def programs(server: t.Any, lines: t.Any = None, **job: t.Any) -> t.Any:
    tokens = itertools.count(1)
    return program_job.JobPrograms(
        server,
        context(lines),
        options.JobOptions.of({**GIVEN, **job}),
        engine_options("/here/db"),
        {},
        lambda: f"run{next(tokens)}",
    )


def ran(
    made: t.Any, arguments: t.Any = ("migrate", "up"), seconds: float = 60.0, **environment: t.Any
) -> t.Any:
    return made.run(
        arguments,
        {"PGHOST": "db", "PGPASSWORD": "s3cret-s3cret", **environment},
        "/here/db/sub",
        seconds,
        DOING,
    )


def test_a_program_runs_in_a_job_that_gets_its_password_from_a_secret_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, lines = Server(0), list[str]()
    kept: dict[str, dict[str, t.Any]] = {}
    delete = server.delete

    def noting(path: t.Any, body: t.Any) -> None:
        kept.update(job=dict(server.jobs), secret=dict(server.secrets))
        delete(path, body)

    monkeypatch.setattr(server, "delete", noting)
    assert ran(programs(server, lines, workload="wallet"), ["migrate", "$(HOME)"]) == ProgramResult(
        0, "applied 3", ""
    )
    ((name, job),), ((secret_name, secret),) = kept["job"].items(), kept["secret"].items()
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert (
        container["image"] == "wallet:2"
        and container["command"] == ["migrate", "$$(HOME)"]
        and container["workingDir"] == "/app/db/sub"
    )
    reference = {"name": "PGHOST", "valueFrom": {"secretKeyRef": {"name": secret_name, "key": "PGHOST"}}}
    assert container["env"][:2] == [
        {"name": "MODE", "value": "x"},
        reference,
    ]  # what the service says of itself gives way
    assert secret["stringData"] == {
        "PGHOST": "db",
        "PGPASSWORD": "s3cret-s3cret",
    } and "s3cret" not in json.dumps(job)
    assert secret["metadata"]["ownerReferences"] == [
        {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
    ]
    assert (job["spec"]["backoffLimit"], job["spec"]["activeDeadlineSeconds"]) == (0, 60)
    assert (
        server.did == [f"create {name}", f"create {secret_name}", f"delete {name} Background"]
        and server.jobs == server.secrets == {}
    )
    assert any("applied 3" in line for line in lines)


def test_an_exit_code_is_the_program_s_and_its_time_is_the_deadline() -> None:
    server = Server(1, "DeadlineExceeded")
    made = programs(server)
    assert ran(made) == ProgramResult(1, "applied 3", "") and ran(made) == ProgramResult(
        None, "applied 3", ""
    )
    assert [one.rsplit(" ", 1)[1] for one in server.did if one.startswith("delete")] == [
        "Background",
        "Foreground",
    ]
    assert ran(made, seconds=0.5) == ProgramResult(None, "", "") and len(server.did) == 6


@pytest.mark.parametrize(
    "ending", [137, "PodFailurePolicy", ReleaseError("Job migrate will not start."), KeyboardInterrupt()]
)
def test_whatever_else_ends_it_leaves_nothing(ending: t.Any) -> None:
    server = Server(ending)
    with pytest.raises(type(ending) if isinstance(ending, BaseException) else ReleaseError) as told:
        ran(programs(server))
    assert server.jobs == server.secrets == {} and server.did[-1].endswith("Foreground")
    assert (
        isinstance(ending, KeyboardInterrupt)
        or "its Secret were removed" in t.cast("ReleaseError", told.value).done
    )


def test_a_refused_secret_takes_the_job_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    post = server.post

    def refusing(path: t.Any, body: t.Any, dry_run: bool = False) -> t.Any:
        if path == SECRETS:
            raise Forbidden("secrets")
        return post(path, body)

    monkeypatch.setattr(server, "post", refusing)
    with pytest.raises(Forbidden):
        ran(programs(server))
    assert server.jobs == {}


def test_an_answer_that_was_lost_is_no_conflict_and_the_job_of_another_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, made = Server(0), programs(Server(0))
    post = server.post

    def lost(path: t.Any, body: t.Any, dry_run: bool = False) -> t.Any:
        post(path, body)
        return post(path, body)

    monkeypatch.setattr(server, "post", lost)
    assert ran(programs(server)).code == 0
    server = Server(0)
    made = programs(server)
    server.jobs[spec.name_of(DOING)] = {"metadata": {"name": spec.name_of(DOING), "uid": "u", "labels": {}}}
    with pytest.raises(Conflict):
        ran(made)
    made.abandon()
    assert list(server.jobs) == [spec.name_of(DOING)]


def left(server: t.Any, **more: t.Any) -> None:
    """Of a run that was killed: its Job."""
    server.endings.insert(0, KeyboardInterrupt())
    made = programs(server)
    made._end = lambda *given, **also: None
    with pytest.raises(KeyboardInterrupt):
        ran(made)
    server.jobs[spec.name_of(DOING)]["metadata"].update(more)


@pytest.mark.parametrize(
    ("ending", "known"),
    [(0, 0), (1, 1), ("DeadlineExceeded", None), (ReleaseError("Job will not start."), None)],
)
def test_the_job_of_a_run_that_is_gone_is_waited_for(ending: t.Any, known: t.Any) -> None:
    server = Server(ending)
    left(server)
    made = programs(server)
    assert made.at_work(HERE) == [spec.name_of(DOING)] and made.at_work(HERE.to("other")) == []
    (found,) = made.recover_abandoned(HERE, 60)
    assert (found.migration, found.direction, found.ended.code) == ("3_limits", "up", known)
    assert server.jobs == server.secrets == {} and made.at_work(HERE) == []


def test_one_that_is_on_its_way_out_is_not_looked_at() -> None:
    server = Server()
    left(server, deletionTimestamp="2026-11-21T10:00:00Z")
    assert [one.ended.code for one in programs(server).recover_abandoned(HERE, 60)] == [None]


def test_the_last_thing_takes_away_what_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    made = programs(server)
    made.abandon()
    assert server.did == []
    seen = []

    def abandoned(*given: t.Any) -> None:
        made.abandon()
        seen.append(list(server.jobs))
        raise KeyboardInterrupt

    monkeypatch.setattr(program_job.JobWaiter, "until_ended", abandoned)
    with pytest.raises(KeyboardInterrupt):
        ran(made)
    assert seen == [[]]


def test_whether_it_could_run_is_asked_without_a_write() -> None:
    server = Server()
    programs(server, workload="wallet").check()
    assert [path for path, _body in server.dry] == [JOBS, SECRETS] and server.did == []
    with pytest.raises(ReleaseError, match="walet"):
        programs(server, workload="walet").check()


def test_paths_and_names_are_those_of_the_pod() -> None:
    made = programs(Server(), login_host="db.internal")
    assert made.path("/here/db") == "/app/db" and made.path("/here/db/migrations") == "/app/db/migrations"
    assert made.login(HERE).parameters["host"] == "db.internal"
    long = ProgramPurpose(
        HERE.to("a_database_with_a_name_that_goes_on_and_on"),
        "20261121093000_and_so_does_the_migration",
        "down",
    )
    names = {
        spec.name_of(one)
        for one in (
            long,
            long._replace(direction="up"),
            DOING,
            DOING._replace(login=HERE.to("sh-op")),
            DOING._replace(login=HERE.to("sh_op")),
        )
    }
    assert (
        len(names) == 5
        and all(len(name) <= 63 for name in names)
        and spec.name_of(DOING).startswith("migrate-shop-3-limits-up-")
    )

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs in a real cluster: what they say, what is left of
them, and what becomes of them when nobody waits any more.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import threading
import time
import typing as t
import urllib.parse
from pathlib import Path

import pytest
import yaml

from tests.integration.support.kubectl import Kubectl
from tests.integration.support.manifests import SECRET, deployment
from tests.integration.support.playbooks.runner import ROOT, signal_all
from tests.integration.support.playbooks.tasks import Task, Tasks


def job(**options: t.Any) -> Task:
    return {"runbook.release.kube_job": {"name": "migrate", **options}}


def test_a_migration_in_the_image_and_environment_of_its_service_is_seen_live_and_leaves_nothing(
    tasks: Tasks, space: Kubectl, task_image: str
) -> None:
    space.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "ledger"},
            "stringData": {"SCHEMA": "from-the-secret"},
        },
        deployment(
            "wallet",
            "registry.test/not-there:1",
            env=[{"name": "DB_PASSWORD", "value": SECRET}],
            livenessProbe={"tcpSocket": {"port": 1}},
        ),
    )
    steps = ["/exchange", "env:DB_PASSWORD", "env:DB_SCHEMA", "env:MODE", "lines:30:100", "err:done"]
    options = {
        "release": "2.4.0",
        "workload": "wallet",
        "image": task_image,
        "command": steps,
        "env": {"MODE": "expand"},
    }
    running = tasks.start(job(**options, env_from=[{"secret": "ledger", "prefix": "DB_"}]))
    seen = {line.split("| ")[-1].strip(): time.monotonic() for line in t.cast("t.IO[str]", running.stderr)}
    assert running.wait(60) == 0
    assert [line for line in seen if line.startswith("line ")] == [
        f"line {number}" for number in range(1, 31)
    ]
    assert 1.0 < seen["line 30"] - seen["line 1"] < 6.0  # it took three seconds to be said
    result = json.loads((tasks.folder / "result-0.json").read_text())
    assert (result["changed"], result["exit_code"], result["job"], result["log"][-1]) == (
        True,
        0,
        "migrate-2-4-0",
        "done",
    )
    assert {"DB_PASSWORD=********", "DB_SCHEMA=from-the-secret", "MODE=expand"} <= set(seen)
    assert SECRET not in json.dumps(result) + "".join(seen)
    assert space.items("jobs") == []


def test_a_failed_job_fails_with_its_cause_and_is_kept_where_that_is_wanted(
    tasks: Tasks, space: Kubectl, task_image: str
) -> None:
    failing = {
        "image": task_image,
        "args": ["out:begin", f"out:log in with {SECRET}", "err:fatal: schema 41", "exit:3"],
        "env": {"DB_PASSWORD": SECRET},
    }
    ran = tasks.run(
        job(**failing),
        job(**failing, cleanup="on_success"),
        job(image=task_image, args=["out:now it works"], cleanup="on_success"),
    )
    first, kept, then = ran.results
    assert (
        first["failed"]
        and first["changed"]
        and first["exit_code"] == 3
        and first["failures"][0]["container"] == "task"
    )
    assert (
        "Job migrate failed with exit code 3" in first["msg"]
        and "log in with ********" in first["msg"]
        and "fatal: schema 41" in first["msg"]
    )
    assert "were removed (cleanup=on_success keeps them" in first["msg"]
    assert re.search(rf"Next: kubectl -n {space.namespace} logs migrate-\w+ -c task", kept["msg"])
    # The kept one did something else, and had ended: it made room.
    assert then["exit_code"] == 0 and then["log"] == ["now it works"] and space.items("jobs") == []
    assert SECRET not in ran.full_output


def test_what_cannot_start_is_given_up_as_soon_as_that_is_known(
    tasks: Tasks, space: Kubectl, task_image: str
) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small"},
        "spec": {"hard": {"requests.cpu": "1"}},
    }
    big = {"requests": {"cpu": "500"}}
    volume = {"name": "settings", "configMap": {"name": "of-nobody"}}
    mounting = {
        "containers": [
            {"name": "a", "image": task_image, "volumeMounts": [{"name": "settings", "mountPath": "/x"}]}
        ],
        "volumes": [volume],
    }
    ran = tasks.run(
        job(image=task_image.replace(":1.0.0", ":9.9.9")),
        job(image=task_image, env_from=[{"secret": "of-nobody"}]),
        job(image=task_image, resources=big, stuck_after=3),
        job(definition={"kind": "Job", "spec": {"template": {"spec": mounting}}}, stuck_after=3),
    )
    no_image, no_secret, no_room, no_volume = (result["msg"] for result in ran.results)
    assert "Job migrate will not start." in no_image and "task:9.9.9: not found" in no_image
    assert "Job migrate will not start." in no_secret and 'secret "of-nobody" not found' in no_secret
    assert (
        "did not start within 3 s" in no_room
        and "Insufficient cpu" in no_room
        and "task requests cpu 500" in no_room
    )
    assert "did not start within 3 s" in no_volume and 'configmap "of-nobody" not found' in no_volume
    assert space.items("jobs") == []
    space.apply(quota)
    refused = tasks.run(job(image=task_image, resources=big, stuck_after=3)).results[0]["msg"]
    assert "it has no pod yet" in refused and "exceeded quota: small, requested: requests.cpu=500" in refused


def test_a_job_that_takes_too_long_is_ended_by_the_cluster(
    tasks: Tasks, space: Kubectl, task_image: str
) -> None:
    result = tasks.run(job(image=task_image, args=["out:begin", "sleep:60000"], timeout=3)).results[0]
    assert "did not end within its timeout of 3 s and was ended" in result["msg"] and result["log"] == [
        "begin"
    ]
    space("wait", "--for=delete", "pods", "--all", "--timeout=40s")


def test_a_run_after_a_kill_takes_up_the_job_that_is_at_work(
    tasks: Tasks, space: Kubectl, task_image: str
) -> None:
    # Long enough for the run that is refused, beside another sandbox that is being started.
    options = {
        "release": "2.4.0",
        "image": task_image,
        "args": ["out:schema 41 -> 42", "sleep:15000", "out:done"],
    }
    killed = tasks.start(job(**options))
    next(line for line in t.cast("t.IO[str]", killed.stderr) if "schema 41" in line)
    signal_all(killed, signal.SIGKILL)
    killed.communicate(timeout=30)
    (before,) = space.items("pods")
    other = tasks.run(job(**{**options, "args": ["out:something else"]})).results[0]
    assert (
        "A Job named migrate-2-4-0 runs already, and does something else; nothing was changed."
        in other["msg"]
    )
    ran = tasks.run(job(**options, cleanup="never"))
    assert ran.results[0]["pod"] == before["metadata"]["name"] and ran.results[0]["log"] == [
        "schema 41 -> 42",
        "done",
    ]
    assert "was begun by an earlier run and goes on" in ran.err
    again, anew = tasks.run(job(**options, cleanup="never"), job(**options, rerun=True)).results
    assert not again["changed"] and anew["changed"] and anew["pod"] != before["metadata"]["name"]


def test_check_mode_asks_the_server_and_writes_nothing(tasks: Tasks, space: Kubectl, task_image: str) -> None:
    ran = tasks.run(
        job(image=task_image, env={"DB_PASSWORD": SECRET}),
        job(image=task_image, resources={"limits": {"memory": "much"}}),
        more=["--check", "--diff"],
    )
    good, bad = ran.results
    assert (
        good["changed"]
        and good["state"] == "planned"
        and "would run migrate" in ran.err
        and task_image in ran.out
    )
    assert bad["failed"] and "quantities must match" in bad["msg"]
    assert space.items("jobs") == [] and space.items("pods") == [] and SECRET not in ran.full_output


def test_a_cron_job_and_a_file_can_be_run_at_once(
    tasks: Tasks, space: Kubectl, task_image: str, tmp_path: Path
) -> None:
    spec = {
        "backoffLimit": 1,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "n", "image": task_image, "args": ["out:nightly", "exit:1"]}],
            }
        },
    }
    space.apply(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "nightly"},
            "spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": spec}},
        }
    )
    (tmp_path / "job.yml").write_text(
        yaml.safe_dump({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": spec})
    )
    cron, file, wrong = tasks.run(
        job(workload="cronjob/nightly", args=["out:by hand"], retries=0),
        job(src=str(tmp_path / "job.yml")),
        job(src=str(tmp_path / "nowhere.yml")),
    ).results
    assert cron["log"] == ["by hand"]
    assert file["tries"] == 2 and "in each of 2 tries" in file["msg"]  # the file's own backoffLimit
    assert f"src: found {tmp_path}/nowhere.yml, which cannot be read" in wrong["msg"]


def test_the_log_goes_through_a_network_that_cuts_every_connection(
    tasks: Tasks, sandbox: t.Any, task_image: str, cutting: Path
) -> None:
    steps = ["lines:300:20", "out:end"]
    result = tasks.run(
        {
            "runbook.release.kube_job": {
                "name": "migrate",
                "image": task_image,
                "args": steps,
                "kubeconfig": str(cutting),
                "log_lines": 400,
            }
        }
    )
    assert result.results[0]["log"] == [*(f"line {number}" for number in range(1, 301)), "end"], result.err


def test_as_an_ordinary_module_it_does_the_same(tasks: Tasks, space: Kubectl, task_image: str) -> None:
    su: dict[str, t.Any] = {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"}
    good, bad = tasks.run(
        job(image=task_image, args=["out:done"]), job(image=task_image, args=["exit:4"]), **su
    ).results
    assert (good["exit_code"], good["log"], bad["exit_code"]) == (0, ["done"], 4) and space.items(
        "jobs"
    ) == []


def test_the_documented_roles_are_enough(
    tasks: Tasks, space: Kubectl, task_image: str, account: t.Callable[..., Path]
) -> None:
    space.apply(deployment("wallet", task_image))
    space("rollout", "status", "deployment/wallet", "--timeout=60s")
    optional = {
        role["metadata"]["name"]: role
        for role in yaml.safe_load((ROOT / "docs" / "kubernetes_role_optional.yml").read_text())["items"]
    }
    release = yaml.safe_load((ROOT / "docs" / "kubernetes_role.yml").read_text())
    config = str(account(release, optional["runbook-release-jobs"], optional["runbook-release-exec"]))
    asks = {
        "runbook.release.kube_access_info": {"kubeconfig": config, "parts": ["jobs", "exec", "certificates"]}
    }
    enters = {
        "runbook.release.kube_exec": {
            "kubeconfig": config,
            "workload": "wallet",
            "command": ["/exchange", "out:here"],
        }
    }
    runs = {
        "runbook.release.kube_job": {
            "kubeconfig": config,
            "name": "migrate",
            "workload": "wallet",
            "args": ["out:done"],
        }
    }
    fails = {
        "runbook.release.kube_job": {
            "kubeconfig": config,
            "name": "migrate",
            "workload": "wallet",
            "args": ["exit:1"],
        }
    }
    access, entered, ran, failed = tasks.run(asks, enters, runs, fails).results
    assert access["reasons"] == ["list secrets"]
    assert entered["stdout"] == "here" and ran["log"] == ["done"] and failed["exit_code"] == 1


@pytest.fixture
def cutting(sandbox: t.Any, tmp_path: Path) -> t.Iterator[Path]:
    """A kubeconfig whose way to the API server loses every connection after seven tenths of a second."""
    config = yaml.safe_load(sandbox.kubeconfig.read_text())
    server = urllib.parse.urlsplit(config["clusters"][0]["cluster"]["server"])
    listener = socket.create_server(("127.0.0.1", 0))
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{listener.getsockname()[1]}"
    (tmp_path / "cutting.kubeconfig").write_text(yaml.safe_dump(config))

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def cut(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                here, _address = listener.accept()
            except OSError:
                return
            there = socket.create_connection((server.hostname or "", server.port or 443))
            for pair in ((here, there), (there, here)):
                threading.Thread(target=pump, args=pair, daemon=True).start()
            threading.Timer(0.7, cut, (here, there)).start()

    threading.Thread(target=accept, daemon=True).start()
    yield tmp_path / "cutting.kubeconfig"
    listener.close()

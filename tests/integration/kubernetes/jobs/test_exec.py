# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands in real pods."""

from __future__ import annotations

import typing as t

import pytest

from tests.integration.support.kubectl import Kubectl
from tests.integration.support.manifests import SECRET, deployment
from tests.integration.support.playbooks.tasks import Task, Tasks


def run(*steps: str, **options: t.Any) -> Task:
    where = {} if "pod" in options else {"workload": "wallet"}
    return {"runbook.release.kube_exec": {**where, "command": ["/exchange", *steps], **options}}


@pytest.fixture
def wallet(space: Kubectl, task_image: str) -> str:
    """The name of the only pod."""
    space.apply(deployment("wallet", task_image, env=[{"name": "DB_PASSWORD", "value": SECRET}]))
    space("rollout", "status", "deployment/wallet", "--timeout=60s")
    return str(space.items("pods")[0]["metadata"]["name"])


def test_both_outputs_the_input_and_the_exit_code(tasks: Tasks, wallet: str) -> None:
    ran = tasks.run(
        run("out:one", "err:careful", "env:DB_PASSWORD", "lines:3:200"),
        run("cat", stdin="a" * 100000 + "\nfinal words of it"),
        run("out:half", "err:fatal", "exit:7"),
        {**run("exit:7"), "failed_when": "result_3.rc != 7", "changed_when": False},
        run("out:named", pod=wallet, container="wallet"),
    )
    good, read, bad, expected, named = ran.results
    assert (good["rc"], good["stderr"], good["pod"], good["changed"]) == (0, "careful", wallet, True)
    assert (
        good["stdout_lines"] == ["one", "DB_PASSWORD=********", "line 1", "line 2", "line 3"]
        and f"{wallet} | line 2" in ran.err
    )
    assert (
        read["rc"] == 0 and "final words" not in ran.full_output and "a" * 100 not in ran.full_output
    )  # the input may be a secret
    assert (
        bad["failed"]
        and (bad["rc"], bad["stdout"], bad["stderr"]) == (7, "half", "fatal")
        and "ended with exit code 7" in bad["msg"]
    )
    assert not expected["failed"] and not expected["changed"] and named["stdout"] == "named"
    assert SECRET not in ran.full_output


def test_a_command_that_takes_too_long_or_is_not_there(tasks: Tasks, wallet: str) -> None:
    slow, missing, nobody = tasks.run(
        run("out:begin", "sleep:30000", timeout=2),
        {"runbook.release.kube_exec": {"workload": "wallet", "command": ["/bin/sh", "-c", "ls"]}},
        run(workload="statefulset/wallet"),
    ).results
    assert (
        "did not end within 2 s" in slow["msg"]
        and "may go on in the container" in slow["msg"]
        and slow["stdout"] == "begin"
    )
    assert "could not be run" in missing["msg"] and "/bin/sh" in missing["msg"] and missing["rc"] is None
    assert "no StatefulSet named wallet; there are: none" in nobody["msg"]


def test_only_the_newest_version_is_entered_and_its_trouble_is_reported(
    tasks: Tasks, space: Kubectl, wallet: str
) -> None:
    space("set", "image", "deployment/wallet", "wallet=registry.test/wallet:2")
    space("wait", "--for=jsonpath={.status.updatedReplicas}=1", "deployment/wallet", "--timeout=30s")
    refused = tasks.run(run("out:here")).results[0]
    assert (
        "Deployment wallet has no ready pod to run the command in." in refused["msg"]
        and wallet not in refused["msg"]
    )
    assert tasks.run(run("out:here", pod=wallet)).results[0]["stdout"] == "here"


def test_check_mode_runs_nothing_unless_the_task_only_reads(tasks: Tasks, wallet: str) -> None:
    ran = tasks.run(
        run("out:changed it"),
        {**run("out:read it"), "check_mode": False, "changed_when": False},
        more=["--check"],
    )
    skipped, read = ran.results
    assert skipped["skipped"] and "changed it" not in ran.err and read["stdout"] == "read it"

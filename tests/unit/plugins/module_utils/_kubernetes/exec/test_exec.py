# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError, ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import (
    STATUS,
    STDERR,
    STDOUT,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.exec import exec as _exec

from ..cluster import PODS, Cluster, context

SUCCESS = (STATUS, json.dumps({"status": "Success"}))
FAILED = (
    STATUS,
    json.dumps({"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}}),
)


class Api(Cluster):
    """Two ready pods of wallet; a command answers with a script."""

    def __init__(self, *script):
        super().__init__(["wallet"])
        self.script, self.executed = script, []
        for pod in self.pods.values():
            pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]

    def execute(self, path, stdin, seconds):
        self.executed.append((path, stdin))
        for step in self.script:
            if isinstance(step, BaseException):
                raise step
            yield step


def ran(api, check_mode=False, **params):
    given = {
        "command": ["/bin/tool", "a b"],
        "workload": "wallet",
        "pod": None,
        "container": None,
        "stdin": None,
        "timeout": 60,
        **params,
    }
    made, lines = context(api, given, check_mode)
    return _exec.run(api, made), lines


def test_both_outputs_are_kept_apart_and_shown_in_lines_without_the_secrets_of_the_pod():
    api = Api((STDOUT, "one\ntw"), (STDERR, "careful\n"), (STDOUT, "o s3cr3t-of-wallet"), SUCCESS)
    result, lines = ran(api, stdin="input")
    assert result.changed and (result.values["rc"], result.values["stderr"]) == (0, "careful")
    assert result.values["stdout_lines"] == ["one", "two s3cr3t-of-wallet"]  # hidden where it is returned
    assert lines == ["wallet-1.0.0-x | one", "wallet-1.0.0-x | careful", "wallet-1.0.0-x | two ********"]
    path, stdin = api.executed[0]
    assert (
        path
        == f"{PODS}/wallet-1.0.0-x/exec?container=wallet&stdout=1&stderr=1&stdin=1&command=%2Fbin%2Ftool&command=a+b"
        and stdin == "input"
    )


def test_an_exit_code_is_a_failure_with_what_was_said_last():
    with pytest.raises(
        ReleaseError, match="ended with exit code 7 in pod wallet-1.0.0-x, container wallet"
    ) as caught:
        ran(Api((STDOUT, "out\n"), (STDERR, "fatal\n"), FAILED))
    assert "it ran: /bin/tool 'a b'" in str(caught.value) and "its last lines:\n    fatal" in str(
        caught.value
    )
    assert (caught.value.details["rc"], caught.value.details["changed"], caught.value.details["stdout"]) == (
        7,
        True,
        "out",
    )


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ([(STATUS, json.dumps({"status": "Failure", "message": "no such file"}))], "no such file"),
        (
            [(STDOUT, "half")],
            "the connection ended before the command did; it may have run, and may still run",
        ),
    ],
)
def test_a_command_of_which_no_end_is_known_has_no_exit_code(script, said):
    with pytest.raises(ReleaseError, match="could not be run") as caught:
        ran(Api(*script))
    assert said in str(caught.value) and caught.value.details["rc"] is None


def test_a_timeout_says_that_the_command_may_go_on():
    with pytest.raises(ReleaseError, match="did not end within 60 s") as caught:
        ran(Api((STDOUT, "begin"), TimeoutError()))
    assert "may go on in the container" in str(caught.value) and caught.value.details["stdout"] == "begin"


def test_check_mode_skips_as_command_does():
    api = Api()
    result, _lines = ran(api, check_mode=True)
    assert result.changed and result.values["skipped"] and api.executed == []


def test_a_workload_without_a_ready_pod_says_why():
    api = Api()
    pod = next(iter(api.pods.values()))
    pod["status"]["conditions"] = [
        {"type": "Ready", "status": "False", "message": "containers with unready status: [wallet]"}
    ]
    with pytest.raises(ReleaseError, match="Deployment wallet has no ready pod") as caught:
        ran(api)
    assert "pod wallet-1.0.0-x: containers with unready status: [wallet]" in str(caught.value)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"workload": "walet"}, "no Deployment named walet (did you mean wallet?); there are: wallet"),
        (
            {"workload": "pod/wallet"},
            "allowed: the name of a Deployment, or one of deployment/NAME, statefulset/NAME, daemonset/NAME",
        ),
        ({"workload": None, "pod": "wallet-1.0.0"}, "pod: found wallet-1.0.0 (did you mean wallet-1.0.0-x?)"),
        (
            {"container": "walet"},
            "container: found walet; allowed: a container of pod wallet-1.0.0-x, which has: wallet",
        ),
    ],
)
def test_a_wrong_name_is_refused_before_anything_runs(params, said):
    api = Api()
    with pytest.raises(InputError) as caught:
        ran(api, **params)
    assert said in str(caught.value) and api.executed == []

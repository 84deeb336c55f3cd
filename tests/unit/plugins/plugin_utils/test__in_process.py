# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t
from types import SimpleNamespace
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.runbook.release.plugins.module_utils._common.errors import ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Operation, Result
from ansible_collections.runbook.release.plugins.module_utils._common.options import Option
from ansible_collections.runbook.release.plugins.plugin_utils import _in_process


def run(
    operation: t.Any, args: t.Any, transport: str = "local", become: bool = False, check_mode: bool = False
) -> t.Any:
    """The result, and the lines that were displayed."""
    action = type("ActionModule", (_in_process.InProcessAction,), {"operation": operation})(
        task=SimpleNamespace(
            args=args, check_mode=check_mode, async_val=0, environment=None, action="x", diff=False
        ),
        connection=SimpleNamespace(
            transport=transport, become="su" if become else None, _shell=SimpleNamespace(tmpdir="/nowhere")
        ),
        play_context=mock.Mock(),
        loader=mock.Mock(),
        templar=mock.Mock(),
        shared_loader_obj=mock.Mock(),
    )
    lines = []
    with (
        mock.patch.object(_in_process.display, "display", lambda line, stderr: lines.append((line, stderr))),
        mock.patch.object(action, "_execute_module", lambda task_vars: {"ran": "as a module"}),
    ):
        return action.run(task_vars={"inventory_hostname": "production"}), lines


def says(ports: t.Any, context: t.Any) -> t.Any:
    context.say(f"{ports} with {context.params['password']}")
    return Result(
        True,
        {"password": "old"},
        {"password": context.params["password"]},
        {"count": context.params["count"], "said": context.params["password"]},
    )


SAYING = Operation(
    {"password": Option("str", secret=True), "count": Option("int", 2)},
    lambda context: "connected",
    says,
)


def test_lines_go_to_standard_error_with_the_host_and_without_secrets() -> None:
    result, lines = run(SAYING, {"password": "hunter22", "count": "3"})
    assert lines == [("production  connected with ********", True)]
    assert result == {
        "changed": True,
        "diff": {"before": {"password": "********"}, "after": {"password": "********"}},
        "count": 3,
        "said": "********",
    }


@pytest.mark.parametrize("where", [{"transport": "ssh"}, {"become": True}])
def test_elsewhere_and_as_somebody_else_it_runs_as_its_module(where: t.Any) -> None:
    assert run(SAYING, {"password": "hunter22"}, **where) == ({"ran": "as a module"}, [])


def test_programs_are_run_as_a_module_would_run_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*arguments: t.Any) -> t.Any:
        operation = Operation(
            {},
            lambda context: context.command(list(arguments)),
            lambda ports, context: Result(False, values={"ran": ports}),
        )
        return run(operation, {})[0]["ran"]

    assert told("/bin/sh", "-c", "cat; echo out; echo err >&2; exit 3") == [3, "out\n", "err\n"]
    assert told("/not/there")[0] == 1 and "/not/there" in told("/not/there")[2]
    monkeypatch.setattr(_in_process, "_COMMAND_SECONDS", 0.05)
    assert "timed out" in told("/bin/sleep", "5")[2]


def test_wrong_options_are_refused_before_it_connects() -> None:
    with pytest.raises(AnsibleActionFail, match="colour"):
        run(Operation({}, lambda context: pytest.fail("connected"), says), {"colour": "red"})


def test_a_failure_says_what_why_and_what_next_without_secrets() -> None:
    def fails(ports: t.Any, context: t.Any) -> t.NoReturn:
        raise ReleaseError(
            "wallet failed.",
            why=["log in with hunter22"],
            then="kubectl logs wallet",
            failures=[{"log": "hunter22"}],
        )

    result, _lines = run(Operation(SAYING.options, SAYING.connect, fails), {"password": "hunter22"})
    assert result == {
        "failed": True,
        "msg": "wallet failed.\n  log in with ********\nNext: kubectl logs wallet",
        "what": "wallet failed.",
        "why": ["log in with ********"],
        "done": "",
        "next": "kubectl logs wallet",
        "failures": [{"log": "********"}],
    }


def test_check_mode_reaches_the_operation() -> None:
    seen = []
    run(
        Operation({}, lambda context: seen.append(context.check_mode), lambda ports, context: Result(False)),
        {},
        check_mode=True,
    )
    assert seen == [True]

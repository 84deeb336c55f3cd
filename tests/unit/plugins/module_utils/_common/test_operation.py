# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import (
    Context,
    Operation,
    Result,
    perform,
)
from ansible_collections.runbook.release.plugins.module_utils._common.options import Option

OPTIONS = {
    "timeout": Option("int", 300, low=1),
    "attempts": Option("int", low=1),
    "lock_wait_timeout": Option("int", 0, low=0),
    "percent": Option("int", low=1, high=100),
    "drain": Option("dict", fields={"timeout": Option("int", 30, low=1)}),
    "workloads": Option(
        "list", each=Option("dict", fields={"name": Option("str"), "replicas": Option("int", low=0)})
    ),
}


def performed(**params: t.Any) -> t.Any:
    reached: list[Context] = []
    operation = Operation(OPTIONS, reached.append, lambda ports, context: Result(True))
    return reached, lambda: perform(operation, Context(params))


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"timeout": 0}, ["timeout: found 0; allowed: 1 or more"]),
        ({"percent": 101}, ["percent: found 101; allowed: 1 to 100"]),
        ({"drain": {"timeout": -1}}, ["drain.timeout: found -1; allowed: 1 or more"]),
        (
            {"workloads": [{"name": "auth", "replicas": 1}, {"name": "wallet", "replicas": -2}]},
            ["workloads[1] (wallet).replicas: found -2; allowed: 0 or more"],
        ),
        (
            {"timeout": 300, "attempts": 0, "lock_wait_timeout": -1},
            ["attempts: found 0; allowed: 1 or more", "lock_wait_timeout: found -1; allowed: 0 or more"],
        ),
    ],
)
def test_numbers_that_leave_no_time_are_refused_before_anything_is_reached(
    params: t.Any, said: t.Any
) -> None:
    reached, run = performed(**params)
    with pytest.raises(InputError, match="nothing was changed") as caught:
        run()
    assert caught.value.why == said and reached == []


@pytest.mark.parametrize("params", [{"timeout": 1, "attempts": None, "lock_wait_timeout": 0}, {}])
def test_the_least_and_nothing_are_taken(params: t.Any) -> None:
    reached, run = performed(**params)
    assert run()["changed"] and len(reached) == 1

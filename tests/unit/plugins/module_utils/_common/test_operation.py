# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import (
    Context,
    Operation,
    Result,
    perform,
)

OPTIONS = {
    "timeout": {"type": "int", "default": 300},
    "attempts": {"type": "int"},
    "lock_patience": {"type": "int", "default": 0},
}


def performed(**params):
    reached = []
    operation = Operation(OPTIONS, reached.append, lambda ports, context: Result(True))
    return reached, lambda: perform(operation, Context(params))


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"timeout": 0}, ["timeout: found 0; allowed: 1 or more"]),
        ({"compression_level": 0}, ["compression_level: found 0; allowed: 1 or more"]),
        (
            {"timeout": 300, "attempts": 0, "lock_patience": -1},
            ["attempts: found 0; allowed: 1 or more", "lock_patience: found -1; allowed: 0 or more"],
        ),
    ],
)
def test_numbers_that_leave_no_time_are_refused_before_anything_is_reached(params, said):
    reached, run = performed(**params)
    with pytest.raises(InputError, match="nothing was changed") as caught:
        run()
    assert caught.value.why == said and reached == []


@pytest.mark.parametrize("params", [{"timeout": 1, "attempts": None, "lock_patience": 0}, {}])
def test_the_least_and_nothing_are_taken(params):
    reached, run = performed(**params)
    assert run()["changed"] and len(reached) == 1

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._common.options import out_of_bounds
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration import describe
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.plan import Plan
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.run import OPERATION, run

from .migrations import context, migration, observed

ONE, TWO = migration("1_one"), migration("2_two")


def test_wrong_options_are_told_together_before_anything_is_read() -> None:
    with pytest.raises(InputError) as told:
        run(t.cast(t.Any, None), context(rehearse_on="shop"))
    assert told.value.why == [
        "rehearse_on: found 'shop', which is the database itself; allowed: a disposable copy of it",
    ]
    wrong = {"lock_timeout": 0, "statement_timeout": -1, "count": -1}
    assert list(out_of_bounds(OPERATION.options, wrong)) == [
        "count: found -1; allowed: 0 or more",
        "lock_timeout: found 0; allowed: 1 or more",
        "statement_timeout: found -1; allowed: 0 or more",
    ]


@pytest.mark.parametrize(
    ("seen", "plan", "state", "before", "after"),
    [
        (
            observed([ONE, TWO], [ONE]),
            Plan([TWO]),
            "up",
            {"applied": ["1_one"]},
            {"applied": ["1_one", "2_two"]},
        ),
        (
            observed([ONE, TWO], [ONE, TWO]),
            Plan([TWO]),
            "down",
            {"applied": ["1_one", "2_two"]},
            {"applied": ["1_one"]},
        ),
        (
            observed([ONE, TWO], [ONE], **{"1_one": None}),
            Plan([TWO], [ONE]),
            "up",
            {"applied": ["1_one"], "recorded": []},
            {"applied": ["1_one", "2_two"], "recorded": ["1_one"]},
        ),
        (
            observed([ONE], []),
            Plan([ONE]),
            "recorded",
            {"applied": [], "recorded": []},
            {"applied": ["1_one"], "recorded": ["1_one"]},
        ),
    ],
)
def test_the_difference(seen: t.Any, plan: t.Any, state: t.Any, before: t.Any, after: t.Any) -> None:
    assert describe.before_and_after(seen, plan, state) == (before, after)

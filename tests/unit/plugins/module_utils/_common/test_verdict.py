# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.verdict import (
    FAIL,
    NO_DATA,
    PASS,
    Reason,
    Verdict,
)

LATE = Reason("replication", "30 s behind")


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Verdict(), PASS),
        (Verdict([LATE]), FAIL),
        (Verdict([], [Reason("nodes", "may not be listed")]), NO_DATA),
        (Verdict([LATE], [Reason("nodes", "may not be listed")]), FAIL),
    ],
)
def test_what_could_not_be_read_is_never_a_pass(verdict: Verdict, outcome: str) -> None:
    assert verdict.outcome == outcome


def test_what_failed_before_is_known_by_what_it_is_about_whatever_its_figures_were() -> None:
    before = Verdict([Reason("replication", "12 s behind")]).as_result()
    now = Verdict([LATE, Reason("table users", "fell from 1000 to 990")]).as_result(before)
    assert now["reasons"] == ["replication: 30 s behind", "table users: fell from 1000 to 990"]
    assert now["new_reasons"] == ["table users: fell from 1000 to 990"]
    assert "new_reasons" not in before

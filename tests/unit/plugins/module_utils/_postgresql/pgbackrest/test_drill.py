# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest import drill
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest.wal import Segment

SEGMENTS = {Segment(1, number): 0 for number in (1, 2, 5)}


@pytest.mark.parametrize(
    ("lsn", "said"),
    [
        ("0/6000000", []),
        ("0/5000110", []),
        (
            "0/3000000",
            [
                "recovery ended at 0/3000000, the archive goes on to 000000010000000000000005: the WAL between is missing or damaged"
            ],
        ),
    ],
)
def test_a_recovery_that_ends_before_the_archive_does(lsn: t.Any, said: t.Any) -> None:
    assert drill.cut_short(lsn, SEGMENTS, 16777216) == said and drill.cut_short(lsn, {}, 16777216) == []


@pytest.mark.parametrize(("kind", "is_end"), [("default", True), ("name", False), ("immediate", False)])
def test_only_a_recovery_to_the_end_of_the_archive_can_be_cut_short(kind: t.Any, is_end: t.Any) -> None:
    assert drill.Target(kind, None, None).is_end_of_archive is is_end

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest import drill
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest.wal import Segment

SEGMENTS = {Segment(1, number): 0 for number in (1, 2, 5)}


@pytest.mark.parametrize(
    ("lsn", "kind", "said"),
    [
        ("0/6000000", "default", []),
        ("0/5000110", "default", []),
        (
            "0/3000000",
            "default",
            [
                "recovery ended at 0/3000000, the archive goes on to 000000010000000000000005: the WAL between is missing or damaged"
            ],
        ),
        ("0/3000000", "name", []),
    ],
)
def test_a_recovery_that_ends_before_the_archive_does(lsn, kind, said):
    assert drill.cut_short(lsn, SEGMENTS, {"target_type": kind, "wal_segment_bytes": 16777216}) == said

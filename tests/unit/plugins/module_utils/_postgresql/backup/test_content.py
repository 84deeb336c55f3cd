# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup import content

SNAPSHOT = {
    "tables": {"public.orders": {"rows": 3, "hash": "42"}, "public.users": {"rows": 1, "hash": "7"}},
    "objects": {"indexes": 4, "tables": 2},
    "invalid indexes": [],
}


def changed(change: t.Any) -> t.Any:
    found = copy.deepcopy(SNAPSHOT)
    change(found)
    return content.differences(SNAPSHOT, found)


def test_the_same_content_has_no_differences() -> None:
    assert changed(lambda found: None) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda found: found["tables"]["public.orders"].update(rows=2),
            "public.orders: has 2 rows, the backup's snapshot had 3",
        ),
        (
            lambda found: found["tables"]["public.orders"].update(hash="43"),
            "public.orders: has as many rows as the backup's snapshot (3), but their content differs",
        ),
        (lambda found: found["tables"].pop("public.users"), "public.users: the table is missing"),
        (
            lambda found: found["tables"].update({"public.new": {"rows": 0}}),
            "public.new: the table was not in the backup's snapshot",
        ),
        (lambda found: found["objects"].update(indexes=3), "3 indexes, the backup's snapshot had 4"),
        (
            lambda found: found["invalid indexes"].append("public.orders_user"),
            "public.orders_user: the index is invalid",
        ),
        (lambda found: found["objects"].update(triggers=1), "1 triggers, the backup's snapshot had 0"),
    ],
)
def test_every_difference_is_told(change: t.Any, reason: t.Any) -> None:
    assert changed(change) == [reason]


def test_a_backup_without_hashes_is_compared_by_its_rows() -> None:
    counted = {"tables": {"t": {"rows": 3}}, "objects": {}, "invalid indexes": []}
    assert (
        content.differences(counted, {"tables": {"t": {"rows": 3}}, "objects": {}, "invalid indexes": []})
        == []
    )
    assert (
        content.differences(counted, {"tables": {"t": {"rows": 4}}, "objects": {}, "invalid indexes": []})
        != []
    )

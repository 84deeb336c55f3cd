# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup import progress
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup.stores.s3 import part_size

MEGABYTE = 10**6


def test_a_line_tells_how_far_how_fast_and_how_long_still() -> None:
    assert (
        progress.line("shop", 355 * MEGABYTE, 710 * MEGABYTE, 118 * MEGABYTE, 5.0)
        == "shop: 355 MB of about 710 MB dumped, 118 MB stored, 71 MB/s, about 5 s left"
    )


def test_an_estimate_that_was_too_low_is_not_insisted_on() -> None:
    assert (
        progress.line("shop", 800 * MEGABYTE, 710 * MEGABYTE, 118 * MEGABYTE, 5.0)
        == "shop: 800 MB of about 800 MB dumped, 118 MB stored, 160 MB/s"
    )


def test_where_the_system_does_not_tell_what_is_stored_counts() -> None:
    assert progress.line("shop", None, 1, 118 * MEGABYTE, 2.0) == "shop: 118 MB stored, 59 MB/s"


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (239 * MEGABYTE, "239 MB"), (5 * 10**12, "5.0 TB")],
)
def test_amounts_are_for_people(number: t.Any, said: t.Any) -> None:
    assert progress.amount(number) == said


@pytest.mark.parametrize(
    ("expected", "mebibytes"), [(0, 8), (70 * 2**30, 8), (156 * 2**30, 17), (2 * 2**40, 221)]
)
def test_parts_grow_with_the_database_so_that_ten_thousand_are_enough(
    expected: t.Any, mebibytes: t.Any
) -> None:
    assert part_size(expected) == mebibytes * 2**20
    assert expected / part_size(expected) < 10_000

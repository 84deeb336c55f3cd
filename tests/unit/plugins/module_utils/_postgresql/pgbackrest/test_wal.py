# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest import wal

MIB = 1 << 20


def segments(*names: t.Any) -> t.Any:
    return [wal.parse(name, 16 * MIB) for name in names]


@pytest.mark.parametrize(
    ("name", "size", "number"),
    [
        ("0000000100000000000000FF", 16 * MIB, 255),
        ("000000010000000100000000", 16 * MIB, 256),
        ("000000020000000100000003", 1024 * MIB, 7),
    ],
)
def test_names_are_numbers_and_back(name: t.Any, size: t.Any, number: t.Any) -> None:
    parsed = wal.parse(name, size)
    assert parsed.number == number and wal.name(parsed, size) == name


def test_a_position_is_in_a_segment() -> None:
    assert wal.of_lsn("0/40286B0", 16 * MIB) == 4 and wal.of_lsn("1/0", 16 * MIB) == 256


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ((), []),
        (("000000010000000000000001",), []),
        (("000000010000000000000001", "000000010000000000000002"), []),
        (("0000000100000000000000FF", "000000010000000100000000"), []),
        (("000000010000000000000001", "000000010000000000000003"), ["000000010000000000000002"]),
        (
            ("000000010000000000000005", "000000010000000000000001"),
            ["000000010000000000000002 to 000000010000000000000004"],
        ),
        # A timeline begins in the segment in which the one before it ended, or right after it.
        (("000000010000000000000001", "000000020000000000000001", "000000020000000000000002"), []),
        (("000000010000000000000001", "000000020000000000000002"), []),
        (("000000010000000000000001", "000000020000000000000003"), ["000000020000000000000002"]),
    ],
)
def test_what_is_missing_in_the_chain(there: t.Any, missing: t.Any) -> None:
    assert [wal.describe_gap(gap, 16 * MIB) for gap in wal.gaps(segments(*there))] == missing

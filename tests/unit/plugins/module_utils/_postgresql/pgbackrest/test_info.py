# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import Conflict, InputError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest import info

from .backrest import GIVEN, NOW, PgBackRestPrograms, backup, of, segment

PARAMS = {
    **GIVEN,
    "max_age": 90000,
    "max_full_age": None,
    "verified_within": None,
    "wal_age": None,
    "verify": False,
}


def looked(programs: t.Any, **given: t.Any) -> t.Any:
    context = Context({**PARAMS, **given}, clock=Clock(wall=lambda: float(NOW)))
    return info.run(of(programs, context), context).values


@pytest.mark.parametrize(
    ("backups", "there", "given", "said"),
    [
        ([backup(1)], [1, 2, 3], {}, []),
        ([], [], {}, ["shop: there is no backup"]),
        (
            [backup(1, age=90001)],
            [1],
            {},
            ["shop: the newest backup (20261121-000001F) is 90001 s old, at most 90000 allowed"],
        ),
        ([backup(1, age=90000)], [1], {}, []),
        (
            [backup(1, age=500), backup(2, "diff", 100)],
            [1, 2],
            {"max_full_age": 400},
            ["shop: the newest full backup (20261121-000001F) is 500 s old, at most 400 allowed"],
        ),
        ([backup(1)], [1], {"verified_within": 200}, ["shop: there is no backup that a drill has proven"]),
        ([backup(1, annotation={"verified": "2026-11-21T00:00:00Z"})], [1], {"verified_within": 200}, []),
        ([backup(1), backup(2, error=True)], [1, 2], {}, ["20261121-000002F: contains corrupt pages"]),
        (
            [backup(1)],
            [1, 2, 4],
            {},
            [
                "WAL 000000010000000000000003 is missing: no later point can be reached from 20261121-000001F; take a backup now"
            ],
        ),
        # Before the newest backup a gap is no reason.
        ([backup(1), backup(5)], [1, 2, 4, 5], {}, []),
        (
            [backup(1), backup(3)],
            [1, 2],
            {},
            ["20261121-000003F: cannot be restored, its WAL 000000010000000000000003 is missing"],
        ),
        ([backup(1)], [1], {"wal_age": 29}, ["WAL: the last segment came 30 s ago, at most 29 allowed"]),
        ([backup(1)], [1], {"wal_age": 30}, []),
    ],
)
def test_what_is_a_reason_and_what_is_not(backups: t.Any, there: t.Any, given: t.Any, said: t.Any) -> None:
    assert looked(PgBackRestPrograms(*backups, segments=map(segment, there)), **given)["reasons"] == said


def test_what_is_there_is_told() -> None:
    found = looked(PgBackRestPrograms(backup(1), segments=[segment(1), segment(3)]))
    assert found["wal"] == {
        "segments": 2,
        "first": segment(1),
        "last": segment(3),
        "last_age_seconds": 30,
        "gaps": [segment(2)],
    }
    (told,) = found["backups"]
    assert (told["label"], told["age_seconds"], told["seconds"], told["verified"]) == (
        "20261121-000001F",
        100,
        5,
        None,
    )


def test_a_repository_that_cannot_be_read_is_unwell_and_one_that_is_used_is_left_alone() -> None:
    programs = PgBackRestPrograms(backup(1), segments=[segment(1)])
    programs.fails["repo-ls"] = 55
    assert looked(programs)["reasons"] == [
        "shop: `pgbackrest repo-ls` ended with code 55.; ERROR: [055]: refused"
    ]
    programs.fails["info"] = 50
    with pytest.raises(Conflict, match="another pgBackRest process works on this stanza"):
        looked(programs)


@pytest.mark.parametrize("size", [0, 3 << 20, 2 << 30])
def test_a_size_that_no_segment_has_is_refused(size: t.Any) -> None:
    with pytest.raises(InputError, match="wal_segment_bytes: found"):
        looked(PgBackRestPrograms(backup(1)), wal_segment_bytes=size)


def test_a_stanza_that_is_not_configured_is_refused() -> None:
    with pytest.raises(InputError, match="stanza: found shopp"):
        looked(PgBackRestPrograms(), stanza="shopp")

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._common.options import out_of_bounds
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup import prune

from tests.unit.plugins.module_utils._postgresql.backup.examples import (
    NOW,
    store_backup,
    store_damaged_backup,
)
from tests.unit.plugins.module_utils._postgresql.backup.memory import MemoryStore

DAY = 86400


def run(store: t.Any, keep: t.Any, *, check_mode: bool = False, **params: t.Any) -> t.Any:
    params = {"database": None, "releases": [], "keep": keep, **params}
    return prune.run(store, Context(params, check_mode=check_mode, clock=Clock(wall=lambda: NOW)))


def test_by_age_and_by_count_whichever_keeps_more() -> None:
    store = MemoryStore()
    names = [store_backup(store, days * DAY) for days in (1, 2, 40, 50)]
    verified = store_backup(store, 3 * DAY, verified=True)
    assert run(store, [{"kind": "daily", "days": 30}], check_mode=True).values["removed"] == [
        names[2],
        names[3],
    ]
    assert run(store, [{"kind": "daily", "count": 1}], check_mode=True).values["removed"] == [
        names[1],
        names[2],
        names[3],
    ]
    assert run(store, [{"kind": "daily", "count": 4, "days": 30}]).values["removed"] == [names[3]]
    left = run(store, [{"kind": "daily", "count": 1, "days": 1}]).values["kept"]
    assert [(backup["id"], "proven" in backup["reason"]) for backup in left] == [
        (names[0], False),
        (verified, True),
    ]


def test_the_newest_verified_one_stays_however_old() -> None:
    store = MemoryStore()
    old, older = store_backup(store, 400 * DAY, verified=True), store_backup(store, 500 * DAY, verified=True)
    store_backup(store, DAY)
    assert run(store, [{"kind": "daily", "days": 30}]).values["removed"] == [older]
    assert f"{old}/manifest.json" in store.objects and not any(
        name.startswith(older) for name in store.objects
    )


def test_while_none_is_verified_the_newest_of_a_kind_stays() -> None:
    store = MemoryStore()
    old, older = store_backup(store, 400 * DAY), store_backup(store, 500 * DAY)
    assert run(store, [{"kind": "daily", "days": 30}]).values == {
        "removed": [older], "kept": [{"id": old, "reason": "no backup is proven yet, and this is the newest of its kind"}], "abandoned": [], "freed_bytes": 4,
    }  # fmt: skip


def test_a_damaged_one_takes_no_place_among_those_that_count() -> None:
    store = MemoryStore()
    store_backup(store, 5 * DAY, verified=True)
    good = store_backup(store, 2 * DAY)
    bad = store_damaged_backup(store, DAY)
    assert run(store, [{"kind": "daily", "count": 1}]).values["removed"] == [bad]
    assert f"{good}/manifest.json" in store.objects


def test_what_a_release_refers_to_and_kinds_without_a_rule_stay() -> None:
    store = MemoryStore()
    store_backup(store, DAY, verified=True)
    needed = store_backup(store, 400 * DAY, kind="pre-deploy", release="2.4.0")
    manual = store_backup(store, 400 * DAY, kind="manual")
    kept = {
        backup["id"]: backup["reason"]
        for backup in run(store, [{"kind": "pre-deploy", "count": 1, "days": 1}], releases=["2.4.0"]).values[
            "kept"
        ]
    }
    assert kept[needed] == "release 2.4.0 may need it" and kept[manual] == "no rule for kind manual"


def test_the_last_verified_one_of_each_database_stays() -> None:
    store = MemoryStore()
    names = [store_backup(store, 400 * DAY, database=name, verified=True) for name in ("shop", "ledger")]
    assert run(store, [{"kind": "daily", "days": 1}]).values["removed"] == [] and len(names) == 2


def test_check_mode_lists_and_removes_nothing_and_a_second_run_changes_nothing() -> None:
    store = MemoryStore()
    store_backup(store, DAY, verified=True)
    store_backup(store, 40 * DAY)
    before = dict(store.objects)
    assert run(store, [{"kind": "daily", "days": 30}], check_mode=True).changed and store.objects == before
    assert run(store, [{"kind": "daily", "days": 30}]).changed
    assert not run(store, [{"kind": "daily", "days": 30}]).changed


def test_what_killed_writers_left_goes_after_a_day_and_nothing_of_anybody_else() -> None:
    store = MemoryStore()
    store.put("shop/20270101T000000Z-daily/database.dump.zst", b"half", NOW - 2 * DAY)
    store.put("shop/20270114T000000Z-daily/database.dump.zst", b"half", NOW - 3600)
    store.put("shop/notes/readme.txt", b"mine", NOW - 2 * DAY)
    store.left = [("shop/a/database.dump.zst", NOW - 2 * DAY), ("shop/b/database.dump.zst", NOW - 60)]
    found = run(store, [{"kind": "daily", "days": 30}])
    assert found.values["abandoned"] == [
        "shop/20270101T000000Z-daily/database.dump.zst",
        "shop/a/database.dump.zst",
    ]
    assert (
        sorted(store.objects) == ["shop/20270114T000000Z-daily/database.dump.zst", "shop/notes/readme.txt"]
        and len(store.left) == 1
    )


@pytest.mark.parametrize(
    "keep",
    [
        [{"kind": "daily"}],
        [{"kind": "daily", "days": 1}, {"kind": "daily", "count": 1}],
    ],
)
def test_rules_that_say_nothing_or_the_same_twice_are_refused(keep: t.Any) -> None:
    with pytest.raises(InputError, match=r"keep\[\d\]"):
        run(MemoryStore(), keep)


def test_a_rule_that_keeps_less_than_one_is_refused() -> None:
    keep = [{"kind": "daily", "days": 0}, {"kind": "weekly", "count": -1}]
    assert list(out_of_bounds(prune.OPERATION.options, {"keep": keep})) == [
        "keep[0].days: found 0; allowed: 1 or more",
        "keep[1].count: found -1; allowed: 1 or more",
    ]

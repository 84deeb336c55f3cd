# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup import backups, info

from tests.unit.plugins.module_utils._postgresql.backup.examples import (
    NOW,
    store_backup,
    store_damaged_backup,
)
from tests.unit.plugins.module_utils._postgresql.backup.memory import MemoryStore

DAY = 86400


def look(store: t.Any, **params: t.Any) -> t.Any:
    params = {"database": "shop", "kind": None, "release": None, "verified_within": None, **params}
    return info.run(store, Context(params, clock=Clock(wall=lambda: NOW))).values


def test_the_newest_comes_first_and_each_says_what_it_is() -> None:
    store = MemoryStore()
    old, new = (
        store_backup(store, 2 * DAY, verified=True),
        store_backup(store, DAY, kind="pre-deploy", release="2.4.0"),
    )
    store_backup(store, DAY, database="other")
    found = look(store)["backups"]
    assert [backup["id"] for backup in found] == [new, old]
    assert found[0]["release"] == "2.4.0" and found[0]["age_seconds"] == DAY and not found[0]["verified"]
    assert found[1]["verified"] and found[1]["rto_seconds"] == 26


def test_what_was_written_again_after_the_drill_is_not_verified_any_more() -> None:
    store = MemoryStore()
    name = store_backup(store, DAY, verified=True)
    store.put(f"{name}/database.dump.zst", b"evil")
    assert look(store)["newest_verified"] is None and look(store)["newest"]["id"] == name


def test_a_damaged_backup_is_a_reason_and_never_chosen() -> None:
    store = MemoryStore()
    good = store_backup(store, 2 * DAY)
    bad = store_damaged_backup(store, DAY)
    found = look(store)
    assert (
        found["reasons"] == [f"{bad}: database.dump.zst has 2 bytes, 4 were written"]
        and found["newest"]["id"] == good
    )
    there = backups.of_database(store, "shop")
    assert backups.choose(there, "newest", "memory").id == good
    with pytest.raises(ReleaseError, match="no usable backup"):
        backups.choose(there, bad, "memory")


@pytest.mark.parametrize(("within", "healthy"), [(None, True), (DAY, True), (DAY - 1, False)])
def test_a_verified_backup_may_be_demanded_to_be_young(within: t.Any, healthy: t.Any) -> None:
    store = MemoryStore()
    store_backup(store, DAY, verified=True)
    store_backup(store, 60)
    assert look(store, verified_within=within)["healthy"] is healthy


def test_without_a_verified_backup_the_reason_says_how_to_get_one() -> None:
    store = MemoryStore()
    store_backup(store, 60)
    assert "pg_restore_drill" in look(store, verified_within=DAY)["reasons"][0]
    with pytest.raises(ReleaseError, match="newest_verified"):
        backups.choose(backups.of_database(store, "shop"), "newest_verified", "memory")


def test_a_dump_without_a_manifest_is_not_listed() -> None:
    store = MemoryStore()
    store.put("shop/20270115T080000Z-daily/database.dump.zst", b"dump")
    assert look(store)["backups"] == []


def test_the_backup_of_a_release_is_found_again() -> None:
    store = MemoryStore()
    wanted = store_backup(store, DAY, kind="pre-deploy", release="2.4.0")
    store_backup(store, 60, kind="pre-deploy", release="2.5.0")
    there = backups.of_database(store, "shop")
    found = backups.newest(there, release="2.4.0", kind="pre-deploy")
    assert found is not None and found.id == wanted
    assert backups.newest(there, release="2.6.0", kind="pre-deploy") is None

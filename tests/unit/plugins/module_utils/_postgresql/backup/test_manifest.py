# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError, ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup import manifest as manifests

from tests.unit.plugins.module_utils._postgresql.backup.examples import NOW, stamp, store_backup
from tests.unit.plugins.module_utils._postgresql.backup.memory import MemoryStore


def test_an_identifier_sorts_by_time_and_tells_the_rest() -> None:
    assert (
        manifests.identifier("shop", "pre-deploy", "2.4.0", 1_800_000_000)
        == "shop/20270115T080000Z-pre-deploy-2.4.0"
    )
    assert manifests.identifier("shop", "daily", None, 1_800_000_000) == "shop/20270115T080000Z-daily"


def test_a_database_may_have_any_name_and_never_leaves_its_folder() -> None:
    assert manifests.folder("../a b") == "..%2Fa%20b"


def test_a_time_that_is_written_is_read_again() -> None:
    assert manifests.seconds(stamp(NOW)) == NOW


@pytest.mark.parametrize(
    ("kind", "release"),
    [("Pre Deploy", None), ("", None), ("a/b", None), ("daily", "a b"), ("daily", "../x")],
)
def test_names_that_would_break_a_path_are_refused(kind: t.Any, release: t.Any) -> None:
    with pytest.raises(InputError, match="allowed:"):
        manifests.check_names(kind, release)


def test_without_a_manifest_there_is_no_backup() -> None:
    with pytest.raises(ReleaseError, match="There is no backup shop/x in memory"):
        manifests.read(MemoryStore(), "shop/x")


def test_a_manifest_of_another_format_or_broken_is_told() -> None:
    store = MemoryStore()
    store.put("shop/x/manifest.json", b'{"format": 99}')
    store.put("shop/y/manifest.json", b"{")
    with pytest.raises(manifests.Damaged, match="unknown format"):
        manifests.read(store, "shop/x")
    with pytest.raises(manifests.Damaged, match="is not valid JSON"):
        manifests.read(store, "shop/y")


def test_a_listing_tells_what_is_gone_or_cut_off() -> None:
    store = MemoryStore()
    name = store_backup(store, 60)
    manifest = manifests.read(store, name)
    assert manifests.damage(manifest, {item.name: item for item in store.listing()}) == []
    store.put(f"{name}/database.dump.zst", b"du")
    assert manifests.damage(manifest, {item.name: item for item in store.listing()}) == [
        "database.dump.zst has 2 bytes, 4 were written"
    ]
    assert manifests.damage(manifest, {}) == ["database.dump.zst is gone"]

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups as they look in a store."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup import manifest as manifests

NOW = 1_800_000_000.0
CONTENT = {
    "tables": {"public.orders": {"rows": 3, "hash": "42"}},
    "objects": {"indexes": 2, "tables": 1},
    "invalid indexes": [],
}


def stamp(wall: t.Any) -> t.Any:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))


def store_backup(
    store: t.Any,
    age: t.Any,
    *,
    kind: str = "daily",
    release: t.Any = None,
    database: str = "shop",
    verified: bool = False,
) -> t.Any:
    """Puts a backup of that age (seconds) into the store and returns its id."""
    wall = NOW - age
    name = manifests.identifier(database, kind, release, wall)
    store.put(f"{name}/database.dump.zst", b"dump", wall)
    part = {
        "name": "database.dump.zst",
        "size": 4,
        "sha256": "x",
        "mark": "m",
        "encryption": None,
        "compression": "zstd",
    }
    manifest = {
        "format": 1, "id": name, "database": database, "kind": kind, "release": release, "snapshot_at": stamp(wall), "content": CONTENT,
        "database_bytes": 100, "uncompressed_bytes": 90, "server_version": "15.18", "source": "postgres@db/shop", "dump": part, "globals": None,
    }  # fmt: skip
    store.put(f"{name}/{manifests.MANIFEST}", manifests.text(manifest), wall)
    if verified:
        marks = {part["name"]: store.stat(f"{name}/database.dump.zst").mark}
        store.put(
            f"{name}/{manifests.VERIFIED}",
            manifests.text({"at": stamp(wall + 60), "rto_seconds": 26, "marks": marks}),
            wall + 60,
        )
    return name


def store_damaged_backup(store: t.Any, age: t.Any) -> t.Any:
    """A backup whose dump has lost its end."""
    name = store_backup(store, age)
    store.put(f"{name}/database.dump.zst", b"du", NOW - age)
    return name

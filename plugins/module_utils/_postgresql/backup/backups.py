# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The backups that a store holds, as a list; the newest first."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing as t

from ..._common.errors import ReleaseError
from . import manifest as manifests
from .manifest import MANIFEST, VERIFIED, Manifest
from .stores.store import Store, Stored

_READERS = 8


@dataclasses.dataclass(frozen=True)
class Backup:
    """One backup.

    :ivar verified: what its last good drill found, None
        without one or where an object was written again since.
    :ivar damage: what is wrong with it, as far as a listing tells.
    """

    manifest: Manifest
    verified: dict[str, t.Any] | None
    damage: list[str]

    @property
    def id(self) -> str:
        return str(self.manifest["id"])

    @property
    def taken(self) -> float:
        """When its snapshot was taken, in seconds since the epoch: what was written later is not in it."""
        return manifests.seconds(self.manifest["snapshot_at"])

    def as_result(self, now: float) -> dict[str, t.Any]:
        manifest, verified = self.manifest, self.verified or {}
        return {
            "id": self.id,
            "database": manifest["database"],
            "kind": manifest["kind"],
            "release": manifest["release"],
            "taken_at": manifest["snapshot_at"],
            "age_seconds": max(0, round(now - self.taken)),
            "bytes": sum(part["size"] for part in manifests.parts(manifest)),
            "database_bytes": manifest["database_bytes"],
            "tables": len(manifest["content"]["tables"]),
            "rows": sum(table["rows"] for table in manifest["content"]["tables"].values()),
            "server_version": manifest["server_version"],
            "source": manifest["source"],
            "encryption": manifest["dump"]["encryption"],
            "verified": self.verified is not None,
            "verified_at": verified.get("at"),
            "rto_seconds": verified.get("rto_seconds"),
            "damage": self.damage,
        }


def of_database(store: Store, database: str | None) -> list[Backup]:
    """
    :param database: None for those of all databases.
    """
    there = {
        stored.name: stored for stored in store.listing(f"{manifests.folder(database)}/" if database else "")
    }
    names = [name.removesuffix(f"/{MANIFEST}") for name in there if name.endswith(f"/{MANIFEST}")]
    with concurrent.futures.ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(lambda name: _load(store, name, there), names))
    return sorted(
        (backup for backup in found if backup), key=lambda backup: (backup.taken, backup.id), reverse=True
    )


def _load(store: Store, name: str, there: t.Mapping[str, Stored]) -> Backup | None:
    try:
        manifest = manifests.read(store, name)
    except ReleaseError:
        if f"{name}/{MANIFEST}" in there and store.stat(f"{name}/{MANIFEST}"):
            raise
        return None  # removed while we read
    verified = manifests.load(store, f"{name}/{VERIFIED}") if f"{name}/{VERIFIED}" in there else None
    marks = {
        part["name"]: there[f"{name}/{part['name']}"].mark
        for part in manifests.parts(manifest)
        if f"{name}/{part['name']}" in there
    }
    return Backup(
        manifest,
        verified if verified and verified.get("marks") == marks else None,
        manifests.damage(manifest, there),
    )


def choose(backups: t.Sequence[Backup], wanted: str, where: str) -> Backup:
    """
    :param wanted: the id of one, ``newest`` or ``newest_verified``.
    """
    usable = [backup for backup in backups if not backup.damage]
    if wanted == "newest":
        found = usable[:1]
    elif wanted == "newest_verified":
        found = [backup for backup in usable if backup.verified][:1]
    else:
        found = [backup for backup in backups if backup.id == wanted]
    if found and not found[0].damage:
        return found[0]
    known = [
        f"{backup.id}{' (verified)' if backup.verified else ''}{' damaged: ' + '; '.join(backup.damage) if backup.damage else ''}"
        for backup in backups
    ]
    raise ReleaseError(
        f"backup: found {wanted}, and there is no usable backup of that kind in {where}.",
        why=known[:10] or ["there are no backups"],
        done="nothing was changed",
    )


def newest(
    backups: t.Iterable[Backup], *, release: str | None = None, kind: str | None = None
) -> Backup | None:
    """The newest undamaged one of this release and kind, where they are given."""
    for backup in backups:
        manifest = backup.manifest
        if not backup.damage and release in (None, manifest["release"]) and kind in (None, manifest["kind"]):
            return backup
    return None

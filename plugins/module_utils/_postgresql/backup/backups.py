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

    :ivar verified: the result of its last successful drill; None without one, or where an object was written since.
    :ivar damage: what a listing alone shows to be wrong with it.
    """

    manifest: Manifest
    verified: dict[str, t.Any] | None
    damage: list[str]

    @property
    def id(self) -> str:
        return str(self.manifest["id"])

    @property
    def taken(self) -> float:
        """When its snapshot was taken, in seconds since the epoch. Rows written later are not in it."""
        return manifests.seconds(self.manifest["snapshot_at"])

    @property
    def summary(self) -> str:
        """Its id, and whether a restore can use it."""
        verified = " (verified)" if self.verified else ""
        damage = f" damaged: {'; '.join(self.damage)}" if self.damage else ""
        return self.id + verified + damage

    def is_of(self, kind: str | None, release: str | None) -> bool:
        """Whether it is of this kind and release; None stands for any."""
        return kind in (None, self.manifest["kind"]) and release in (None, self.manifest["release"])

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
    """The backups of a database, or of all databases for None."""
    under = f"{manifests.folder(database)}/" if database else ""
    objects = {stored.name: stored for stored in store.listing(under)}
    names = [name.removesuffix(f"/{MANIFEST}") for name in objects if name.endswith(f"/{MANIFEST}")]
    with concurrent.futures.ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(lambda name: _load(store, name, objects), names))
    return sorted(
        (backup for backup in found if backup), key=lambda backup: (backup.taken, backup.id), reverse=True
    )


def _load(store: Store, name: str, objects: t.Mapping[str, Stored]) -> Backup | None:
    try:
        manifest = manifests.read(store, name)
    except ReleaseError:
        if f"{name}/{MANIFEST}" in objects and store.stat(f"{name}/{MANIFEST}"):
            raise
        return None  # removed while we read
    verified = manifests.load(store, f"{name}/{VERIFIED}") if f"{name}/{VERIFIED}" in objects else None
    marks = {
        part["name"]: objects[f"{name}/{part['name']}"].mark
        for part in manifests.parts(manifest)
        if f"{name}/{part['name']}" in objects
    }
    return Backup(
        manifest,
        verified if verified and verified.get("marks") == marks else None,
        manifests.damage(manifest, objects),
    )


def choose(backups: t.Sequence[Backup], name: str, where: str) -> Backup:
    """
    :param name: the id of a backup, ``newest`` or ``newest_verified``.
    """
    usable = [backup for backup in backups if not backup.damage]
    if name == "newest":
        found = usable[:1]
    elif name == "newest_verified":
        found = [backup for backup in usable if backup.verified][:1]
    else:
        found = [backup for backup in backups if backup.id == name]
    if found and not found[0].damage:
        return found[0]
    known = [backup.summary for backup in backups]
    raise ReleaseError(
        f"backup: found {name}, and there is no usable backup of that kind in {where}.",
        why=known[:10] or ["there are no backups"],
        done="nothing was changed",
    )


def newest(
    backups: t.Iterable[Backup], *, release: str | None = None, kind: str | None = None
) -> Backup | None:
    """The newest undamaged one of this release and kind, where they are given."""
    return next((backup for backup in backups if not backup.damage and backup.is_of(kind, release)), None)

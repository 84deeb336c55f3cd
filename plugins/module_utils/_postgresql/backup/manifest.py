# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The manifest: what a backup is. It is written last, so a backup without one does not exist."""

from __future__ import annotations

import calendar
import json
import re
import time
import typing as t

from ..._common.errors import InputError, ReleaseError
from .stores.store import Missing, Store, Stored

FORMAT = 1
MANIFEST, VERIFIED = "manifest.json", "verified.json"
_KIND = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")

Manifest = dict[str, t.Any]


class Damaged(ReleaseError):
    """The backup is not what its manifest says."""


def check_names(kind: str, release: str | None) -> None:
    if not _KIND.fullmatch(kind):
        raise InputError(f"kind: found {kind!r}; allowed: lower case letters, digits and dashes, at most 32")
    if release is not None and not _RELEASE.fullmatch(release):
        raise InputError(f"release: found {release!r}; allowed: letters, digits and . _ + -, at most 63")


def folder(database: str) -> str:
    """The folder of a database's backups. Its name is escaped, because PostgreSQL allows any character in names."""
    return re.sub(r"[^A-Za-z0-9._-]", lambda found: f"%{ord(found[0]):02X}", database)


def identifier(database: str, kind: str, release: str | None, wall: float) -> str:
    """As in ``shop/20261121T020000Z-pre-deploy-2.4.0``, which sorts by time."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(wall))
    return "/".join([folder(database), "-".join(part for part in (stamp, kind, release) if part)])


def seconds(stamp: str) -> float:
    """Since the epoch, of an RFC 3339 time in UTC as Clock.stamp() writes it."""
    return float(calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")))


def text(value: t.Mapping[str, t.Any]) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def load(store: Store, name: str) -> t.Any:
    """A JSON document of the store, or None."""
    try:
        return json.loads(b"".join(store.read(name)))
    except Missing:
        return None
    except ValueError as exc:
        raise Damaged(
            f"{store.where}{'' if store.where.endswith('/') else '/'}{name} is not valid JSON.",
            why=[str(exc)],
        ) from exc


def read(store: Store, backup: str) -> Manifest:
    found = load(store, f"{backup}/{MANIFEST}")
    if found is None:
        raise ReleaseError(
            f"There is no backup {backup} in {store.where}.",
            why=[
                "it has no manifest, which is written last: it was never finished, was removed, or the name is wrong"
            ],
            then="list the backups that exist: runbook.release.pg_backup_info",
        )
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Damaged(
            f"{backup}: the manifest has an unknown format.",
            then="use the version of the collection that wrote it, or a newer one",
        )
    return found


def parts(manifest: Manifest) -> list[dict[str, t.Any]]:
    """The objects of a backup beside its manifest: the dump, and the globals where they were taken."""
    return [manifest[part] for part in ("dump", "globals") if manifest.get(part)]


def damage(manifest: Manifest, objects: t.Mapping[str, Stored]) -> list[str]:
    """What a listing alone shows: an object that is missing or has another size."""
    reasons = []
    for part in parts(manifest):
        stored = objects.get(f"{manifest['id']}/{part['name']}")
        if stored is None:
            reasons.append(f"{part['name']} is gone")
        elif stored.size != part["size"]:
            reasons.append(f"{part['name']} has {stored.size} bytes, {part['size']} were written")
    return reasons

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""A snapshot of an RDS instance before a release, and the removal of snapshots whose retention has expired."""

from __future__ import annotations

import dataclasses
import re
import time
import typing as t

from .._common.errors import InputError, ReleaseError
from .._common.operation import Context, Operation, Result
from .._common.options import REQUIRED, Option
from .options import OPTIONS
from .rds import Rds, Snapshot, connect

# Our tags. A snapshot has them from its first moment; a snapshot without them is not ours and is never removed.
KIND, RELEASE, KEEP_UNTIL = "runbook.release/kind", "runbook.release/release", "runbook.release/keep-until"
AVAILABLE, CREATING = "available", "creating"
# The states of an instance in which RDS can take a snapshot.
_READY = ("available", "storage-optimization", "incompatible-restore", "incompatible-parameters")
_POLL_SECONDS = 10.0
_DAY = 86400
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclasses.dataclass(frozen=True)
class Purpose:
    """What a snapshot is taken for.

    :ivar keep_days: for how long it is kept; None keeps it for ever.
    :ivar tags: further tags of the user.
    """

    kind: str
    release: str | None
    keep_days: int | None
    tags: t.Mapping[str, t.Any]


def run(rds: Rds, context: Context) -> Result:
    params, now = context.params, context.clock.wall()
    instance = params["instance"]
    _check_names(instance=instance, kind=params["kind"])
    purpose = Purpose(params["kind"], params["release"], params["keep_days"], params["tags"] or {})
    status = rds.status(instance)
    ours = sorted((entry for entry in rds.snapshots(instance) if KIND in entry["Tags"]), key=_created)
    existing = reusable(ours, purpose, params["reuse_within"], now)
    removed = [entry["DBSnapshotIdentifier"] for entry in expired(ours, now, existing)]
    new_name = f"{instance}-{purpose.kind}-{time.strftime('%Y%m%dt%H%M%Sz', time.gmtime(now))}"
    name = existing["DBSnapshotIdentifier"] if existing else new_name
    names = [entry["DBSnapshotIdentifier"] for entry in ours]
    before = {"snapshots": names}
    after = {"snapshots": [known for known in names if known not in removed] + ([] if existing else [name])}
    if existing is None and status not in _READY:
        raise ReleaseError(
            f"{instance}: is in state {status}, in which RDS cannot take a snapshot.",
            done="nothing was changed",
        )
    if context.check_mode:
        shown = as_result(existing, now) if existing else None
        return Result(before != after, before, after, {"snapshot": shown, "removed": removed})
    if existing is None:
        rds.create(instance, name, tags(purpose, now))
        context.say(f"{instance}: snapshot {name}")
    snapshot = _wait_until_available(rds, context, name, params["timeout"])
    # Not earlier: as long as the new snapshot may fail, an old one is worth more than its price.
    for old in removed:
        rds.delete(old)
        context.say(f"{instance}: removed {old}, its retention has expired")
    values = {"snapshot": as_result(snapshot, context.clock.wall()), "removed": removed}
    return Result(before != after, before, after, values)


def reusable(ours: t.Sequence[Snapshot], purpose: Purpose, reuse_within: int, now: float) -> Snapshot | None:
    """The newest snapshot for the same purpose that is young enough, or that a killed run has started; pure."""
    for entry in reversed(ours):
        same = entry["Tags"][KIND] == purpose.kind and entry["Tags"].get(RELEASE) == purpose.release
        young = now - _created(entry) <= reuse_within and entry["Status"] == AVAILABLE
        if same and (young or entry["Status"] == CREATING):
            return entry
    return None


def expired(ours: t.Sequence[Snapshot], now: float, kept: Snapshot | None) -> list[Snapshot]:
    """The snapshots whose retention has expired, except the newest usable one; pure."""
    usable = [entry for entry in ours if entry["Status"] == AVAILABLE]
    protected = [entry["DBSnapshotIdentifier"] for entry in [*usable[-1:], *([kept] if kept else [])]]
    return [
        entry
        for entry in ours
        if _has_expired(entry, now)
        and entry["DBSnapshotIdentifier"] not in protected
        and entry["Status"] in (AVAILABLE, "failed")
    ]


def tags(purpose: Purpose, now: float) -> dict[str, str]:
    """The tags of a new snapshot."""
    keep_until = round(now + purpose.keep_days * _DAY) if purpose.keep_days else None
    ours = {KIND: purpose.kind, RELEASE: purpose.release, KEEP_UNTIL: keep_until}
    given = {key: str(value) for key, value in purpose.tags.items()}
    return {**given, **{key: str(value) for key, value in ours.items() if value}}


def as_result(entry: Snapshot, now: float) -> dict[str, t.Any]:
    keep_until = entry["Tags"].get(KEEP_UNTIL, "")
    return {
        "name": entry["DBSnapshotIdentifier"],
        "arn": entry.get("DBSnapshotArn"),
        "status": entry["Status"],
        "age_seconds": max(0, round(now - _created(entry))) if entry.get("SnapshotCreateTime") else 0,
        "engine": f"{entry.get('Engine')} {entry.get('EngineVersion')}",
        "gibibytes": entry.get("AllocatedStorage"),
        "encrypted": bool(entry.get("Encrypted")),
        "kind": entry["Tags"].get(KIND),
        "release": entry["Tags"].get(RELEASE),
        "days_left": round((int(keep_until) - now) / _DAY, 1) if keep_until.isdigit() else None,
    }


def _check_names(**names: str) -> None:
    """RDS makes the name of a snapshot of them."""
    problems = [
        f"{option}: found {name}; allowed: small letters, digits and single hyphens, beginning with a letter"
        for option, name in names.items()
        if not _NAME.fullmatch(name)
    ]
    if problems:
        raise InputError("The options are wrong; nothing was changed.", why=problems)


def _wait_until_available(rds: Rds, context: Context, name: str, timeout: int) -> Snapshot:
    began, reported = context.clock.now(), -1
    while True:
        entry = rds.snapshot(name)
        if entry["Status"] == AVAILABLE:
            return entry
        percent = entry.get("PercentProgress", 0)
        if entry["Status"] != CREATING:
            raise ReleaseError(
                f"{name}: the snapshot is in state {entry['Status']}.",
                then="check the events of the instance, then run this again",
            )
        if context.clock.now() - began >= timeout:
            raise ReleaseError(
                f"{name}: the snapshot was not available after {timeout} s ({percent} %).",
                done="RDS continues to create it",
                then="run this again to wait for it",
            )
        if percent > reported:
            reported = percent
            context.say(f"{name}: {percent} %")
        context.clock.sleep(_POLL_SECONDS)


def _has_expired(entry: Snapshot, now: float) -> bool:
    keep_until = entry["Tags"].get(KEEP_UNTIL, "")
    return keep_until.isdigit() and int(keep_until) < now


def _created(entry: Snapshot) -> float:
    """When it was created; RDS does not say so before it is finished."""
    created = entry.get("SnapshotCreateTime")
    return float(created.timestamp()) if created else float("inf")


OPERATION = Operation(
    {
        **OPTIONS,
        "instance": Option("str", REQUIRED),
        "kind": Option("str", "manual"),
        "release": Option("str"),
        "keep_days": Option("int", low=0, high=36500),
        "tags": Option("dict"),
        "reuse_within": Option("int", 0, low=0),
        "timeout": Option("int", 3600, low=1),
    },
    connect,
    run,
)

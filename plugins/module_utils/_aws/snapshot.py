# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""A snapshot of an RDS instance before a release, and the removal of those whose time is over."""

from __future__ import annotations

import re
import time
import typing as t

from .._common.errors import InputError, ReleaseError
from .._common.operation import Context, Operation, Result
from .._common.options import REQUIRED, Option
from .options import OPTIONS
from .rds import BotoRds, Rds, Snapshot

# Tags of ours. They live on the snapshot and are there from its
# first moment; what lacks them is nobody's of ours, and stays.
KIND, RELEASE, KEEP_UNTIL = "runbook.release/kind", "runbook.release/release", "runbook.release/keep-until"
AVAILABLE, CREATING = "available", "creating"
# In which states RDS takes a snapshot of an instance.
_READY = ("available", "storage-optimization", "incompatible-restore", "incompatible-parameters")
_POLL_SECONDS = 10.0
_DAY = 86400
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def run(rds: Rds, context: Context) -> Result:
    params, now = context.params, context.clock.wall()
    _check(params)
    status = rds.status(params["instance"])
    ours = sorted((entry for entry in rds.snapshots(params["instance"]) if KIND in entry["Tags"]), key=_when)
    there = reusable(ours, params, now)
    going = [entry["DBSnapshotIdentifier"] for entry in expired(ours, now, there)]
    name = (
        there["DBSnapshotIdentifier"]
        if there
        else f"{params['instance']}-{params['kind']}-{time.strftime('%Y%m%dt%H%M%Sz', time.gmtime(now))}"
    )
    before = {"snapshots": [entry["DBSnapshotIdentifier"] for entry in ours]}
    after = {
        "snapshots": [
            *(known for known in before["snapshots"] if known not in going),
            *([] if there else [name]),
        ]
    }
    if there is None and status not in _READY:
        raise ReleaseError(
            f"{params['instance']}: is in state {status}, in which RDS cannot take a snapshot.",
            done="nothing was changed",
        )
    if context.check_mode:
        return Result(
            before != after,
            before,
            after,
            {"snapshot": as_result(there, now) if there else None, "removed": going},
        )
    if there is None:
        rds.create(params["instance"], name, tags(params, now))
        context.say(f"{params['instance']}: snapshot {name}")
    taken = _wait_until_available(rds, context, name)
    # Only now: as long as the new one may fail, an old one is worth more than its price.
    for old in going:
        rds.delete(old)
        context.say(f"{params['instance']}: removed {old}, its retention has expired")
    return Result(
        before != after, before, after, {"snapshot": as_result(taken, context.clock.wall()), "removed": going}
    )


def reusable(ours: t.Sequence[Snapshot], params: t.Mapping[str, t.Any], now: float) -> Snapshot | None:
    """The snapshot that makes another one superfluous, or one that a run which was killed has begun; pure."""
    for entry in reversed(ours):
        same = entry["Tags"][KIND] == params["kind"] and entry["Tags"].get(RELEASE) == params["release"]
        young = now - _when(entry) <= params["reuse_within"] and entry["Status"] == AVAILABLE
        if same and (young or entry["Status"] == CREATING):
            return entry
    return None


def expired(ours: t.Sequence[Snapshot], now: float, kept: Snapshot | None) -> list[Snapshot]:
    """Those whose time is over, but never the newest that is good; pure."""
    good = [entry for entry in ours if entry["Status"] == AVAILABLE]
    stay = [entry["DBSnapshotIdentifier"] for entry in [*good[-1:], *([kept] if kept else [])]]
    over = (
        entry
        for entry in ours
        if entry["Tags"].get(KEEP_UNTIL, "").isdigit() and int(entry["Tags"][KEEP_UNTIL]) < now
    )
    return [
        entry
        for entry in over
        if entry["DBSnapshotIdentifier"] not in stay and entry["Status"] in (AVAILABLE, "failed")
    ]


def tags(params: t.Mapping[str, t.Any], now: float) -> dict[str, str]:
    ours = {
        KIND: params["kind"],
        RELEASE: params["release"],
        KEEP_UNTIL: str(round(now + params["keep_days"] * _DAY)) if params["keep_days"] else None,
    }
    return {
        **{key: str(value) for key, value in (params["tags"] or {}).items()},
        **{key: value for key, value in ours.items() if value},
    }


def as_result(entry: Snapshot, now: float) -> dict[str, t.Any]:
    keep_until = entry["Tags"].get(KEEP_UNTIL, "")
    return {
        "name": entry["DBSnapshotIdentifier"],
        "arn": entry.get("DBSnapshotArn"),
        "status": entry["Status"],
        "age_seconds": max(0, round(now - _when(entry))) if entry.get("SnapshotCreateTime") else 0,
        "engine": f"{entry.get('Engine')} {entry.get('EngineVersion')}",
        "gibibytes": entry.get("AllocatedStorage"),
        "encrypted": bool(entry.get("Encrypted")),
        "kind": entry["Tags"].get(KIND),
        "release": entry["Tags"].get(RELEASE),
        "days_left": round((int(keep_until) - now) / _DAY, 1) if keep_until.isdigit() else None,
    }


def _check(params: t.Mapping[str, t.Any]) -> None:
    wrong = [
        f"{option}: found {params[option]}; allowed: small letters, digits and single hyphens, beginning with a letter"
        for option in ("instance", "kind")
        if not _NAME.fullmatch(params[option])
    ]
    wrong += [
        f"{option}: found {params[option]}; allowed: an integer from 0"
        for option in ("keep_days", "reuse_within")
        if params[option] is not None and params[option] < 0
    ]
    if wrong:
        raise InputError("The options are wrong; nothing was changed.", why=wrong)


def _wait_until_available(rds: Rds, context: Context, name: str) -> Snapshot:
    began, told = context.clock.now(), -1
    while True:
        entry = rds.snapshot(name)
        if entry["Status"] == AVAILABLE:
            return entry
        if entry["Status"] != CREATING:
            raise ReleaseError(
                f"{name}: the snapshot is in state {entry['Status']}.",
                then="check the events of the instance, then run this again",
            )
        if context.clock.now() - began >= context.params["timeout"]:
            raise ReleaseError(
                f"{name}: the snapshot was not available after {context.params['timeout']} s ({entry.get('PercentProgress', 0)} %).",
                done="RDS continues to create it",
                then="run this again to wait for it",
            )
        if entry.get("PercentProgress", 0) > told:
            told = entry.get("PercentProgress", 0)
            context.say(f"{name}: {told} %")
        context.clock.sleep(_POLL_SECONDS)


def _when(entry: Snapshot) -> float:
    """While it is being made RDS does not tell yet."""
    created = entry.get("SnapshotCreateTime")
    return float(created.timestamp()) if created else float("inf")


OPERATION = Operation(
    {
        **OPTIONS,
        "instance": Option("str", REQUIRED),
        "kind": Option("str", "manual"),
        "release": Option("str"),
        "keep_days": Option("int"),
        "tags": Option("dict"),
        "reuse_within": Option("int", 0),
        "timeout": Option("int", 3600, low=1),
    },
    BotoRds,
    run,
)

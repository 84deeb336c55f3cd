# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether pgBackRest's backups are there, young and whole enough,
and the WAL between them without a gap: reads, changes nothing.
"""

from __future__ import annotations

import typing as t

from ..._common.errors import InputError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from . import wal
from .programs import LocalPrograms
from .repository import OPTIONS, PgBackRestError, PhysicalBackup, Repository, Stanza

Params = t.Mapping[str, t.Any]
_BAD = "status: error"  # `verify` says it and ends with 0


def connect(context: Context) -> Repository:
    return Repository(LocalPrograms.of(context), context)


def run(repository: Repository, context: Context) -> Result:
    now, params = context.clock.wall(), context.params
    check(params)
    values: dict[str, t.Any] = {"backups": [], "wal": {"gaps": []}, "running": False}
    reasons: list[str] = []
    try:
        stanza = repository.read_stanza()
        segments = repository.segments(stanza.archive, params["wal_segment_bytes"])
        reasons += (
            age_reasons(stanza, now, params)
            + incomplete(stanza.backups, segments, params)
            + unreachable(stanza.backups, segments, params)
        )
        reasons += late(segments, now, params)
        values["backups"] = [backup.as_result(now) for backup in stanza.backups]
        values["running"] = stanza.busy
        values["wal"] = wal_values(segments, now, params["wal_segment_bytes"])
        if params["verify"]:
            said = repository.run("verify", "--output=text")
            reasons += ["verify: " + " ".join(said.split())] if _BAD in said else []
    except PgBackRestError as exc:
        reasons += ["; ".join([exc.what, *exc.why])]
    return Result(False, values={"healthy": not reasons, "reasons": reasons, **values})


def check(params: Params) -> None:
    size = params["wal_segment_bytes"]
    if size < 1 << 20 or size > 1 << 30 or size & (size - 1):
        raise InputError(
            f"wal_segment_bytes: found {size}; allowed: a power of two from 1048576 to 1073741824 (SHOW wal_segment_size)"
        )


def age_reasons(stanza: Stanza, now: float, params: Params) -> list[str]:
    """What is wrong with the backups; pure."""
    reasons = [] if stanza.code == 0 else [f"repository: {stanza.message}"]
    reasons += [
        f"{backup.label}: contains corrupt pages" for backup in stanza.backups if backup.entry.get("error")
    ]
    good = [backup for backup in stanza.backups if not backup.entry.get("error")]
    limits = (
        ("max_age", "backup", good),
        ("max_full_age", "full backup", [backup for backup in good if backup.covers("full")]),
        (
            "verified_within",
            "backup that a drill has proven",
            [backup for backup in good if backup.as_result(now)["verified"]],
        ),
    )
    for option, what, those in limits:
        if params[option] is None:
            continue
        if not those:
            reasons.append(f"{params['stanza']}: there is no {what}")
        elif now - those[-1].ended > params[option]:
            reasons.append(
                f"{params['stanza']}: the newest {what} ({those[-1].label}) is {now - those[-1].ended:.0f} s old, at most {params[option]} allowed"
            )
    return reasons


def incomplete(
    backups: t.Sequence[PhysicalBackup], segments: t.Collection[wal.Segment], params: Params
) -> list[str]:
    """Backups that lack some of their own WAL, without which they are no backups at all; pure."""
    size, reasons = params["wal_segment_bytes"], []
    for backup in backups:
        first, last = (wal.parse(backup.entry["archive"][edge], size) for edge in ("start", "stop"))
        there = {
            segment.number for segment in segments if first.timeline <= segment.timeline <= last.timeline
        }
        missing = [number for number in range(first.number, last.number + 1) if number not in there]
        if missing:
            gap = wal.Gap(wal.Segment(last.timeline, missing[0]), wal.Segment(last.timeline, missing[-1]))
            reasons.append(
                f"{backup.label}: cannot be restored, its WAL {wal.describe_gap(gap, size)} is missing"
            )
    return reasons


def unreachable(
    backups: t.Sequence[PhysicalBackup], segments: t.Collection[wal.Segment], params: Params
) -> list[str]:
    """Gaps after the newest of these backups, which end all recovery from it; pure.

    Between older ones less may be kept on purpose
    (repo1-retention-archive); that is told as a gap, and is no reason.
    """
    if not backups:
        return []
    size, newest = params["wal_segment_bytes"], backups[-1]
    own = wal.parse(newest.entry["archive"]["stop"], size)
    return [
        f"WAL {wal.describe_gap(gap, size)} is missing: no later point can be reached from {newest.label}; take a backup now"
        for gap in wal.gaps(segments)
        if gap.last.number > own.number
    ]


def late(segments: t.Mapping[wal.Segment, int], now: float, params: Params) -> list[str]:
    allowed = params["wal_age"]
    age = now - max(segments.values()) if segments else 0
    return (
        [f"WAL: the last segment came {age:.0f} s ago, at most {allowed} allowed"]
        if allowed is not None and age > allowed
        else []
    )


def wal_values(segments: t.Mapping[wal.Segment, int], now: float, size: int) -> dict[str, t.Any]:
    if not segments:
        return {"segments": 0, "first": None, "last": None, "last_age_seconds": None, "gaps": []}
    ordered = sorted(segments)
    return {
        "segments": len(segments),
        "first": wal.name(ordered[0], size),
        "last": wal.name(ordered[-1], size),
        "last_age_seconds": max(0, round(now - max(segments.values()))),
        "gaps": [wal.describe_gap(gap, size) for gap in wal.gaps(segments)],
    }


OPERATION = Operation(
    {
        **OPTIONS,
        **wal.OPTIONS,
        "max_age": Option("int", 90000),
        "max_full_age": Option("int"),
        "verified_within": Option("int"),
        "wal_age": Option("int"),
        "verify": Option("bool", False),
    },
    connect,
    run,
)

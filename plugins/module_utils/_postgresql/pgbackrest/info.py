# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Says whether pgBackRest's backups are recent and complete, and the WAL between them has no gap. It only reads."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from . import wal
from .programs import LocalPrograms
from .repository import (
    OPTIONS,
    VERIFIED,
    PgBackRestError,
    PhysicalBackup,
    Repository,
    RepositoryAccess,
    Stanza,
)

_BAD = "status: error"  # `verify` writes it, and exits with 0 all the same


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds after which something is too old; None sets no limit."""

    max_age: int | None
    max_full_age: int | None
    verified_within: int | None
    wal_age: int | None


def connect(context: Context) -> Repository:
    return Repository(LocalPrograms(context.params["user"]), RepositoryAccess.of(context.params))


def run(repository: Repository, context: Context) -> Result:
    now, params = context.clock.wall(), context.params
    size = params["wal_segment_bytes"]
    wal.check_segment_bytes(size)
    limits = Limits(params["max_age"], params["max_full_age"], params["verified_within"], params["wal_age"])
    values: dict[str, t.Any] = {"backups": [], "wal": {"gaps": []}, "running": False}
    reasons: list[str] = []
    try:
        stanza = repository.read_stanza()
        segments = repository.segments(stanza.archive, size)
        reasons += age_reasons(stanza, repository.stanza, now, limits)
        reasons += incomplete(stanza.backups, segments, size)
        reasons += unreachable(stanza.backups, segments, size)
        reasons += late(segments, now, limits.wal_age)
        values["backups"] = [backup.as_result(now) for backup in stanza.backups]
        values["running"] = stanza.busy
        values["wal"] = wal_values(segments, now, size)
        if params["verify"]:
            output = repository.run("verify", "--output=text")
            reasons += ["verify: " + " ".join(output.split())] if _BAD in output else []
    except PgBackRestError as exc:
        reasons += ["; ".join([exc.what, *exc.why])]
    return Result(False, values={"healthy": not reasons, "reasons": reasons, **values})


def age_reasons(stanza: Stanza, name: str, now: float, limits: Limits) -> list[str]:
    """What is wrong with the repository and its backups; pure.

    :param name: of the stanza.
    """
    reasons = [] if stanza.code == 0 else [f"repository: {stanza.message}"]
    corrupt = [backup for backup in stanza.backups if backup.entry.get("error")]
    reasons += [f"{backup.label}: contains corrupt pages" for backup in corrupt]
    good = [backup for backup in stanza.backups if not backup.entry.get("error")]
    full = [backup for backup in good if backup.covers("full")]
    proven = [backup for backup in good if backup.annotations.get(VERIFIED)]
    for limit, what, backups in (
        (limits.max_age, "backup", good),
        (limits.max_full_age, "full backup", full),
        (limits.verified_within, "backup that a drill has proven", proven),
    ):
        if limit is None:
            continue
        if not backups:
            reasons.append(f"{name}: there is no {what}")
        elif now - backups[-1].ended > limit:
            newest, age = backups[-1].label, now - backups[-1].ended
            reasons.append(
                f"{name}: the newest {what} ({newest}) is {age:.0f} s old, at most {limit} allowed"
            )
    return reasons


def incomplete(
    backups: t.Sequence[PhysicalBackup], segments: t.Collection[wal.Segment], segment_bytes: int
) -> list[str]:
    """Backups that lack some of their own WAL, and so cannot be restored; pure."""
    reasons = []
    for backup in backups:
        first = wal.parse(backup.entry["archive"]["start"], segment_bytes)
        last = wal.parse(backup.entry["archive"]["stop"], segment_bytes)
        archived = {
            segment.number for segment in segments if first.timeline <= segment.timeline <= last.timeline
        }
        missing = [number for number in range(first.number, last.number + 1) if number not in archived]
        if missing:
            gap = wal.Gap(wal.Segment(last.timeline, missing[0]), wal.Segment(last.timeline, missing[-1]))
            lacking = wal.describe_gap(gap, segment_bytes)
            reasons.append(f"{backup.label}: cannot be restored, its WAL {lacking} is missing")
    return reasons


def unreachable(
    backups: t.Sequence[PhysicalBackup], segments: t.Collection[wal.Segment], segment_bytes: int
) -> list[str]:
    """Gaps after the newest of these backups, beyond which nothing can be recovered; pure.

    Gaps between older backups may be intended (repo1-retention-archive): they are reported, but are not reasons.
    """
    if not backups:
        return []
    newest = backups[-1]
    own = wal.parse(newest.entry["archive"]["stop"], segment_bytes)
    return [
        f"WAL {wal.describe_gap(gap, segment_bytes)} is missing: no later point can be reached from {newest.label}; take a backup now"
        for gap in wal.gaps(segments)
        if gap.last.number > own.number
    ]


def late(segments: t.Mapping[wal.Segment, int], now: float, limit: int | None) -> list[str]:
    """Whether the last segment came too long ago; pure."""
    age = now - max(segments.values()) if segments else 0
    if limit is None or age <= limit:
        return []
    return [f"WAL: the last segment came {age:.0f} s ago, at most {limit} allowed"]


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
        "max_age": Option("int", 90000, low=0),
        "max_full_age": Option("int", low=0),
        "verified_within": Option("int", low=0),
        "wal_age": Option("int", low=0),
        "verify": Option("bool", False),
    },
    connect,
    run,
)

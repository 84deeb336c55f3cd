# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Which of what PostgreSQL says of itself is a reason to worry: pure, one function a check."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.verdict import Reason

Found = dict[str, t.Any]
_SCALE = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """From when on a finding is a reason, named as the module's options. None asks for nothing."""

    connections_percent: int
    active_connections: int | None
    transaction_age: int
    idle_in_transaction: int
    blocked_for: int
    standbys: int
    replication_lag: int
    replication_lag_bytes: int
    slot_bytes: int
    wal_bytes: int | None
    wraparound_percent: int
    disk_free_percent: int

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Thresholds:
        return cls(**{field.name: params[field.name] for field in dataclasses.fields(cls)})


def size(count: float) -> str:
    for unit, name in _SCALE:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count:.0f} B"


def connections(found: Found, thresholds: Thresholds) -> list[Reason]:
    reasons = []
    for entry in [{"of": "connections", **found}, *found["limits"]]:
        percent = 100 * entry["used"] / max(1, entry["usable"])
        if percent >= thresholds.connections_percent:
            reasons.append(
                Reason(
                    entry["of"],
                    f"{entry['used']} of {entry['usable']} connections are in use ({percent:.0f} %)",
                )
            )
    if thresholds.active_connections is not None and found["active"] > thresholds.active_connections:
        reasons.append(
            Reason(
                "connections",
                f"{found['active']} are active, at most {thresholds.active_connections} allowed",
            )
        )
    return reasons


def transactions(found: Found, thresholds: Thresholds) -> list[Reason]:
    reasons = []
    for entry in found["open"]:
        idle = (
            entry["state"].startswith("idle in transaction")
            and entry["state_seconds"] >= thresholds.idle_in_transaction
        )
        if idle or entry["seconds"] >= thresholds.transaction_age:
            state = f"{entry['state']},"
            if idle:
                state = f"{entry['state']} for {entry['state_seconds']:.0f} s, last"
            reasons.append(
                Reason(
                    backend(entry),
                    f"transaction open for {entry['seconds']:.0f} s, {state} {entry['query']}",
                )
            )
    for entry in found["prepared"]:
        if entry["seconds"] >= thresholds.transaction_age:
            reasons.append(
                Reason(
                    f"prepared transaction {entry['name']} of {entry['role']} in {entry['database']}",
                    f"waits for COMMIT PREPARED or ROLLBACK PREPARED since {entry['seconds']:.0f} s",
                )
            )
    return reasons


def locks(found: list[Found], thresholds: Thresholds) -> list[Reason]:
    return [
        Reason(
            entry["object"],
            f"{backend(entry)} has waited {entry['seconds']:.0f} s for {entry['mode']}, blocked by "
            f"{' and '.join(_holder(holder) for holder in entry['blocked_by']) or 'one that has just ended'}",
        )
        for entry in found
        if (entry["seconds"] or 0) >= thresholds.blocked_for
    ]


def replication(found: Found, thresholds: Thresholds) -> list[Reason]:
    if found["role"] == "standby":
        return _standby(found, thresholds)
    streaming = [entry for entry in found["standbys"] if entry["state"] == "streaming"]
    reasons = []
    if len(streaming) < thresholds.standbys:
        reasons.append(
            Reason(
                "replication",
                f"{len(streaming)} standbys are streaming, at least {thresholds.standbys} required",
            )
        )
    if found["synchronous"] and not any(entry["sync_state"] in ("sync", "quorum") for entry in streaming):
        reasons.append(
            Reason(
                "replication",
                f"no standby of synchronous_standby_names ({found['synchronous']}) is there, commits wait",
            )
        )
    for entry in found["standbys"]:
        name = f"standby {entry['name']} at {entry['address']}"
        if entry["state"] not in ("streaming", "backup"):
            reasons.append(Reason(name, f"is in state {entry['state']}"))
        if entry["state"] != "backup":
            reasons += _behind(name, entry, thresholds)
    return reasons


def _standby(found: Found, thresholds: Thresholds) -> list[Reason]:
    reasons = []
    if found["receiver"] != "streaming":
        receiver = found["receiver"] or "none"
        reasons.append(Reason("standby", f"receives nothing from its primary (WAL receiver: {receiver})"))
    if found["paused"]:
        reasons.append(Reason("standby", "its replay is paused"))
    return reasons + _behind("standby", found, thresholds)


def _behind(name: str, entry: Found, thresholds: Thresholds) -> list[Reason]:
    seconds, count = entry["lag_seconds"], entry["lag_bytes"] or 0
    if seconds >= thresholds.replication_lag or count >= thresholds.replication_lag_bytes:
        return [Reason(name, f"{seconds:.0f} s and {size(count)} behind")]
    return []


def slots(found: list[Found], thresholds: Thresholds) -> list[Reason]:
    reasons = []
    for entry in found:
        if entry["wal_status"] in ("lost", "unreserved"):
            reasons.append(Reason(f"replication slot {entry['name']}", f"its WAL is {entry['wal_status']}"))
        elif entry["retained_bytes"] >= thresholds.slot_bytes:
            state, then = "active", ""
            if not entry["active"]:
                state, then = "inactive", "; pg_drop_replication_slot() if nothing will use it again"
            reasons.append(
                Reason(
                    f"replication slot {entry['name']}",
                    f"{state}, retains {size(entry['retained_bytes'])} of WAL{then}",
                )
            )
    return reasons


def wal(found: Found, thresholds: Thresholds) -> list[Reason]:
    """Unless something retains WAL, the server keeps about max_wal_size, and up to twice that during a checkpoint."""
    limit = thresholds.wal_bytes or 2 * found["max_wal_size"] + found["wal_keep_size"]
    if found["bytes"] < limit:
        return []
    return [
        Reason(
            "pg_wal",
            f"{size(found['bytes'])} in {found['files']} files, "
            f"max_wal_size is {size(found['max_wal_size'])}; check the slots and the archiver",
        )
    ]


def archiver(found: Found, thresholds: Thresholds) -> list[Reason]:
    if found["mode"] == "off" or not found["failing"]:
        return []
    return [
        Reason(
            "archiver",
            f"archive_command fails on {found['last_failed']} ({found['failed']} failures so far, "
            f"last archived {found['last_archived'] or 'nothing'})",
        )
    ]


def indexes(found: list[Found], thresholds: Thresholds) -> list[Reason]:
    return [
        Reason(f"index {entry['name']} of {entry['table']}", "is invalid; DROP INDEX CONCURRENTLY it")
        for entry in found
        if not entry["in_progress"]
    ]


def wraparound(found: list[Found], thresholds: Thresholds) -> list[Reason]:
    return [
        Reason(
            f"database {entry['database']}",
            f"{entry['percent']:.0f} % of the transaction ids before wraparound are used up; VACUUM FREEZE it",
        )
        for entry in found
        if entry["percent"] >= thresholds.wraparound_percent
    ]


def disk(found: Found, thresholds: Thresholds) -> list[Reason]:
    if found["free_percent"] >= thresholds.disk_free_percent:
        return []
    return [
        Reason(
            f"disk of {found['path']}",
            f"{size(found['free_bytes'])} of {size(found['total_bytes'])} are free ({found['free_percent']:.0f} %)",
        )
    ]


def backend(entry: Found) -> str:
    return f"backend {entry['pid']} ({entry.get('application') or 'no application_name'}, {entry.get('role') or 'role unknown'})"


def _holder(entry: Found) -> str:
    if entry["pid"] == 0:
        return "a prepared transaction"
    state = f", {entry['state']}" if entry.get("state") else ""
    since = f", transaction open for {entry['seconds']:.0f} s" if entry.get("seconds") is not None else ""
    return f"{backend(entry)}{state}{since}" + (f": {entry['query']}" if entry.get("query") else "")

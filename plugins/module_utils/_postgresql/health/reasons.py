# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Which of what PostgreSQL says of itself is a reason to worry: pure, one function a check."""

from __future__ import annotations

import typing as t

Found = dict[str, t.Any]
Params = t.Mapping[str, t.Any]
_SCALE = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def size(count: float) -> str:
    for unit, name in _SCALE:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count:.0f} B"


def connections(found: Found, params: Params) -> list[str]:
    reasons = []
    for entry in [{"of": "connections", **found}, *found["limits"]]:
        percent = 100 * entry["used"] / max(1, entry["usable"])
        if percent >= params["connections_percent"]:
            reasons.append(
                f"{entry['of']}: {entry['used']} of {entry['usable']} connections are in use ({percent:.0f} %)"
            )
    if params["active_connections"] is not None and found["active"] > params["active_connections"]:
        reasons.append(
            f"connections: {found['active']} are active, at most {params['active_connections']} allowed"
        )
    return reasons


def transactions(found: Found, params: Params) -> list[str]:
    reasons = []
    for entry in found["open"]:
        idle = (
            entry["state"].startswith("idle in transaction")
            and entry["state_seconds"] >= params["idle_in_transaction"]
        )
        if idle or entry["seconds"] >= params["transaction_age"]:
            doing = (
                f"{entry['state']} for {entry['state_seconds']:.0f} s, last" if idle else f"{entry['state']},"
            )
            reasons.append(
                f"{backend(entry)}: transaction open for {entry['seconds']:.0f} s, {doing} {entry['query']}"
            )
    for entry in found["prepared"]:
        if entry["seconds"] >= params["transaction_age"]:
            reasons.append(
                f"prepared transaction {entry['name']} of {entry['role']} in {entry['database']}: "
                f"waits for COMMIT PREPARED or ROLLBACK PREPARED since {entry['seconds']:.0f} s"
            )
    return reasons


def locks(found: list[Found], params: Params) -> list[str]:
    return [
        f"{entry['object']}: {backend(entry)} has waited {entry['seconds']:.0f} s for {entry['mode']}, blocked by "
        f"{' and '.join(_holder(holder) for holder in entry['blocked_by']) or 'one that has just ended'}"
        for entry in found
        if (entry["seconds"] or 0) >= params["blocked_for"]
    ]


def replication(found: Found, params: Params) -> list[str]:
    if found["role"] == "standby":
        reasons = (
            []
            if found["receiver"] == "streaming"
            else [f"standby: receives nothing from its primary (WAL receiver: {found['receiver'] or 'none'})"]
        )
        reasons += ["standby: its replay is paused"] if found["paused"] else []
        return reasons + _behind("standby", found, params)
    streaming = [entry for entry in found["standbys"] if entry["state"] == "streaming"]
    reasons = (
        []
        if len(streaming) >= params["standbys"]
        else [f"replication: {len(streaming)} standbys are streaming, at least {params['standbys']} required"]
    )
    if found["synchronous"] and not any(entry["sync_state"] in ("sync", "quorum") for entry in streaming):
        reasons.append(
            f"replication: no standby of synchronous_standby_names ({found['synchronous']}) is there, commits wait"
        )
    for entry in found["standbys"]:
        name = f"standby {entry['name']} at {entry['address']}"
        reasons += (
            [] if entry["state"] in ("streaming", "backup") else [f"{name}: is in state {entry['state']}"]
        )
        reasons += _behind(name, entry, params) if entry["state"] != "backup" else []
    return reasons


def _behind(name: str, entry: Found, params: Params) -> list[str]:
    seconds, count = entry["lag_seconds"], entry["lag_bytes"] or 0
    if seconds >= params["replication_lag"] or count >= params["replication_lag_bytes"]:
        return [f"{name}: {seconds:.0f} s and {size(count)} behind"]
    return []


def slots(found: list[Found], params: Params) -> list[str]:
    reasons = []
    for entry in found:
        if entry["wal_status"] in ("lost", "unreserved"):
            reasons.append(f"replication slot {entry['name']}: its WAL is {entry['wal_status']}")
        elif entry["retained_bytes"] >= params["slot_bytes"]:
            doing, then = (
                ("active", "")
                if entry["active"]
                else ("inactive", "; pg_drop_replication_slot() if nothing will use it again")
            )
            reasons.append(
                f"replication slot {entry['name']}: {doing}, retains {size(entry['retained_bytes'])} of WAL{then}"
            )
    return reasons


def wal(found: Found, params: Params) -> list[str]:
    """The server keeps to max_wal_size where nothing holds it back, give or take a checkpoint under way."""
    limit = params["wal_bytes"] or 2 * found["max_wal_size"] + found["wal_keep_size"]
    if found["bytes"] < limit:
        return []
    return [
        f"pg_wal: {size(found['bytes'])} in {found['files']} files, max_wal_size is {size(found['max_wal_size'])}; check the slots and the archiver"
    ]


def archiver(found: Found, params: Params) -> list[str]:
    if found["mode"] == "off" or not found["failing"]:
        return []
    return [
        f"archiver: archive_command fails on {found['last_failed']} ({found['failed']} failures so far, last archived {found['last_archived'] or 'nothing'})"
    ]


def indexes(found: list[Found], params: Params) -> list[str]:
    return [
        f"index {entry['name']} of {entry['table']}: is invalid; DROP INDEX CONCURRENTLY it"
        for entry in found
        if not entry["in_progress"]
    ]


def wraparound(found: list[Found], params: Params) -> list[str]:
    return [
        f"database {entry['database']}: {entry['percent']:.0f} % of the transaction ids before wraparound are used up; VACUUM FREEZE it"
        for entry in found
        if entry["percent"] >= params["wraparound_percent"]
    ]


def disk(found: Found, params: Params) -> list[str]:
    if found["free_percent"] >= params["disk_free_percent"]:
        return []
    return [
        f"disk of {found['path']}: {size(found['free_bytes'])} of {size(found['total_bytes'])} are free ({found['free_percent']:.0f} %)"
    ]


def backend(entry: Found) -> str:
    return f"backend {entry['pid']} ({entry.get('application') or 'no application_name'}, {entry.get('role') or 'role unknown'})"


def _holder(entry: Found) -> str:
    if entry["pid"] == 0:
        return "a prepared transaction"
    state = f", {entry['state']}" if entry.get("state") else ""
    since = f", transaction open for {entry['seconds']:.0f} s" if entry.get("seconds") is not None else ""
    return f"{backend(entry)}{state}{since}" + (f": {entry['query']}" if entry.get("query") else "")

# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether a Redis server is well: reads INFO, changes nothing. All but ``run`` is pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.errors import Forbidden, Unavailable
from .._common.operation import Context, Operation, Result
from .._common.options import Option
from .._common.verdict import Reason, Verdict
from .port import OPTIONS, Found, Redis, connect

# What was found, and the reasons why it is not healthy.
Examined = tuple[Found, "list[str]"]


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """From when on something found is a reason. None asks for nothing.

    :ivar before: what an earlier run found; counters are compared with it.
    """

    connections_percent: int
    rejected_allowed: int
    memory_percent: int
    evicted_allowed: int | None
    save_age: int | None
    replicas: int
    replication_lag: int
    before: t.Mapping[str, t.Any]


def run(server: Redis, context: Context) -> Result:
    params, clock = context.params, context.clock
    thresholds = Thresholds(
        connections_percent=params["connections_percent"],
        rejected_allowed=params["rejected_allowed"],
        memory_percent=params["memory_percent"],
        evicted_allowed=params["evicted_allowed"],
        save_age=params["save_age"],
        replicas=params["replicas"],
        replication_lag=params["replication_lag"],
        before=(params["before"] or {}).get("found") or {},
    )
    reasons: list[Reason] = []
    unknown: dict[str, str] = {}
    values: Found = {}
    began = clock.now()
    try:
        server.ping()
        values["milliseconds"] = round((clock.now() - began) * 1000, 1)
        info = server.info()
        values["server"] = {
            "version": info["redis_version"],
            "mode": info["redis_mode"],
            "role": info["role"],
            "up_seconds": info["uptime_in_seconds"],
            "run_id": info["run_id"],
        }
        if info.get("cluster_enabled"):
            info["cluster_state"] = _cluster_state(server, unknown)
        for check in params["checks"]:
            values[check], lines = CHECKS[check](info, thresholds, clock.wall())
            reasons += [Reason(check, line) for line in lines]
    except Forbidden as exc:
        if "milliseconds" not in values:
            raise
        unknown = {check: "; ".join(exc.why) for check in params["checks"]}
    except Unavailable as exc:
        reasons.append(Reason("", "; ".join([exc.what, *exc.why])))
    verdict = Verdict(reasons, [Reason(check, text) for check, text in unknown.items()])
    return Result(False, values={**verdict.as_result(params["before"]), "unknown": unknown, "found": values})


def _cluster_state(server: Redis, unknown: dict[str, str]) -> str:
    try:
        return server.cluster_state()
    except Forbidden as exc:
        unknown["replication"] = "; ".join(exc.why)
        return ""


def connections(info: Found, thresholds: Thresholds, now: float) -> Examined:
    found = {
        "used": info["connected_clients"],
        "limit": info.get("maxclients"),  # since Redis 7
        "blocked": info["blocked_clients"],
        "rejected": info["rejected_connections"],
    }
    reasons = []
    percent = 100 * found["used"] / found["limit"] if found["limit"] else 0
    if percent >= thresholds.connections_percent:
        reasons.append(f"{found['used']} of {found['limit']} are in use ({percent:.0f} %)")
    rejected, since = _grown("connections", "rejected", found["rejected"], info, thresholds)
    if rejected > thresholds.rejected_allowed:
        reasons.append(
            f"{rejected} were rejected since {since}, at most {thresholds.rejected_allowed} allowed"
        )
    return found, reasons


def memory(info: Found, thresholds: Thresholds, now: float) -> Examined:
    """Where keys are evicted, memory that is full is no reason: a cache is full by design."""
    limited = info["maxmemory"] > 0
    found = {
        "used_bytes": info["used_memory"],
        "resident_bytes": info["used_memory_rss"],
        "limit_bytes": info["maxmemory"] or info.get("total_system_memory", 0),
        "policy": info["maxmemory_policy"],
        "evicted": info["evicted_keys"],
    }
    reasons = []
    used = found["used_bytes"] if limited else found["resident_bytes"]
    percent = 100 * used / found["limit_bytes"] if found["limit_bytes"] else 0
    found["percent"] = round(percent, 1)
    if percent >= thresholds.memory_percent and (not limited or found["policy"] == "noeviction"):
        of = "the machine's memory, and maxmemory is not set"
        if limited:
            of = "maxmemory, and the policy is noeviction: writes fail when it is full"
        reasons.append(f"{percent:.0f} % of {of}")
    evicted, since = _grown("memory", "evicted", found["evicted"], info, thresholds)
    if thresholds.evicted_allowed is not None and evicted > thresholds.evicted_allowed:
        reasons.append(
            f"{evicted} keys were evicted since {since}, at most {thresholds.evicted_allowed} allowed"
        )
    return found, reasons


def persistence(info: Found, thresholds: Thresholds, now: float) -> Examined:
    found = {
        "loading": bool(info["loading"]),
        "rdb_status": info["rdb_last_bgsave_status"],
        "rdb_age_seconds": max(
            0, round(info.get("server_time_usec", now * 1e6) / 1e6 - info["rdb_last_save_time"])
        ),
        "rdb_changes": info["rdb_changes_since_last_save"],
        "aof": bool(info["aof_enabled"]),
        "aof_status": info["aof_last_write_status"],
        "aof_rewrite_status": info["aof_last_bgrewrite_status"],
    }
    reasons = ["the data set is still being loaded"] if found["loading"] else []
    if found["rdb_status"] != "ok":
        reasons.append("the last snapshot (BGSAVE) failed; check the disk and the server's log")
    for name, what in (
        ("aof_status", "the last write to the append-only file"),
        ("aof_rewrite_status", "the last rewrite of the append-only file"),
    ):
        if found["aof"] and found[name] != "ok":
            reasons.append(f"{what} failed; check the disk and the server's log")
    age = thresholds.save_age
    if age is not None and not found["aof"] and found["rdb_changes"] and found["rdb_age_seconds"] > age:
        reasons.append(
            f"{found['rdb_changes']} changes are in memory only, the last snapshot is {found['rdb_age_seconds']} s old"
        )
    return found, reasons


def replication(info: Found, thresholds: Thresholds, now: float) -> Examined:
    reasons = []
    if "cluster_state" in info and info["cluster_state"] not in ("", "ok"):
        reasons.append(f"the cluster is in state {info['cluster_state']}")
    if info["role"] == "slave":
        found = {
            "role": "replica",
            "primary": f"{info['master_host']}:{info['master_port']}",
            "link": info["master_link_status"],
            "syncing": bool(info["master_sync_in_progress"]),
            "lag_seconds": info["master_last_io_seconds_ago"],
        }
        if found["link"] != "up":
            reasons.append(
                f"the link to the primary {found['primary']} is {found['link']}"
                + (", a full resync is under way" if found["syncing"] else "")
            )
        elif found["lag_seconds"] >= thresholds.replication_lag:
            reasons.append(f"the primary {found['primary']} has been silent for {found['lag_seconds']} s")
        return found, reasons
    replicas = [
        info[f"slave{number}"] for number in range(info["connected_slaves"]) if f"slave{number}" in info
    ]
    shown = [
        {
            "name": f"{entry['ip']}:{entry['port']}",
            "state": entry["state"],
            "lag_seconds": entry.get("lag", 0),
        }
        for entry in replicas
    ]
    online = [entry for entry in shown if entry["state"] == "online"]
    if len(online) < thresholds.replicas:
        reasons.append(f"{len(online)} replicas are online, at least {thresholds.replicas} required")
    reasons += [
        f"replica {entry['name']} is in state {entry['state']}" for entry in shown if entry not in online
    ]
    reasons += [
        f"replica {entry['name']} is {entry['lag_seconds']} s behind"
        for entry in online
        if entry["lag_seconds"] >= thresholds.replication_lag
    ]
    return {"role": "primary", "replicas": shown}, reasons


def _grown(check: str, name: str, count: int, info: Found, thresholds: Thresholds) -> tuple[int, str]:
    """By how much a counter has grown since ``before``, or since the server was started, if that was later."""
    before = thresholds.before
    if (before.get("server") or {}).get("run_id") != info["run_id"] or name not in (before.get(check) or {}):
        return count, "the server's start"
    return count - before[check][name], "before"


CHECKS: dict[str, t.Callable[[Found, Thresholds, float], Examined]] = {
    "connections": connections,
    "memory": memory,
    "persistence": persistence,
    "replication": replication,
}


OPERATION = Operation(
    {
        **OPTIONS,
        "checks": Option("list", list(CHECKS), each=Option("str", choices=list(CHECKS))),
        "connections_percent": Option("int", 80, low=1, high=100),
        "rejected_allowed": Option("int", 0, low=0),
        "memory_percent": Option("int", 90, low=1, high=100),
        "evicted_allowed": Option("int", low=0),
        "save_age": Option("int", low=0),
        "replicas": Option("int", 0, low=0),
        "replication_lag": Option("int", 10, low=1),
        "before": Option("dict"),
    },
    connect,
    run,
)

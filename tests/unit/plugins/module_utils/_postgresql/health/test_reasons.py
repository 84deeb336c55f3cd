# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.health import reasons
from ansible_collections.runbook.release.plugins.module_utils._postgresql.health.health import (
    OPERATION as HEALTH,
)

PARAMS = {name: option.get("default") for name, option in HEALTH.argument_spec.items()}
IDLE = {
    "pid": 7,
    "role": "ana",
    "application": "psql",
    "state": "idle in transaction",
    "seconds": 90.0,
    "state_seconds": 60.0,
    "query": "SELECT 1",
}
STANDBY = {
    "name": "b",
    "address": "10.0.0.8",
    "state": "streaming",
    "sync_state": "async",
    "lag_seconds": 0.0,
    "lag_bytes": 0,
}
PRIMARY = {"role": "primary", "standbys": [STANDBY], "synchronous": ""}
REPLICA = {"role": "standby", "receiver": "streaming", "paused": False, "lag_bytes": 0, "lag_seconds": 0.0}
SLOT = {"name": "b", "type": "physical", "active": False, "wal_status": "extended", "retained_bytes": 0}
WAL = {"files": 3, "bytes": 3 << 30, "max_wal_size": 1 << 30, "wal_keep_size": 0}
ARCHIVER = {"mode": "on", "failed": 17, "failing": True, "last_failed": "0A", "last_archived": ""}
COUNTS = {"used": 10, "active": 3, "idle_in_transaction": 0, "usable": 97, "limits": []}


@pytest.mark.parametrize(
    ("check", "found", "given", "said"),
    [
        ("connections", COUNTS, {}, []),
        (
            "connections",
            {**COUNTS, "used": 80, "usable": 100},
            {},
            ["connections: 80 of 100 connections are in use (80 %)"],
        ),
        ("connections", {**COUNTS, "used": 79, "usable": 100}, {}, []),
        (
            "connections",
            {**COUNTS, "limits": [{"of": "role app", "used": 9, "usable": 10}]},
            {},
            ["role app: 9 of 10 connections are in use (90 %)"],
        ),
        ("connections", COUNTS, {"active_connections": 2}, ["connections: 3 are active, at most 2 allowed"]),
        ("connections", COUNTS, {"active_connections": 3}, []),
        (
            "transactions",
            {"open": [IDLE], "prepared": []},
            {},
            ["backend 7 (psql, ana): transaction open for 90 s, idle in transaction for 60 s, last SELECT 1"],
        ),
        ("transactions", {"open": [{**IDLE, "state_seconds": 59.9}], "prepared": []}, {}, []),
        ("transactions", {"open": [{**IDLE, "state": "active", "seconds": 299.9}], "prepared": []}, {}, []),
        (
            "transactions",
            {"open": [{**IDLE, "state": "active", "seconds": 300.0}], "prepared": []},
            {},
            ["backend 7 (psql, ana): transaction open for 300 s, active, SELECT 1"],
        ),
        (
            "transactions",
            {"open": [], "prepared": [{"name": "tx", "role": "ana", "database": "shop", "seconds": 400.0}]},
            {},
            [
                "prepared transaction tx of ana in shop: waits for COMMIT PREPARED or ROLLBACK PREPARED since 400 s"
            ],
        ),
        (
            "locks",
            [
                {
                    "pid": 8,
                    "role": "app",
                    "application": "",
                    "mode": "ShareLock",
                    "object": "orders",
                    "seconds": 5.0,
                    "blocked_by": [IDLE, {"pid": 0}],
                }
            ],
            {},
            [
                "orders: backend 8 (no application_name, app) has waited 5 s for ShareLock, blocked by backend 7 (psql, ana), idle in transaction, "
                "transaction open for 90 s: SELECT 1 and a prepared transaction"
            ],
        ),
        (
            "locks",
            [{"pid": 8, "mode": "ShareLock", "object": "orders", "seconds": 4.9, "blocked_by": []}],
            {},
            [],
        ),
        ("replication", PRIMARY, {}, []),
        (
            "replication",
            PRIMARY,
            {"standbys": 2},
            ["replication: 1 standbys are streaming, at least 2 required"],
        ),
        (
            "replication",
            {**PRIMARY, "standbys": [{**STANDBY, "lag_seconds": 30.0}]},
            {},
            ["standby b at 10.0.0.8: 30 s and 0 B behind"],
        ),
        (
            "replication",
            {**PRIMARY, "standbys": [{**STANDBY, "lag_bytes": 1 << 28}]},
            {},
            ["standby b at 10.0.0.8: 0 s and 256.0 MiB behind"],
        ),
        (
            "replication",
            {**PRIMARY, "standbys": [{**STANDBY, "state": "catchup"}]},
            {},
            ["standby b at 10.0.0.8: is in state catchup"],
        ),
        ("replication", {**PRIMARY, "standbys": [{**STANDBY, "state": "backup", "lag_bytes": None}]}, {}, []),
        (
            "replication",
            {**PRIMARY, "synchronous": "b"},
            {},
            ["replication: no standby of synchronous_standby_names (b) is there, commits wait"],
        ),
        (
            "replication",
            {**PRIMARY, "synchronous": "b", "standbys": [{**STANDBY, "sync_state": "sync"}]},
            {},
            [],
        ),
        ("replication", REPLICA, {}, []),
        (
            "replication",
            {**REPLICA, "receiver": None},
            {},
            ["standby: receives nothing from its primary (WAL receiver: none)"],
        ),
        (
            "replication",
            {**REPLICA, "paused": True, "lag_seconds": 31.0},
            {},
            ["standby: its replay is paused", "standby: 31 s and 0 B behind"],
        ),
        ("slots", [SLOT], {}, []),
        ("slots", [{**SLOT, "wal_status": "lost"}], {}, ["replication slot b: its WAL is lost"]),
        (
            "slots",
            [{**SLOT, "retained_bytes": 1 << 30}],
            {},
            [
                "replication slot b: inactive, retains 1.0 GiB of WAL; pg_drop_replication_slot() if nothing will use it again"
            ],
        ),
        ("wal", {**WAL, "bytes": (2 << 30) - 1}, {}, []),
        (
            "wal",
            WAL,
            {},
            ["pg_wal: 3.0 GiB in 3 files, max_wal_size is 1.0 GiB; check the slots and the archiver"],
        ),
        ("wal", {**WAL, "wal_keep_size": 2 << 30}, {}, []),
        ("wal", WAL, {"wal_bytes": 4 << 30}, []),
        (
            "archiver",
            ARCHIVER,
            {},
            ["archiver: archive_command fails on 0A (17 failures so far, last archived nothing)"],
        ),
        ("archiver", {**ARCHIVER, "failing": False}, {}, []),
        ("archiver", {**ARCHIVER, "mode": "off"}, {}, []),
        (
            "indexes",
            [{"name": "i", "table": "t", "in_progress": False}],
            {},
            ["index i of t: is invalid; DROP INDEX CONCURRENTLY it"],
        ),
        ("indexes", [{"name": "i", "table": "t", "in_progress": True}], {}, []),
        (
            "wraparound",
            [{"database": "a", "percent": 50.0}, {"database": "b", "percent": 49.9}],
            {},
            ["database a: 50 % of the transaction ids before wraparound are used up; VACUUM FREEZE it"],
        ),
        (
            "disk",
            {"path": "/data", "free_bytes": 9 << 20, "total_bytes": 100 << 20, "free_percent": 9.0},
            {},
            ["disk of /data: 9.0 MiB of 100.0 MiB are free (9 %)"],
        ),
        ("disk", {"path": "/data", "free_bytes": 10, "total_bytes": 100, "free_percent": 10.0}, {}, []),
    ],
)
def test_what_is_a_reason_and_what_is_not_yet(check: t.Any, found: t.Any, given: t.Any, said: t.Any) -> None:
    answer = getattr(reasons, check)(found, reasons.Thresholds.of({**PARAMS, **given}))
    assert [str(reason) for reason in answer] == said

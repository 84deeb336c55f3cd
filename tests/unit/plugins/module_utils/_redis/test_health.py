# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import Forbidden, Unavailable
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._redis import health
from ansible_collections.runbook.release.plugins.module_utils._redis.health import OPERATION as HEALTH

PARAMS = {name: option.get("default") for name, option in HEALTH.argument_spec.items()}
INFO: dict[str, t.Any] = {
    "redis_version": "7.0.15",
    "redis_mode": "standalone",
    "role": "master",
    "uptime_in_seconds": 9,
    "run_id": "abc",
    "connected_clients": 79,
    "maxclients": 100,
    "blocked_clients": 0,
    "rejected_connections": 0,
    "maxmemory": 1000,
    "maxmemory_policy": "noeviction",
    "used_memory": 899,
    "used_memory_rss": 5000,
    "total_system_memory": 10000,
    "evicted_keys": 0,
    "loading": 0,
    "rdb_last_bgsave_status": "ok",
    "rdb_last_save_time": 1000,
    "rdb_changes_since_last_save": 3,
    "aof_enabled": 0,
    "aof_last_write_status": "ok",
    "aof_last_bgrewrite_status": "ok",
    "connected_slaves": 1,
    "slave0": {"ip": "10.0.0.8", "port": 6379, "state": "online", "lag": 1},
}
REPLICA = {
    "role": "slave",
    "master_host": "a",
    "master_port": 6379,
    "master_link_status": "up",
    "master_sync_in_progress": 0,
    "master_last_io_seconds_ago": 1,
}
BEFORE = {"server": {"run_id": "abc"}, "connections": {"rejected": 5}, "memory": {"evicted": 5}}


class Server:
    where = "redis:6379"

    def __init__(self, info: t.Any, ping: t.Any = None, state: str | Exception = "ok") -> None:
        self.answer, self.at_ping, self.state = info, ping, state

    def ping(self) -> None:
        if self.at_ping:
            raise self.at_ping

    def info(self) -> t.Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return dict(self.answer)

    def cluster_state(self) -> t.Any:
        if isinstance(self.state, Exception):
            raise self.state
        return self.state


def looked(server: t.Any, **given: t.Any) -> t.Any:
    return health.run(server, Context({**PARAMS, **given}, clock=Clock(wall=lambda: 1100.0))).values


@pytest.mark.parametrize(
    ("info", "given", "said"),
    [
        ({}, {}, []),
        ({"connected_clients": 80}, {}, ["connections: 80 of 100 are in use (80 %)"]),
        ({"connected_clients": 80, "maxclients": None}, {}, []),
        (
            {"rejected_connections": 1},
            {},
            ["connections: 1 were rejected since the server's start, at most 0 allowed"],
        ),
        ({"rejected_connections": 5}, {"before": {"found": BEFORE}}, []),
        (
            {"rejected_connections": 6},
            {"before": {"found": BEFORE}},
            ["connections: 1 were rejected since before, at most 0 allowed"],
        ),
        (
            {"rejected_connections": 5, "run_id": "new"},
            {"before": {"found": BEFORE}},
            ["connections: 5 were rejected since the server's start, at most 0 allowed"],
        ),
        (
            {"used_memory": 900},
            {},
            ["memory: 90 % of maxmemory, and the policy is noeviction: writes fail when it is full"],
        ),
        ({"used_memory": 1000, "maxmemory_policy": "allkeys-lru"}, {}, []),
        (
            {"maxmemory": 0, "used_memory_rss": 9000},
            {},
            ["memory: 90 % of the machine's memory, and maxmemory is not set"],
        ),
        ({"evicted_keys": 7}, {}, []),
        (
            {"evicted_keys": 7},
            {"evicted_allowed": 1, "before": {"found": BEFORE}},
            ["memory: 2 keys were evicted since before, at most 1 allowed"],
        ),
        ({"loading": 1}, {}, ["persistence: the data set is still being loaded"]),
        (
            {"rdb_last_bgsave_status": "err"},
            {},
            ["persistence: the last snapshot (BGSAVE) failed; check the disk and the server's log"],
        ),
        ({"aof_last_write_status": "err"}, {}, []),
        (
            {"aof_last_write_status": "err", "aof_enabled": 1},
            {},
            [
                "persistence: the last write to the append-only file failed; check the disk and the server's log"
            ],
        ),
        ({}, {"save_age": 100}, []),
        ({}, {"save_age": 99}, ["persistence: 3 changes are in memory only, the last snapshot is 100 s old"]),
        ({"aof_enabled": 1}, {"save_age": 99}, []),
        ({}, {"replicas": 2}, ["replication: 1 replicas are online, at least 2 required"]),
        (
            {"slave0": {**INFO["slave0"], "state": "wait_bgsave"}},
            {},
            ["replication: replica 10.0.0.8:6379 is in state wait_bgsave"],
        ),
        (
            {"slave0": {**INFO["slave0"], "lag": 10}},
            {},
            ["replication: replica 10.0.0.8:6379 is 10 s behind"],
        ),
        (REPLICA, {}, []),
        (
            {**REPLICA, "master_link_status": "down"},
            {},
            ["replication: the link to the primary a:6379 is down"],
        ),
        (
            {**REPLICA, "master_last_io_seconds_ago": 10},
            {},
            ["replication: the primary a:6379 has been silent for 10 s"],
        ),
    ],
)
def test_what_is_a_reason_and_what_is_not_yet(info: t.Any, given: t.Any, said: t.Any) -> None:
    assert looked(Server({**INFO, **info}), **given)["reasons"] == said


def test_the_state_of_a_cluster_is_looked_at_where_there_is_one() -> None:
    assert looked(Server({**INFO, "cluster_enabled": 1}, state="fail"))["reasons"] == [
        "replication: the cluster is in state fail"
    ]
    assert looked(Server({**INFO, "cluster_enabled": 1}, state=Forbidden("no", why=["NOPERM"])))[
        "unknown"
    ] == {"replication": "NOPERM"}


def test_a_server_that_does_not_answer_is_unwell() -> None:
    found = looked(Server(INFO, Unavailable("redis:6379: no answer from Redis.", why=["Connection refused"])))
    assert (found["healthy"], found["reasons"], found["found"]) == (
        False,
        ["redis:6379: no answer from Redis.; Connection refused"],
        {},
    )


def test_one_who_may_not_ask_knows_that_it_answers_and_nothing_else() -> None:
    found = looked(Server(Forbidden("no", why=["NOPERM info"])), checks=["memory"])
    assert (
        found["healthy"]
        and found["unknown"] == {"memory": "NOPERM info"}
        and set(found["found"]) == {"milliseconds"}
    )


def test_one_whom_the_server_does_not_let_in_is_told_so() -> None:
    with pytest.raises(Forbidden):
        looked(Server(INFO, Forbidden("no")))

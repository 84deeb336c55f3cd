# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""pg_health_info, redis_health_info and service_info against real servers with planted trouble."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import subprocess
import threading
import time
import typing as t
import uuid
from pathlib import Path

import psycopg
import pytest
import redis as redis_py

from tests.integration.support.examples import HEALTH, examples
from tests.integration.support.playbooks.tasks import Ran, Task, Tasks
from tests.integration.support.servers.databases import Database
from tests.integration.support.servers.postgres_cluster import PostgresCluster, folder, free_port
from tests.integration.support.waiting import wait_for

SECRET = "correct-horse-9f3"


def pg(database: Database | PostgresCluster, **options: t.Any) -> Task:
    return {"runbook.release.pg_health_info": {**database.login, **options}}


@contextlib.contextmanager
def session(
    database: Database | PostgresCluster, *statements: str, user: str = ""
) -> t.Iterator[psycopg.Connection[t.Any]]:
    login = database.login
    with psycopg.connect(
        host=login["login_host"],
        port=login["login_port"],
        user=user or login["login_user"],
        password=login.get("login_password"),
        dbname=login["database"],
        application_name="night-shift",
        autocommit=True,
    ) as connection:
        for statement in statements:
            connection.execute(statement)
        yield connection


@contextlib.contextmanager
def waiting(database: Database, statement: str) -> t.Iterator[None]:
    """A statement of a session that waits for a lock, until the block ends."""
    with session(database) as connection:

        def wait() -> None:
            with contextlib.suppress(psycopg.Error):
                connection.execute(statement)

        thread = threading.Thread(target=wait)
        thread.start()
        wait_for(
            lambda: (
                database.psql(
                    f"SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = {connection.info.backend_pid}"
                )
                != "0"
            )
        )
        time.sleep(1.1)
        try:
            yield
        finally:
            connection.cancel()
            thread.join()


def test_a_quiet_server_is_well_and_the_largest_tables_are_reported(
    data_tasks: Tasks, database: Database
) -> None:
    database.psql(
        "CREATE TABLE small (n int); CREATE TABLE large AS SELECT generate_series(1, 10000) n; ANALYZE"
    )
    found = data_tasks.run(
        pg(
            database,
            checks=["connections", "transactions", "locks", "indexes", "tables", "wraparound"],
            largest_tables=1,
        )
    ).result
    assert (found["healthy"], found["reasons"], found["unknown"], found["changed"]) == (True, [], {}, False)
    (largest,) = found["found"]["tables"]["largest"]
    assert largest["name"] == "large" and largest["rows_estimated"] == 10000 and largest["bytes"] > 300_000
    assert (
        found["found"]["server"]["database"] == database.name and found["found"]["connections"]["used"] >= 1
    )


def test_planted_trouble_is_reported_by_its_name(data_tasks: Tasks, database: Database) -> None:
    database.psql(
        f"CREATE TABLE orders AS SELECT 1 AS n FROM generate_series(1, 2); ALTER DATABASE {database.name} CONNECTION LIMIT 3;SELECT pg_stat_reset()"
    )
    with contextlib.suppress(AssertionError):
        database.psql("CREATE UNIQUE INDEX CONCURRENTLY orders_n ON orders (n)")
    plant = ("BEGIN", "LOCK TABLE orders", f"SELECT count(*) FROM orders WHERE n::text = '{SECRET}'")
    with session(database, *plant) as holder, waiting(database, "ALTER TABLE orders ADD COLUMN note text"):
        ran = data_tasks.run(pg(database, transaction_age=1, idle_in_transaction=1, blocked_for=1))
        holder_pid = holder.info.backend_pid
    found, reasons = ran.result, "\n".join(ran.result["reasons"])
    assert not found["healthy"] and not found["changed"]
    for said in (
        f"backend {holder_pid} (night-shift, postgres): transaction open for",
        "idle in transaction for",
        "orders: backend",
        f"for AccessExclusiveLock, blocked by backend {holder_pid} (night-shift, postgres), idle in transaction",
        f"database {database.name}: 3 of 3 connections are in use (100 %)",
        "index orders_n of orders: is invalid",
    ):
        assert said in reasons, reasons
    assert "SELECT count(*) FROM orders WHERE n::text = '...'" in reasons and SECRET not in ran.full_output
    assert found["found"]["locks"][0]["blocked_by"][0]["pid"] == holder_pid


def test_data_is_compared_before_and_after_a_release(data_tasks: Tasks, database: Database) -> None:
    database.psql("CREATE TABLE customers AS SELECT generate_series(1, 100) n")
    query = {"name": "customers", "sql": "SELECT count(*) FROM customers WHERE n::text NOT LIKE '%x' -- all;"}
    before = data_tasks.run(pg(database, checks=[], queries=[{**query, "min": 100}])).result
    assert before["healthy"] and before["found"]["queries"] == {"customers": 100}
    database.psql("DELETE FROM customers WHERE n = 7")
    after = {**query, "max_drop_percent": 0}
    found, patient, gone = data_tasks.run(
        pg(database, checks=[], queries=[after], before=before),
        pg(database, checks=[], queries=[{**after, "max_drop_percent": 1}], before=before),
        pg(
            database,
            checks=[],
            queries=[
                {"name": "n", "sql": "SELECT sum(n) FROM nowhere"},
                {"name": "s", "sql": "SELECT 1 FROM pg_sleep(9)"},
            ],
            query_timeout=1,
        ),
    ).results
    assert (
        found["reasons"] == ["customers: fell from 100 to 99 (1 %), at most 0 % allowed"]
        and patient["healthy"]
    )
    assert [reason.partition(" (SQLSTATE")[0] for reason in gone["reasons"]] == [
        'n: PostgreSQL: relation "nowhere" does not exist',
        "s: PostgreSQL: canceling statement due to statement timeout",
    ]


WRITES = (
    "DELETE FROM customers RETURNING n",
    "WITH gone AS (DELETE FROM customers RETURNING n) SELECT count(*) FROM gone",
    "SELECT 1; COMMIT; DELETE FROM customers",
    "SELECT 1) AS x; COMMIT; DELETE FROM customers; SELECT * FROM (SELECT 1",
    "COMMIT",
    "SELECT take_away()",
    "SELECT nextval('numbers')",
)


def test_a_query_cannot_write(data_tasks: Tasks, database: Database) -> None:
    database.psql("CREATE TABLE customers AS SELECT generate_series(1, 100) n; CREATE SEQUENCE numbers")
    database.psql("CREATE FUNCTION take_away() RETURNS int LANGUAGE sql AS 'DELETE FROM customers; SELECT 1'")
    ran = data_tasks.run(*(pg(database, checks=[], queries=[{"name": "evil", "sql": sql}]) for sql in WRITES))
    for sql, result in zip(WRITES, ran.results, strict=True):
        assert (
            result["failed"]
            and "queries (evil).sql: found a statement that cannot be run" in result["msg"]
            and "allowed: a SELECT" in result["msg"]
        ), sql
    assert (
        database.psql("SELECT count(*) FROM customers") == "100"
        and database.psql("SELECT is_called FROM numbers") == "f"
    )


def test_what_is_hidden_from_a_role_is_unknown_and_pg_monitor_is_enough(
    data_tasks: Tasks, database: Database
) -> None:
    role = f"watcher_{uuid.uuid4().hex[:8]}"
    database.psql(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'; CREATE TABLE customers (n int)")
    login = {"login_user": role, "login_password": SECRET}
    secret = [{"name": "customers", "sql": "SELECT count(*) FROM customers"}]
    every = [
        "connections",
        "transactions",
        "locks",
        "replication",
        "slots",
        "wal",
        "archiver",
        "indexes",
        "tables",
        "wraparound",
        "disk",
    ]
    try:
        with session(database, "BEGIN", "SELECT 1"):
            time.sleep(1.1)
            first = data_tasks.run(pg(database, **login, checks=every, transaction_age=1, queries=secret))
            database.psql(f"GRANT pg_monitor TO {role}; GRANT SELECT ON customers TO {role}")
            second = data_tasks.run(pg(database, **login, checks=every, transaction_age=1, queries=secret))
    finally:
        database.psql(f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert (
        set(first.result["unknown"]) == {"transactions", "replication", "wal", "disk", "customers"}
        and first.result["healthy"]
    )
    assert (
        "pg_monitor" in first.result["unknown"]["transactions"]
        and "permission denied" in first.result["unknown"]["customers"]
    )
    assert set(second.result["unknown"]) <= {"disk"} and "night-shift" in second.result["reasons"][0]
    assert SECRET not in first.full_output + second.full_output


def test_a_login_that_is_wrong_is_refused_and_one_that_nobody_answers_is_unwell(
    data_tasks: Tasks, database: Database
) -> None:
    refused, silent = data_tasks.run(
        pg(database, login_password=SECRET),
        {
            "runbook.release.pg_health_info": {
                "login_host": "127.0.0.1",
                "login_port": free_port(),
                "login_password": SECRET,
            }
        },
    ).results
    assert refused["failed"] and "refused this user" in refused["msg"] and SECRET not in refused["msg"]
    assert (
        not silent["failed"]
        and not silent["healthy"]
        and "Connection refused" in silent["reasons"][0]
        and silent["found"] == {}
    )


@pytest.fixture(scope="module")
def pair() -> t.Iterator[tuple[PostgresCluster, PostgresCluster]]:
    """A primary with a small limit, whose archiving fails, and its standby."""
    with folder() as home, contextlib.ExitStack() as stack:
        settings = {
            "max_connections": 10,
            "superuser_reserved_connections": 3,
            "archive_mode": "on",
            "archive_command": "false",
            "wal_level": "replica",
        }
        primary = PostgresCluster(home, "primary").create(**settings).start()
        stack.callback(primary.stop)
        standby = PostgresCluster(home, "replica").standby_of(primary, "replica").start()
        stack.callback(standby.stop)
        yield primary, standby


def test_a_primary_its_standby_and_what_becomes_of_them(
    data_tasks: Tasks, pair: tuple[PostgresCluster, PostgresCluster]
) -> None:
    primary, standby = pair
    primary.psql("CREATE TABLE ledger AS SELECT generate_series(1, 1000) n; SELECT pg_switch_wal()")
    wait_for(lambda: primary.psql("SELECT failed_count > 0 FROM pg_stat_archiver") == "t")
    every = ["connections", "replication", "slots", "wal", "archiver", "disk"]
    up, follower = data_tasks.run(
        pg(primary, checks=every, standbys=1, disk_free_percent=0),
        pg(standby, checks=["replication", "slots", "disk"]),
    ).results
    (live,) = up["found"]["replication"]["standbys"]
    assert live["name"] == "replica" and live["state"] == "streaming" and live["lag_bytes"] < 1 << 20
    assert [reason.partition(" on ")[0] for reason in up["reasons"]] == [
        "archiver: archive_command fails"
    ] and up["unknown"] == {}
    assert up["found"]["disk"]["path"] == str(primary.data) and up["found"]["disk"]["total_bytes"] > 0
    assert (
        follower["found"]["server"]["standby"] and follower["found"]["replication"]["receiver"] == "streaming"
    )
    assert (
        follower["found"]["replication"]["role"] == "standby"
        and [reason for reason in follower["reasons"] if "standby" in reason] == []
    )

    standby.psql("SELECT pg_wal_replay_pause()")
    primary.psql("INSERT INTO ledger SELECT generate_series(1, 20000)")
    time.sleep(1.1)
    paused, ahead = data_tasks.run(
        pg(standby, checks=["replication"], replication_lag=1),
        pg(primary, checks=["replication"], replication_lag_bytes=65536),
    ).results
    assert "standby: its replay is paused" in paused["reasons"] and any(
        " behind" in reason for reason in paused["reasons"]
    )
    assert [
        reason
        for reason in ahead["reasons"]
        if reason.startswith("standby replica at 127.0.0.1: ") and reason.endswith(" behind")
    ]

    standby.stop()
    primary.psql("INSERT INTO ledger SELECT generate_series(1, 20000)")
    with contextlib.ExitStack() as sessions:
        for number in range(6):
            sessions.enter_context(session(primary, f"SELECT {number}"))
        down = data_tasks.run(
            pg(primary, checks=every, standbys=1, slot_bytes=65536, wal_bytes=1 << 24)
        ).result
    said = "\n".join(down["reasons"])
    for expected in (
        "replication: 0 standbys are streaming, at least 1 required",
        "replication slot replica: inactive, retains ",
        "pg_wal: ",
        "connections: 7 of 7 connections are in use (100 %)",
    ):
        assert expected in said, said
    dead = data_tasks.run(pg(standby, checks=["replication"])).result
    assert not dead["failed"] and not dead["healthy"] and "no connection to PostgreSQL" in dead["reasons"][0]


def at(redis: t.Any, **options: t.Any) -> Task:
    return {
        "runbook.release.redis_health_info": {
            **{f"login_{name}": value for name, value in redis.login.items()},
            **options,
        }
    }


class OwnRedis:
    """A Redis of a test's own, for what changes a server as a whole."""

    def __init__(self, home: Path, *options: str, password: str | None = None) -> None:
        self.home = home
        self.login: dict[str, t.Any] = {"host": "127.0.0.1", "port": free_port()}
        if password:
            self.login["password"], options = password, (*options, "--requirepass", password)
        command = [
            "redis-server",
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.login["port"]),
            "--dir",
            str(home),
            *options,
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.client = redis_py.Redis(**self.login)

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(self.login["port"]))):
            return True
        return False

    def stop(self) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()


@pytest.fixture
def own_redis(tmp_path: Path) -> t.Iterator[t.Callable[..., OwnRedis]]:
    with contextlib.ExitStack() as stack:

        def start(*options: str, **more: str) -> OwnRedis:
            home = tmp_path / f"redis-{uuid.uuid4().hex[:8]}"
            home.mkdir()
            server = OwnRedis(home, *options, **more)
            stack.callback(server.stop)
            wait_for(server.answers)
            return server

        yield start


def test_a_redis_that_is_well_and_logins_that_are_not(data_tasks: Tasks, redis: t.Any) -> None:
    client = redis_py.Redis(**redis.login)
    client.execute_command("ACL", "SETUSER", "watcher", "on", f">{SECRET}", "+ping")
    wrong = {"login_password": f"not-{SECRET}"}
    try:
        ran = data_tasks.run(
            at(redis),
            at(redis, **wrong),
            at(redis, login_user="watcher", login_password=SECRET, checks=["memory"]),
        )
    finally:
        client.execute_command("ACL", "DELUSER", "watcher")
        client.close()
    found, refused, blind = ran.results
    assert (found["healthy"], found["reasons"], found["unknown"], found["changed"]) == (True, [], {}, False)
    assert (
        found["found"]["server"]["role"] == "master"
        and found["found"]["connections"]["limit"] > 0
        and found["found"]["milliseconds"] > 0
    )
    assert refused["failed"] and "refused this user" in refused["msg"]
    assert not blind["failed"] and "permission" in blind["unknown"]["memory"].lower()
    assert SECRET not in ran.full_output


def test_a_redis_that_is_full_cannot_save_and_rejects(
    data_tasks: Tasks, own_redis: t.Callable[..., OwnRedis]
) -> None:
    server = own_redis("--maxclients", "5", "--save", "")
    server.client.set("big", b"x" * 2_500_000)
    (server.home / "dump.rdb").mkdir()  # in the place of the snapshot
    with pytest.raises(redis_py.ResponseError):
        server.client.execute_command("SAVE")
    with contextlib.suppress(redis_py.ResponseError):
        server.client.bgsave()
    wait_for(lambda: server.client.info()["rdb_last_bgsave_status"] != "ok")
    with contextlib.ExitStack() as sockets:
        for number in range(6):
            connection = sockets.enter_context(
                socket.create_connection(("127.0.0.1", int(server.login["port"])))
            )
            connection.sendall(b"PING\r\n")
            assert connection.recv(100), number
    server.client.config_set("maxmemory", 4_000_000)
    found = data_tasks.run(at(server, save_age=0, connections_percent=20, memory_percent=50)).result
    again = data_tasks.run(at(server, checks=["connections"], before=found)).result
    reasons = "\n".join(found["reasons"])
    for said in (
        "of maxmemory, and the policy is noeviction",
        "the last snapshot (BGSAVE) failed",
        "were rejected since the server's start",
        " of 5 are in use",
    ):
        assert said in reasons, reasons
    assert not found["failed"] and not found["healthy"] and again["healthy"]


def test_a_redis_and_its_replica(data_tasks: Tasks, own_redis: t.Callable[..., OwnRedis]) -> None:
    primary = own_redis("--save", "", "--repl-diskless-sync-delay", "0")
    replica = own_redis("--save", "", "--replicaof", "127.0.0.1", str(primary.login["port"]))
    wait_for(lambda: replica.client.info("replication")["master_link_status"] == "up")
    above, below = data_tasks.run(at(primary, replicas=1), at(replica)).results
    assert above["healthy"] and above["found"]["replication"]["replicas"][0]["state"] == "online"
    assert (
        below["healthy"] and below["found"]["replication"]["primary"] == f"127.0.0.1:{primary.login['port']}"
    )
    primary.stop()
    wait_for(lambda: replica.client.info("replication")["master_link_status"] != "up")
    gone, alone = data_tasks.run(at(primary), at(replica)).results
    assert not gone["failed"] and "Connection refused" in gone["reasons"][0]
    assert (
        f"replication: the link to the primary 127.0.0.1:{primary.login['port']} is down"
        in alone["reasons"][0]
    )


class Node(http.server.BaseHTTPRequestHandler):
    """A node of a blockchain that speaks JSON-RPC 1.0 to one user, and a status page for everybody."""

    answers: t.ClassVar[dict[str, t.Any]] = {
        "getblockchaininfo": {"blocks": 102, "headers": 104, "initialblockdownload": False},
        "getnetworkinfo": {"connections": 11},
    }
    asked: t.ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self._say(200 if self.path == "/status" else 503, {"state": "operational"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(f"{body['jsonrpc']} {body['method']} {json.dumps(body['params'])}")
        if self.headers["Authorization"] != "Basic ZXhjaGFuZ2U6Y29ycmVjdC1ob3JzZS05ZjM=":
            self._say(401, None)
        elif body["method"] in self.answers:
            self._say(200, {"result": self.answers[body["method"]], "error": None, "id": body["id"]})
        else:
            self._say(
                404,
                {"result": None, "error": {"code": -32601, "message": "Method not found"}, "id": body["id"]},
            )

    def _say(self, status: int, document: t.Any) -> None:
        body = json.dumps(document).encode() if document is not None else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: t.Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def node() -> t.Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Node)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Node.asked.clear()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def checked(data_tasks: Tasks, *checks: dict[str, t.Any], more: t.Sequence[str] = ()) -> Ran:
    return data_tasks.run(
        {"runbook.release.service_info": {"checks": list(checks), "attempts": 1}}, more=more
    )


def test_services_are_asked_by_tcp_http_and_json_rpc(data_tasks: Tasks, node: str) -> None:
    rpc = {"json_rpc": f"http://{node}", "user": "exchange", "password": SECRET}
    height = {**rpc, "name": "height", "call": "getblockchaininfo", "version": "1.0"}
    ran = checked(
        data_tasks,
        {"tcp": node},
        {"name": "nobody", "tcp": f"127.0.0.1:{free_port()}"},
        {
            "name": "status",
            "http": f"http://{node}/status",
            "json": [{"path": "state", "equals": "operational"}],
        },
        {"name": "broken", "http": f"http://{node}/else"},
        {**height, "json": [{"path": "result.blocks", "lag_behind": "result.headers", "max_lag": 2}]},
        {
            **height,
            "name": "late",
            "json": [{"path": "result.blocks", "lag_behind": "result.headers", "max_lag": 1}],
        },
        {
            **rpc,
            "name": "peers",
            "call": "getnetworkinfo",
            "params": [],
            "json": [{"path": "result.connections", "min": 12}],
        },
        {**rpc, "name": "typo", "call": "getblockchaninfo"},
        {**rpc, "name": "stranger", "password": f"not-{SECRET}", "call": "getnetworkinfo"},
        more=["--check"],
    )
    found = ran.result
    assert [reason for reason in found["reasons"] if not reason.startswith("nobody: ")] == [
        'broken: answered 503, wanted 200: {"state": "operational"}',
        "late: result.blocks is 102, 2 behind result.headers (104), at most 1 allowed",
        "peers: result.connections is 11, wanted at least 12",
        "typo: error -32601: Method not found",
        "stranger: answered 401, so it does not know this user",
    ]
    assert "Connection refused" in found["reasons"][0] and not found["changed"] and not found["healthy"]
    assert (
        found["found"]["peers"] == {"result.connections": 11} and Node.asked[0] == "1.0 getblockchaininfo []"
    )
    assert (
        "height: ok (" in ran.err and SECRET not in ran.full_output and "ZXhjaGFuZ2U6" not in ran.full_output
    )


def test_wrong_checks_are_refused_before_anything_is_asked(data_tasks: Tasks, node: str) -> None:
    ran = checked(
        data_tasks,
        {"name": "a", "json_rpc": f"http://{node}", "call": "getnetworkinfo"},
        {"name": "b", "json_rpc": f"http://{node}"},
    )
    assert (
        ran.failed
        and "checks[1] (b).call: is missing; allowed: the name of a method that only reads"
        in ran.result["msg"]
        and Node.asked == []
    )


def test_the_examples_run(
    data_tasks: Tasks, database: Database, own_redis: t.Callable[..., OwnRedis], node: str, tmp_path: Path
) -> None:
    database.fill(1000)
    database.psql("UPDATE orders SET created_at = now()")
    cache = own_redis("--save", "", password=SECRET)
    own_redis("--save", "", "--replicaof", "127.0.0.1", str(cache.login["port"]), "--masterauth", SECRET)
    wait_for(
        lambda: (
            cache.client.info("replication")["connected_slaves"] == 1
            and cache.client.info("replication")["slave0"]["state"] == "online"
        )
    )
    names = {
        "login_host: db-primary.example.com": f"login_host: {database.login['login_host']}",
        "login_user: release": f"login_user: {database.user}",
        "database: exchange": f"login_port: {database.port}\n    database: {database.name}",
        "login_host: redis.example.com": f"login_host: 127.0.0.1\n    login_port: {cache.login['port']}",
        "broker.example.com:5672": node,
        "https://mail.example.com": f"http://{node}",
        "btc-node.example.com:8332": node,
    }
    passwords = {
        "database_password": database.password,
        "redis_password": SECRET,
        "bitcoin_rpc_password": SECRET,
    }
    tasks = [task for module in HEALTH for task in examples(module, names)]
    # Their asserts tell whether all is well.
    done = data_tasks.run_plain(tasks, **passwords)
    assert done.rc == 0, done.output
    assert SECRET not in done.output and database.password not in done.output

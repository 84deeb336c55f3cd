# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores into a new database, the swap under traffic, and retention in a real bucket."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

import psycopg
import pytest

from tests.integration.support.playbooks.runner import kill
from tests.integration.support.playbooks.tasks import Tasks
from tests.integration.support.servers.backups import backup, drill, listed
from tests.integration.support.servers.databases import Bucket, Database
from tests.integration.support.waiting import wait_for, wait_for_none


@pytest.fixture
def saved(data_tasks: Tasks, database: Database, bucket: Bucket) -> str:
    """A verified backup of a database that has changed since; its id."""
    database.fill(5000)
    backup(data_tasks, database, bucket.store)
    taken: str = drill(data_tasks, database, bucket.store).result["backup"]["id"]
    database.psql("DELETE FROM ledger; UPDATE users SET full_name = 'gone'")
    return taken


def restore(tasks: Tasks, database: Database, bucket: Bucket, **more: t.Any) -> t.Any:
    return tasks.one("pg_restore", **database.login, **bucket.store, **more)


def test_it_goes_into_a_new_database_and_the_live_one_is_not_touched(
    saved: str, data_tasks: Tasks, database: Database, bucket: Bucket
) -> None:
    checked = data_tasks.run(
        {"runbook.release.pg_restore": {**database.login, **bucket.store}}, more=["--check"]
    )
    before = database.names()
    assert checked.result["changed"] and checked.result["database"] not in before
    ran = restore(data_tasks, database, bucket)
    target = ran.result["database"]
    assert (
        not ran.failed
        and target == checked.result["database"]
        and ran.result["backup"]["id"] == saved
        and ran.result["not_restored"] == []
    )
    assert (
        database.to(target).psql("SELECT count(*) FROM ledger") == "10000"
        and database.psql("SELECT count(*) FROM ledger") == "0"
    )
    again = restore(data_tasks, database, bucket)
    assert not again.result["changed"] and again.result["database"] == target


def test_the_swap_keeps_the_old_one_and_there_is_always_a_database_of_the_name(
    saved: str, data_tasks: Tasks, database: Database, bucket: Bucket
) -> None:
    problems: list[str] = []
    over = threading.Event()
    answers: list[int] = []

    def use() -> None:
        """An application with a connection of its own that comes back when it is ended."""
        while not over.is_set():
            try:
                with psycopg.connect(
                    host="127.0.0.1",
                    port=database.port,
                    user=database.user,
                    password=database.password,
                    dbname=database.name,
                ) as connection:
                    while not over.is_set():
                        answers.append(connection.execute("SELECT count(*) FROM ledger").fetchall()[0][0])
                        time.sleep(0.01)
            except psycopg.OperationalError as exc:
                problems.append(str(exc))

    users = [threading.Thread(target=use) for _number in range(4)]
    for user in users:
        user.start()
    try:
        ran = restore(data_tasks, database, bucket, swap=True)
        wait_for(lambda: bool(answers) and answers[-1] == 10000)
    finally:
        over.set()
        for user in users:
            user.join()
    assert not ran.failed and ran.result["database"] == database.name, ran.result
    assert set(answers) == {0, 10000} and problems
    # A connection that is made in the very moment of the renames is refused once, in these words.
    gone = [
        problem
        for problem in problems
        if "does not exist" in problem and "just been dropped or renamed" not in problem
    ]
    assert gone == []
    assert (
        database.psql("SELECT count(*) FROM ledger") == "10000"
        and database.to(ran.result["replaced"]).psql("SELECT count(*) FROM ledger") == "0"
    )
    again = restore(data_tasks, database, bucket, swap=True)
    assert not again.result["changed"] and again.result["replaced"] == ran.result["replaced"]


def test_a_database_that_is_there_already_is_never_written_over(
    saved: str, data_tasks: Tasks, database: Database, bucket: Bucket
) -> None:
    taken = f"{database.name}_mine"
    database.to("postgres").psql(f'CREATE DATABASE "{taken}"')
    other = restore(data_tasks, database, bucket, target=taken)
    assert (
        other.failed
        and "target: found" in other.result["msg"]
        and "no restore created it" in other.result["msg"]
    )
    live = restore(data_tasks, database, bucket, target=database.name)
    assert (
        live.failed
        and "the live database itself" in live.result["msg"]
        and database.psql("SELECT count(*) FROM users") == "500"
    )


def test_killed_in_the_middle_it_is_finished_by_the_next_run(
    saved: str, data_tasks: Tasks, database: Database, bucket: Bucket
) -> None:
    running = data_tasks.start(
        {"runbook.release.pg_restore": {**database.login, **bucket.store, "swap": True}}
    )
    wait_for(lambda: any(name.startswith(f"{database.name}_of_") for name in database.names()))
    kill(running)
    wait_for_none(database.sessions)
    assert database.psql("SELECT count(*) FROM users") == "500"
    ran = restore(data_tasks, database, bucket, swap=True)
    assert not ran.failed and database.psql("SELECT count(*) FROM ledger") == "10000"
    assert database.names() == [database.name, ran.result["replaced"]]


def test_owners_privileges_and_settings_come_back_with_the_roles(
    data_tasks: Tasks, database: Database, bucket: Bucket
) -> None:
    role = f"{database.name}_owner"
    database.fill(2000)
    database.to("postgres").psql(
        f"CREATE ROLE {role} LOGIN PASSWORD 'owner-password-1'; ALTER DATABASE {database.name} OWNER TO {role};"
        f"ALTER DATABASE {database.name} SET work_mem = '9MB'; ALTER DATABASE {database.name} SET search_path = public, pg_catalog;"
        f"REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC; ALTER DATABASE {database.name} CONNECTION LIMIT 33"
    )
    database.psql(f"ALTER TABLE orders OWNER TO {role}; GRANT SELECT ON users TO {role}")
    acl = "(SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a)::text"
    facts = (
        f"SELECT (SELECT pg_get_userbyid(datdba) || datconnlimit || {acl} FROM pg_database WHERE datname = current_database()),"
        " current_setting('work_mem'), current_setting('search_path'),"
        " (SELECT tableowner FROM pg_tables WHERE tablename = 'orders'), (SELECT relacl::text FROM pg_class WHERE relname = 'users')"
    )
    before = database.psql(facts)
    try:
        backup(data_tasks, database, bucket.store)
        drill(data_tasks, database, bucket.store)
        database.to("postgres").psql(
            f'DROP DATABASE "{database.name}" WITH (FORCE)', "-c", f"DROP ROLE {role}"
        )
        ran = restore(data_tasks, database, bucket, swap=True, globals=True)
        assert not ran.failed and ran.result["replaced"] is None and ran.result["not_restored"] == [], (
            ran.result
        )
        assert (
            database.psql(facts) == before
            and "owner-password-1" not in ran.full_output
            and "SCRAM" not in ran.full_output
        )
        with contextlib.closing(
            psycopg.connect(
                host="127.0.0.1",
                port=database.port,
                user=role,
                password="owner-password-1",
                dbname=database.name,
            )
        ) as there:
            assert there.execute("SELECT count(*) FROM orders").fetchall() == [(2000,)]
    finally:
        database.drop()
        database.to("postgres").psql(f"DROP ROLE IF EXISTS {role}")


def test_retention_in_the_bucket(saved: str, data_tasks: Tasks, database: Database, bucket: Bucket) -> None:
    newer = backup(data_tasks, database, bucket.store).result["backup"]["id"]
    newest = backup(data_tasks, database, bucket.store, kind="pre-deploy", release="2.4.0").result["backup"][
        "id"
    ]
    client = bucket.client()
    client.create_multipart_upload(Bucket=bucket.name, Key=f"{database.name}/torso/database.dump.zst")
    rules = {"keep": [{"kind": "manual", "count": 1}, {"kind": "pre-deploy", "count": 1}]}
    would = data_tasks.run({"runbook.release.pg_backup_prune": {**bucket.store, **rules}}, more=["--check"])
    assert would.result["removed"] == []  # the older one is the last verified one
    assert not drill(data_tasks, database, bucket.store, backup=newer).failed
    would = data_tasks.run({"runbook.release.pg_backup_prune": {**bucket.store, **rules}}, more=["--check"])
    assert would.result["removed"] == [saved] and len(listed(data_tasks, bucket.store)) == 3
    done = data_tasks.one("pg_backup_prune", **bucket.store, **rules)
    assert done.result["removed"] == [saved] and [
        found["id"] for found in listed(data_tasks, bucket.store)
    ] == [newest, newer]
    assert not any(key.startswith(saved) for key in bucket.names())
    assert (
        done.result["abandoned"] == [f"{database.name}/torso/database.dump.zst"] and bucket.unfinished() == []
    )  # moto dates all uploads 2010
    assert not data_tasks.one("pg_backup_prune", **bucket.store, **rules).result["changed"]

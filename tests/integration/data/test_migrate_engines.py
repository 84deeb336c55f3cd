# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engines that are programs of their own, as they are: db-migrate,
Sqitch, golang-migrate, Flyway (but its undo, which is not free).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from tests.integration.support.engines import db_migrate, flyway, sqitch
from tests.integration.support.engines.migrations import (
    Folder,
    reader_in_the_way,
    seconds_until_gone_after_kill_9,
    tasks_in,
)
from tests.integration.support.playbooks.tasks import Ran, Task
from tests.integration.support.processes import command_lines
from tests.integration.support.tiers import soak

TABLES = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
HEAD = "'use strict';\nexports.setup = function () {};\n"


class Service:
    """A folder of some engine's, on a database of its own."""

    def __init__(self, src: Path, database: t.Any, folder: Path, **options: t.Any) -> None:
        self.src, self.database, self.tasks, self.options = src, database, tasks_in(folder), options

    def task(self, **options: t.Any) -> Task:
        return {
            "runbook.release.pg_migrate": {
                **self.database.login,
                "src": str(self.src),
                "release": "2.4.0",
                **self.options,
                **options,
            }
        }

    def run(self, more: t.Sequence[str] = (), **options: t.Any) -> Ran:
        return self.tasks.run(self.task(**options), more=more)

    connect = Folder.connect


@pytest.fixture
def wallet(node_modules: Path, database: t.Any, tmp_path: Path) -> Service:
    src = tmp_path / "wallet"
    shutil.copytree(db_migrate.SERVICE, src)
    (src / "node_modules").symlink_to(node_modules)
    (src / ".env").write_text(
        "DATABASE_URL=postgres://nobody:nothing@127.0.0.1:1/elsewhere\n"
    )  # what the service itself uses is not what is migrated
    return Service(src, database, tmp_path / "tasks", engine="db_migrate")


def javascript(wallet: Service, name: str, up: str, down: str = "return null;") -> None:
    (wallet.src / "migrations" / f"{name}.js").write_text(
        f"{HEAD}exports.up = function (db) {{ {up} }};\nexports.down = function (db) {{ {down} }};\n"
    )


def test_db_migrate_in_check_mode_for_real_again_and_back(wallet: Service) -> None:
    planned = wallet.run(["--check"]).result
    assert planned["changed"] and wallet.database.psql(TABLES) == ""  # not even the table of db-migrate
    assert [(one["name"], one["kind"], one["reversible"]) for one in planned["pending"]] == [
        ("20261120080000-wallet", "expand", True),
        ("20261121093000-limits", "unknown", True),
    ]
    done = wallet.run().result
    assert done["changed"] and [one["name"] for one in done["applied"]] == [
        "20261120080000-wallet",
        "20261121093000-limits",
    ]
    assert (
        wallet.database.psql("SELECT name FROM migrations ORDER BY id")
        == "/20261120080000-wallet\n/20261121093000-limits"
    )
    assert (
        wallet.database.psql(
            "SELECT count(*) FROM information_schema.columns WHERE column_name = 'daily_limit'"
        )
        == "1"
    )
    assert not wallet.run().result["changed"]
    assert (
        "20261121093000-limits: its way down: a program"
        in wallet.run(state="down", to="20261120080000-wallet").result["msg"]
    )
    back = wallet.run(state="down", to="20261120080000-wallet", allow_data_loss=True).result
    assert back["changed"] and [one["name"] for one in back["reverted"]] == ["20261121093000-limits"]
    assert (
        wallet.database.psql(
            "SELECT count(*) FROM information_schema.columns WHERE column_name = 'daily_limit'"
        )
        == "0"
    )
    assert "its way down: line 3: drops what holds data" in wallet.run(state="down").result["msg"]
    assert (
        wallet.run(state="down", allow_data_loss=True).result["changed"]
        and wallet.database.psql("SELECT count(*) FROM migrations") == "0"
    )


def test_db_migrate_tells_the_sqlstate_and_what_was_edited(wallet: Service) -> None:
    javascript(
        wallet,
        "20261121100000-part",
        "return db.runSql('CREATE TABLE part (wallet bigint REFERENCES wallet); INSERT INTO part VALUES (99)');",
    )
    result = wallet.run().result
    assert (
        result["failed"]
        and result["changed"]
        and (result["sqlstate"], result["error_class"], result["migration"])
        == (
            "23503",
            "foreign_key_violation",
            "20261121100000-part",
        )
    )
    assert [one["name"] for one in result["applied"]] == [
        "20261120080000-wallet",
        "20261121093000-limits",
    ] and "went up before it" in result["msg"]
    assert "part" not in wallet.database.psql(TABLES).split()
    javascript(wallet, "20261121093000-limits", "return null;")
    assert "20261121093000-limits: was edited after it had been applied" in wallet.run().result["msg"]


def test_db_migrate_waits_for_a_reader_and_runs_what_wants_no_transaction(wallet: Service) -> None:
    assert wallet.run(count=1).result["changed"]
    javascript(
        wallet,
        "20261121100000-index",
        "return db.runSql('CREATE INDEX CONCURRENTLY wallet_owner ON wallet (owner)');",
    )
    with reader_in_the_way(wallet, 2):
        result = wallet.run(lock_timeout=300).result
    assert not result["failed"] and result["applied"][0]["attempts"] > 1
    assert (
        wallet.database.psql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'wallet_owner'::regclass")
        == "t"
    )


def test_db_migrate_that_never_ends_is_ended_with_its_backend(wallet: Service) -> None:
    javascript(
        wallet,
        "20261121100000-hang",
        "return db.runSql('LOCK TABLE wallet').then(function () { return new Promise(function () {}); });",
    )
    began = time.monotonic()
    result = wallet.run(timeout=8).result
    assert result["failed"] and result["error_class"] == "timeout" and time.monotonic() - began < 20
    assert wallet.database.sessions() == []


def test_kill_9_leaves_no_backend_of_db_migrate(wallet: Service) -> None:
    javascript(wallet, "20261121100000-slow", "return db.runSql('SELECT pg_sleep(60)');")
    assert seconds_until_gone_after_kill_9(wallet) < 5


def test_the_password_reaches_db_migrate_by_its_environment_alone(wallet: Service) -> None:
    javascript(wallet, "20261121100000-slow", "return db.runSql('SELECT pg_sleep(2)');")
    with command_lines() as seen:
        ran = wallet.run(["-vvv"])
    password = wallet.database.login["login_password"]
    assert ran.result["changed"] and password not in ran.full_output
    assert any("createRequire" in line for line in seen) and not any(password in line for line in seen)


def test_a_rehearsal_of_db_migrate_shows_what_its_programs_do(wallet: Service) -> None:
    assert wallet.run(count=1).result["changed"]
    javascript(wallet, "20261121100000-gone", "return db.removeColumn('wallet', 'owner');")
    copy, environment = f"{wallet.database.name}_copy", {**os.environ, **wallet.database.environment}
    subprocess.run(["createdb", "-T", wallet.database.name, copy], env=environment, check=True)
    try:
        result = wallet.run(state="rehearsed", rehearse_on=copy).result
    finally:
        subprocess.run(["dropdb", "--force", copy], env=environment, check=True)
    assert [(one["name"], one["kind"]) for one in result["pending"]] == [
        ("20261121093000-limits", "expand"),
        ("20261121100000-gone", "irreversible"),
    ]
    assert (
        result["way_back"] == "restore"
        and result["reasons"][0] == "20261121100000-gone: line 1: drops a column"
    )
    assert wallet.database.psql("SELECT count(*) FROM migrations") == "1"


def test_db_migrate_as_a_module_on_another_host(wallet: Service) -> None:
    ran = wallet.tasks.run(
        {**wallet.task(), "vars": {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"}},
        more=["-vvv"],
    )
    assert [one["name"] for one in ran.result["applied"]] == [
        "20261120080000-wallet",
        "20261121093000-limits",
    ]
    assert wallet.database.login["login_password"] not in ran.full_output


@pytest.fixture
def shop(database: t.Any, tmp_path: Path) -> Service:
    """A project of Sqitch."""
    src = tmp_path / "shop"
    sqitch.project(src)
    sqitch.change(src, "wallet", "CREATE TABLE wallet (id bigint PRIMARY KEY);", "DROP TABLE wallet;")
    return Service(src, database, tmp_path / "tasks", engine="sqitch")


def test_sqitch_in_check_mode_for_real_again_and_back(shop: Service) -> None:
    sqitch.change(
        shop.src,
        "limits",
        "ALTER TABLE wallet ADD COLUMN daily_limit bigint;",
        "ALTER TABLE wallet DROP COLUMN daily_limit;",
    )
    assert (
        shop.run(["--check"]).result["changed"]
        and shop.database.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'sqitch'") == "0"
    )
    done = shop.run()
    assert [one["name"] for one in done.result["applied"]] == ["wallet", "limits"] and shop.database.login[
        "login_password"
    ] not in done.full_output
    assert not shop.run().result["changed"]
    sqitch.change(shop.src, "again", "CREATE TABLE wallet (id int);", "SELECT 1;")
    result = shop.run().result
    assert (result["sqlstate"], result["error_class"], result["migration"]) == (
        "42P07",
        "already_exists",
        "again",
    )
    back = shop.run(state="down", allow_data_loss=True).result
    assert [one["name"] for one in back["reverted"]] == ["limits", "wallet"] and shop.database.psql(
        "SELECT count(*) FROM sqitch.changes"
    ) == "0"


# Flyway starts a Java machine a dozen times in each of these.
@pytest.fixture(params=["golang_migrate", soak("flyway")])
def contract(request: pytest.FixtureRequest, database: t.Any, tmp_path: Path) -> Service:
    src = tmp_path / "migrations"
    src.mkdir()
    path = str(
        request.getfixturevalue(
            {"flyway": "flyway_program", "golang_migrate": "migrate_program"}[request.param]
        )
    )
    service = Service(src, database, tmp_path / "tasks", engine=request.param, program=path)
    pair(service, 1, "wallet", "CREATE TABLE wallet (id bigint PRIMARY KEY);", "DROP TABLE wallet;")
    pair(
        service,
        2,
        "limits",
        "ALTER TABLE wallet ADD COLUMN daily_limit bigint;",
        "ALTER TABLE wallet DROP COLUMN daily_limit;",
    )
    return service


def pair(service: Service, number: int, name: str, up: str, down: str) -> str:
    """Gives the name of the migration."""
    if service.options["engine"] == "flyway":
        (service.src / f"V{number}__{name}.sql").write_text(up)
        (service.src / f"U{number}__{name}.sql").write_text(down)
        return f"V{number}__{name}"
    (service.src / f"{number}_{name}.up.sql").write_text(up)
    (service.src / f"{number}_{name}.down.sql").write_text(down)
    return f"{number}_{name}"


def test_a_command_line_in_check_mode_for_real_again_and_back(contract: Service) -> None:
    planned = contract.run(["--check"]).result
    assert len(planned["pending"]) == 2 and contract.database.psql(TABLES) == ""
    done = contract.run(["-vvv"])
    assert [one["name"] for one in done.result["applied"]] == [one["name"] for one in planned["pending"]], (
        done.full_output
    )
    assert contract.database.login["login_password"] not in done.full_output
    assert not contract.run().result["changed"]
    bad = pair(contract, 3, "bad", "ALTER TABLE wallet ADD COLUMN daily_limit text;", "SELECT 1;")
    result = contract.run().result
    assert result["failed"] and result["migration"] == bad and "daily_limit" in result["msg"], result
    pair(
        contract, 3, "bad", "ALTER TABLE wallet ADD COLUMN note text;", "ALTER TABLE wallet DROP COLUMN note;"
    )
    assert contract.run().result["changed"]
    if contract.options["engine"] == "flyway":
        refused = contract.run(state="down", count=2, allow_data_loss=True).result
        assert (
            refused["failed"]
            and not refused["changed"]
            and "undo is not supported by OSS Edition" in refused["msg"]
        )
        contract.options["program"] = with_undo(contract.tasks.folder)
    back = contract.run(state="down", count=2, allow_data_loss=True).result
    assert [one["name"] for one in back["reverted"]] == [bad, planned["pending"][1]["name"]]
    assert (
        contract.database.psql("SELECT count(*) FROM information_schema.columns WHERE table_name = 'wallet'")
        == "1"
    )


def with_undo(folder: Path) -> str:
    path = folder / "flyway"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {flyway.UNDO} "$@"\n')
    path.chmod(0o755)
    return str(path)


def test_a_command_line_builds_an_index_concurrently(contract: Service) -> None:
    """Flyway's own lock would be a transaction that the index waits for without end."""
    assert contract.run().result["changed"]
    index = pair(
        contract,
        3,
        "index",
        "CREATE INDEX CONCURRENTLY wallet_limit ON wallet (daily_limit);",
        "DROP INDEX CONCURRENTLY wallet_limit;",
    )
    ran = contract.run(timeout=30)
    assert [one["name"] for one in ran.result["applied"]] == [index], ran.full_output
    assert (
        contract.database.psql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'wallet_limit'::regclass")
        == "t"
    )


def test_a_command_line_is_tried_again_behind_a_lock(contract: Service) -> None:
    assert contract.run(count=1).result["changed"]
    with reader_in_the_way(contract, 2):
        ran = contract.run(lock_timeout=200)
    assert (
        not ran.result["failed"]
        and ran.result["applied"][0]["attempts"] > 1
        and "lock_timeout behind backend" in ran.err
    )


@pytest.mark.parametrize("contract", ["golang_migrate"], indirect=True)
def test_golang_migrate_is_not_dirty_where_its_very_first_migration_has_failed(contract: Service) -> None:
    pair(
        contract,
        1,
        "wallet",
        "CREATE TABLE wallet (id bigint PRIMARY KEY); SELECT 1 / 0;",
        "DROP TABLE wallet;",
    )
    result = contract.run().result
    assert (
        result["failed"]
        and "division by zero" in result["msg"]
        and contract.database.psql("SELECT count(*) FROM schema_migrations") == "0"
    )
    pair(contract, 1, "wallet", "CREATE TABLE wallet (id bigint PRIMARY KEY);", "DROP TABLE wallet;")
    assert [one["name"] for one in contract.run().result["applied"]] == ["1_wallet", "2_limits"]

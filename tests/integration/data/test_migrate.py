# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Migrations of a real PostgreSQL, with what goes wrong there at night."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import typing as t
from pathlib import Path

import psycopg
import pytest

from tests.integration.support.engines.migrations import (
    FIRST,
    Folder,
    reader_in_the_way,
    seconds_until_gone_after_kill_9,
    tasks_in,
    working,
)
from tests.integration.support.examples import examples
from tests.integration.support.playbooks.tasks import Task, Tasks
from tests.integration.support.processes import command_lines
from tests.integration.support.tiers import soak
from tests.integration.support.waiting import wait_for

LIMITS = {
    "20261121093000_limits.up.sql": "ALTER TABLE wallet ADD COLUMN daily_limit bigint;\n",
    "20261121093000_limits.down.sql": "ALTER TABLE wallet DROP COLUMN daily_limit;\n",
}
INDEX = {"20261121094000_owner_index.sql": "CREATE INDEX CONCURRENTLY wallet_owner ON wallet (owner);\n"}


@pytest.fixture
def tasks(tmp_path: Path) -> Tasks:
    return tasks_in(tmp_path / "tasks")


@pytest.fixture
def folder(tmp_path: Path, database: t.Any, tasks: Tasks) -> Folder:
    return Folder(tmp_path / "migrations", database, tasks)


@pytest.fixture
def wallet(folder: Folder) -> Folder:
    """After its first release."""
    assert folder.run(release="2.3.0").result["changed"]
    return folder


def test_check_mode_writes_nothing_and_the_second_run_changes_nothing(folder: Folder) -> None:
    folder.add({**LIMITS, **INDEX})
    planned = folder.run(["--check"]).result
    assert (
        planned["changed"]
        and folder.database.psql("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        == "0"
    )
    assert [
        (one["name"], one["kind"], one["transaction"], one["reversible"]) for one in planned["pending"]
    ] == [
        ("20261120080000_wallet", "data", True, False),
        ("20261121093000_limits", "expand", True, True),
        ("20261121094000_owner_index", "expand", False, False),
    ]
    assert planned["way_back"] == "restore" and "20261120080000_wallet: has no way down" in planned["reasons"]
    real = folder.run()
    assert real.result["changed"] and [one["name"] for one in real.result["applied"]] == [
        one["name"] for one in planned["pending"]
    ]
    assert real.result["diff"] == planned["diff"] and "+    - 20261121093000_limits\n" in real.out
    assert "20261121093000_limits: done in 0." in real.err
    assert folder.database.psql("SELECT count(*) FROM wallet WHERE daily_limit IS NULL") == "2"
    again = folder.run().result
    assert not again["changed"] and again["pending"] == [] and again["way_back"] == "app_only"


def test_down_takes_back_what_the_release_brought_and_asks_before_data_goes(wallet: Folder) -> None:
    wallet.add(LIMITS)
    assert wallet.run().result["way_back"] == "app_only"
    refused = wallet.run(state="down")
    assert (
        refused.failed
        and "its way down: line 1: drops a column; allow_data_loss=true lets it" in refused.result["msg"]
    )
    planned = wallet.run(["--check"], state="down", allow_data_loss=True).result
    assert planned["changed"] and planned["to_revert"] == ["20261121093000_limits"]
    done = wallet.run(state="down", allow_data_loss=True).result
    assert done["changed"] and [one["name"] for one in done["reverted"]] == ["20261121093000_limits"]
    assert (
        wallet.database.psql(
            "SELECT count(*) FROM information_schema.columns WHERE column_name = 'daily_limit'"
        )
        == "0"
    )
    assert not wallet.run(state="down", allow_data_loss=True).result["changed"]
    assert wallet.run().result["changed"]


def test_edited_late_and_missing_files_are_refused(wallet: Folder) -> None:
    wallet.add(
        {"20261120080000_wallet.sql": FIRST + "-- nothing\n", "20260101000000_late.sql": "SELECT 1;\n"}
    )
    result = wallet.run().result
    assert (
        result["failed"]
        and "20261120080000_wallet: was edited after it had been applied by release 2.3.0" in result["msg"]
    )
    assert (
        "20260101000000_late: comes before 20261120080000_wallet, which is applied already" in result["msg"]
        and "nothing was changed" in result["msg"]
    )
    (wallet.path / "20261120080000_wallet.sql").rename(wallet.path / "20261120090000_renamed.sql")
    assert "20261120080000_wallet: is applied, and its file is missing" in wallet.run().result["msg"]


def test_line_ends_of_windows_are_no_edit_and_an_edit_can_be_recorded(wallet: Folder) -> None:
    wallet.add({"20261120080000_wallet.sql": FIRST.replace("\n", "\r\n")})
    assert not wallet.run().result["changed"]
    wallet.add({"20261120080000_wallet.sql": FIRST + "-- said why\n"})
    assert wallet.run().failed
    assert (
        wallet.run(state="recorded").result["changed"] and not wallet.run(state="recorded").result["changed"]
    )
    assert not wallet.run().result["changed"]


def test_two_at_once_one_runs_and_the_other_says_who(wallet: Folder, tmp_path: Path) -> None:
    wallet.add(
        {"20261121093000_slow.sql": "SELECT pg_sleep(12);\nCREATE TABLE slow (id bigint PRIMARY KEY);\n"}
    )
    other = wallet.tasks.beside(tmp_path / "other")
    running = other.start(wallet.task())
    wait_for(
        lambda: (
            wallet.database.psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")
            == "1"
        )
    )
    refused = wallet.run().result
    assert (
        refused["failed"]
        and "another run holds the lock" in refused["msg"]
        and "runbook.release migrate 2.4.0" in refused["msg"]
    )
    waited = wallet.run(lock_wait_timeout=30)
    assert not waited.result["failed"] and "waiting for the lock" in waited.err
    assert running.wait(60) == 0
    assert json.loads((tmp_path / "other" / "result-0.json").read_text())["changed"]
    assert (
        wallet.database.psql("SELECT count(*) FROM runbook_release_migrations WHERE name LIKE '%slow'") == "1"
    )


def test_a_reader_in_the_way_delays_nobody_for_longer_than_lock_timeout(wallet: Folder) -> None:
    wallet.add(LIMITS)
    # What a read of a table takes that nobody migrates is the machine's
    # doing: it may stand still for longer than the tenth of a second.
    worst, over = {"wallet": 0.0, "pg_class": 0.0}, threading.Event()

    def read(table: str) -> None:
        with wallet.connect() as connection:
            while not over.is_set():
                began = time.monotonic()
                connection.execute(f"SELECT count(*) FROM {table}")
                connection.commit()
                worst[table] = max(worst[table], time.monotonic() - began)
                time.sleep(0.01)

    with reader_in_the_way(wallet, 8, "nightly report"):
        readers = [threading.Thread(target=read, args=[table]) for table in worst]
        for reader in readers:
            reader.start()
        ran = wallet.run(lock_timeout=500)
        over.set()
        for reader in readers:
            reader.join()
    result = ran.result
    assert result["changed"] and result["applied"][0]["attempts"] > 2
    assert worst["wallet"] <= 0.6 + worst["pg_class"], worst
    assert "lock_timeout behind backend" in ran.err and "nightly report" in ran.err


def test_lock_timeout_holds_beside_what_is_concurrent_in_one_file(wallet: Folder) -> None:
    name = "20261121094000_both.sql"
    wallet.add(
        {
            name: "ALTER TABLE wallet ADD COLUMN note text;\nCREATE INDEX CONCURRENTLY wallet_note ON wallet (note);\n"
        }
    )
    with reader_in_the_way(wallet, 2):
        ran = wallet.run(lock_timeout=200)
    assert (
        ran.result["applied"][0]["attempts"] > 1
        and "20261121094000_both: lock_timeout behind backend" in ran.err
    )
    assert (
        wallet.database.psql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'wallet_note'::regclass")
        == "t"
    )


def test_it_gives_up_at_the_end_of_its_window_and_names_who_is_in_the_way(wallet: Folder) -> None:
    wallet.add(LIMITS)
    with wallet.connect() as slow:
        slow.execute("SELECT count(*) FROM wallet")
        result = wallet.run(lock_timeout=100, retry_window=2).result
    assert result["failed"] and (result["sqlstate"], result["reaction"], result["error_class"]) == (
        "55P03",
        "retry",
        "lock_timeout",
    )
    assert (
        result["migration"] == "20261121093000_limits"
        and "holds a blocking lock: idle in transaction" in result["msg"]
        and "times within" in result["msg"]
    )


BAD = {
    "23503": (
        "CREATE TABLE part (wallet bigint REFERENCES wallet);\nINSERT INTO part VALUES (99);",
        "foreign_key_violation",
    ),
    "23505": ("CREATE TABLE once (a int UNIQUE);\nINSERT INTO once VALUES (1), (1);", "unique_violation"),
    "23502": ("INSERT INTO wallet (owner) VALUES (NULL);", "not_null_violation"),
    "23514": ("CREATE TABLE c (a int CHECK (a > 0));\nINSERT INTO c VALUES (0);", "check_violation"),
    "42P07": ("CREATE TABLE wallet (id int);", "already_exists"),
    "42701": ("ALTER TABLE wallet ADD COLUMN owner text;", "already_exists"),
    "42710": ("CREATE TYPE kind AS ENUM ('a');\nCREATE TYPE kind AS ENUM ('a');", "already_exists"),
    # Syntax that the parser does not take is refused before; this is what only the server sees.
    "42601": ("DO $$ BEGIN EXECUTE 'SELECT FROM FROM'; END $$;", "syntax_error"),
    "42P01": ("SELECT * FROM nowhere;", "undefined_object"),
    "42703": ("SELECT nothing FROM wallet;", "undefined_object"),
    "42501": ("SET ROLE pg_monitor;\nCREATE TABLE mine (id int);", "insufficient_privilege"),
    "57014": ("SELECT pg_sleep(5);", "statement_timeout"),
    "25001": (
        "DO $$ BEGIN EXECUTE 'CREATE INDEX CONCURRENTLY i ON wallet (owner)'; END $$;",
        "not_in_a_transaction",
    ),
    "53100": (
        "DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;",
        "disk_full",
    ),
    "40P01": ("DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$;", "deadlock"),
    "40001": (
        "DO $$ BEGIN RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001'; END $$;",
        "serialization_failure",
    ),
    "57P01": ("SELECT pg_terminate_backend(pg_backend_pid());", "admin_shutdown"),
    "25P03": ("DO $$ BEGIN RAISE EXCEPTION 'idle' USING ERRCODE = '25P03'; END $$;", "idle_in_transaction"),
}


@pytest.fixture(scope="module")
def kinds() -> dict[str, str]:
    retried = {code: "retry" for code in ("40P01", "40001")}
    return {**{code: "stop" for code in BAD}, **retried, "57P01": "reconnect"}


def test_every_row_of_the_table_is_reported_by_its_class(
    wallet: Folder, kinds: dict[str, str], tmp_path: Path
) -> None:
    """One task each; what it leaves behind is nothing, since each is one transaction."""
    given: list[Task] = []
    for code, (sql, _name) in BAD.items():
        there = tmp_path / code
        there.mkdir()
        (there / "20261120080000_wallet.sql").write_text(FIRST)
        (there / "20261121093000_bad.sql").write_text(sql + "\n")
        given.append(wallet.task(src=str(there), lint="skip", statement_timeout=1000, retry_window=1))
    results = wallet.tasks.run(*given).results
    classified = {
        code: (result["sqlstate"], result["reaction"], result["error_class"])
        for code, result in zip(BAD, results, strict=True)
    }
    assert classified == {code: (code, kinds[code], name) for code, (_sql, name) in BAD.items()}
    assert all(
        "20261121093000_bad.sql, line " in result["msg"] and "Next: " in result["msg"] for result in results
    )
    assert wallet.database.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "2"


def test_kill_9_leaves_no_backend_and_the_next_run_goes_on(wallet: Folder) -> None:
    wallet.add(
        {"20261121093000_slow.sql": "CREATE TABLE slow (id bigint PRIMARY KEY);\nSELECT pg_sleep(60);\n"}
    )
    assert seconds_until_gone_after_kill_9(wallet) < 5
    wallet.add({"20261121093000_slow.sql": "CREATE TABLE slow (id bigint PRIMARY KEY);\n"})
    assert wallet.run().result["changed"]


def test_what_a_dead_runner_left_is_ended_before_anything_runs(wallet: Folder) -> None:
    wallet.add(LIMITS)
    left = wallet.connect()
    left.execute("SET application_name = 'runbook.release migrating 2.3.9 deploy@runner-7 pid 4242'")
    left.execute("LOCK TABLE wallet")
    ran = wallet.run()
    assert (
        ran.result["applied"][0]["attempts"] == 1
        and "left behind by a runner that no longer exists" in ran.err
    )
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    left.close()


@pytest.mark.parametrize("name", ["migrating", soak("migrate")])
def test_a_lost_connection_is_made_anew_and_nothing_runs_twice(wallet: Folder, name: str) -> None:
    """That which works, and that which holds the lock."""
    wallet.add(
        {
            "20261121093000_slow.sql": "SELECT pg_sleep(3);\nCREATE TABLE slow (id bigint PRIMARY KEY);\n",
            **INDEX,
        }
    )
    running = wallet.tasks.start(wallet.task())
    wait_for(lambda: working(wallet) == 1)
    wallet.database.psql(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'runbook.release {name} %'"
    )
    output = running.communicate(timeout=60)[1]
    result = json.loads((wallet.tasks.folder / "result-0.json").read_text())
    assert not result["failed"] and "Connecting again" in output, output
    assert [one["name"] for one in result["applied"]] == ["20261121093000_slow", "20261121094000_owner_index"]
    assert (
        wallet.database.psql("SELECT count(*) FROM runbook_release_migrations WHERE applied_at IS NOT NULL")
        == "3"
    )


def test_an_interrupted_concurrent_index_is_dropped_and_built_anew(wallet: Folder) -> None:
    wallet.add(
        {
            "20261121094000_owner_index.sql": "CREATE TABLE note (id bigint PRIMARY KEY);\nCREATE INDEX CONCURRENTLY wallet_owner ON wallet (owner);\n"
        }
    )
    with wallet.connect() as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute(
            "SELECT count(*) FROM wallet"
        )  # an old snapshot: the index cannot become valid before it ends
        running = wallet.tasks.start(wallet.task())
        wait_for(lambda: wallet.database.psql("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == "1")
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        wait_for(lambda: working(wallet) == 0)
    planned = wallet.run(["--check"]).result
    assert planned["invalid_indexes"] == ["public.wallet_owner"]
    ran = wallet.run()
    assert ran.result["changed"] and "dropped the invalid index public.wallet_owner" in ran.err
    assert (
        wallet.database.psql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'wallet_owner'::regclass")
        == "t"
    )
    assert not wallet.run().result["changed"]


def test_a_half_applied_file_goes_on_where_it_stopped_and_may_be_fixed_behind(wallet: Folder) -> None:
    name = "20261121094000_parts.sql"
    parts = "CREATE TABLE note (id bigint PRIMARY KEY);\nDROP INDEX CONCURRENTLY {};\nCREATE INDEX CONCURRENTLY wallet_owner ON wallet (owner);\n"
    wallet.add({name: parts.format("nothing_like_it")})
    result = wallet.run().result
    assert result["failed"] and result["sqlstate"] == "42704" and f"{name}, line 2" in result["msg"]
    wallet.add({name: parts.format("nothing").replace("note", "memo")})
    assert (
        "is partly applied (1 statements are done), and these statements were edited since"
        in wallet.run().result["msg"]
    )
    wallet.add({name: parts.format("IF EXISTS nothing")})
    assert (
        wallet.run().result["changed"]
        and wallet.database.psql("SELECT to_regclass('wallet_owner')") == "wallet_owner"
    )


def test_the_wall_clock_ends_it(wallet: Folder) -> None:
    wallet.add({"20261121093000_slow.sql": "SELECT pg_sleep(60);\n"})
    began = time.monotonic()
    result = wallet.run(timeout=3, statement_timeout=0, lint="skip").result
    assert (
        result["failed"]
        and result["error_class"] == "timeout"
        and time.monotonic() - began < 10
        and working(wallet) == 0
    )


def test_lint_blocks_and_data_loss_is_asked_for(wallet: Folder) -> None:
    wallet.add({"20261121093000_drop.sql": "ALTER TABLE wallet\n  DROP COLUMN owner;\n"})
    result = wallet.run().result
    assert (
        "lint_block: found ban-drop-colum (did you mean ban-drop-column?)"
        in wallet.run(lint_block=["ban-drop-colum"]).result["msg"]
    )
    assert (
        result["failed"]
        and "line 2: ban-drop-column" in result["msg"]
        and "line 1: drops a column; allow_data_loss=true" in result["msg"]
    )
    assert (result["way_back"], result["pending"][0]["kind"]) == ("restore", "irreversible")
    wallet.add(
        {
            "20261121093000_drop.sql": "-- squawk-ignore ban-drop-column\nALTER TABLE wallet DROP COLUMN owner;\n"
        }
    )
    assert wallet.run(allow_data_loss=True).result["changed"]


SU = {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"}


@pytest.mark.parametrize(
    "options", [{}, {"url": True}, {"vars": SU}], ids=["in the controller", "by a URL", "as a module"]
)
def test_the_password_appears_nowhere(wallet: Folder, options: dict[str, t.Any]) -> None:
    wallet.add({"20261121093000_slow.sql": "SELECT pg_sleep(3);\n"})
    task, login = wallet.task(), wallet.database.login
    if "url" in options:
        given = {
            name: value for name, value in task["runbook.release.pg_migrate"].items() if name not in login
        }
        address = f"{login['login_host']}:{login['login_port']}/{login['database']}"
        task = {
            "runbook.release.pg_migrate": {
                **given,
                "login_url": f"postgresql://{login['login_user']}:{login['login_password']}@{address}",
            }
        }
    with command_lines() as seen:
        ran = wallet.tasks.run({**task, "vars": options.get("vars", {})}, more=["-vvv"], real_process=True)
    password = wallet.database.login["login_password"]
    assert ran.result["changed"] and password not in ran.full_output
    # What other tests run has other files.
    assert any(f"ansible-playbook\0--diff\0{wallet.tasks.folder}" in line for line in seen) and not any(
        password in line for line in seen
    )


@pytest.fixture
def copied(wallet: Folder) -> t.Iterator[t.Callable[[], str]]:
    """Copies the database anew."""
    name, environment = f"{wallet.database.name}_copy", {**os.environ, **wallet.database.environment}

    def copy() -> str:
        subprocess.run(
            ["dropdb", "--force", "--if-exists", name], env=environment, check=True, capture_output=True
        )
        subprocess.run(["createdb", "-T", wallet.database.name, name], env=environment, check=True)
        return name

    yield copy
    subprocess.run(
        ["dropdb", "--force", "--if-exists", name], env=environment, check=True, capture_output=True
    )


def test_a_rehearsal_runs_on_the_copy_alone_and_proves_the_way_down(
    wallet: Folder, copied: t.Callable[[], str]
) -> None:
    wallet.add(
        {**LIMITS, "20261121095000_rename.up.sql": "ALTER TABLE wallet RENAME COLUMN owner TO holder;\n"}
    )
    wallet.add({"20261121095000_rename.down.sql": "ALTER TABLE wallet RENAME COLUMN holder TO owner;\n"})
    options = {"state": "rehearsed", "rehearse_on": copied(), "lint": "report"}
    assert wallet.run(["--check"], **options).result["rehearsal"] == []
    result = wallet.run(**options).result
    assert not result["changed"] and [
        (one["name"], one["schema_restored"]) for one in result["rehearsal"]
    ] == [
        ("20261121093000_limits", True),
        ("20261121095000_rename", True),
    ]
    assert result["way_back"] == "down" and all(
        one["up_milliseconds"] >= 0 and one["down_milliseconds"] >= 0 for one in result["rehearsal"]
    )
    assert (
        wallet.database.psql(
            "SELECT count(*) FROM information_schema.columns WHERE column_name IN ('holder', 'daily_limit')"
        )
        == "0"
    )
    used = wallet.run(**options).result
    assert (
        used["failed"] and "is not a fresh copy of" in used["msg"] and "pending there: nothing" in used["msg"]
    )
    wallet.add({"20261121095000_rename.down.sql": "ALTER TABLE wallet RENAME COLUMN holder TO owned_by;\n"})
    copied()
    result = wallet.run(**options).result
    assert (
        result["way_back"] == "restore"
        and "20261121095000_rename: its way down does not restore the schema" in result["reasons"]
    )
    assert any("owned_by" in line for line in result["rehearsal"][1]["difference"])
    wallet.add({"20261121095000_rename.up.sql": "ALTER TABLE wallet RENAME COLUMN nothing TO holder;\n"})
    copied()
    answer = wallet.run(**options).result
    assert (
        answer["failed"]
        and "Rehearsal on" in answer["msg"]
        and "the database itself was not changed" in answer["msg"]
        and answer["sqlstate"] == "42703"
    )
    same = wallet.run(state="rehearsed", rehearse_on=wallet.database.name).result
    assert same["failed"] and "rehearse_on: found" in same["msg"]


def test_the_examples_run(wallet: Folder, copied: t.Callable[[], str]) -> None:
    wallet.add({**LIMITS})
    login = wallet.database.login
    names = {
        "login_host: db.example.com": f"login_host: {login['login_host']}\n    login_port: {login['login_port']}",
        "login_user: release": f"login_user: {login['login_user']}",
        "exchange_copy": copied(),
        "database: exchange": f"database: {login['database']}",
        "src: migrations": f"src: {wallet.path}",
    }
    given = [
        task for task in examples("pg_migrate", names) if "job" not in task["runbook.release.pg_migrate"]
    ]  # see test_migrate_job
    results = wallet.tasks.run(*given, database_password=login["login_password"]).results
    assert [(result["failed"], result["changed"]) for result in results] == [
        (False, True),
        (False, False),
        (False, True),
        (False, True),
    ]
    assert (
        results[1]["rehearsal"][0]["schema_restored"]
        and results[3]["reverted"][0]["name"] == "20261121093000_limits"
    )

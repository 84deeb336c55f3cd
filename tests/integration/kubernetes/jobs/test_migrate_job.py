# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Migrations whose program runs in a Job: golang-migrate itself, in an
image that holds it and the files, against the sandbox's PostgreSQL.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
import typing as t
import uuid
from pathlib import Path

import pytest
import yaml

from sandbox.settings import NODE_IP
from tests.integration.support.engines import db_migrate, sqitch
from tests.integration.support.engines.migrations import Folder, working
from tests.integration.support.examples import examples
from tests.integration.support.kubectl import Kubectl
from tests.integration.support.manifests import deployment
from tests.integration.support.playbooks.database_phases import Phases
from tests.integration.support.playbooks.runner import ROOT, Outcome, interrupt, kill
from tests.integration.support.playbooks.tasks import Ran, Task, Tasks
from tests.integration.support.tiers import soak
from tests.integration.support.waiting import wait_for, wait_for_none

INSIDE = "/app/migrations"
# Goes on until somebody inserts a row into the table go.
WAITS = "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM go) LOOP PERFORM pg_sleep(0.1); END LOOP; END $$;"


class Wallet:
    """A service whose image can migrate its own database.

    :ivar program: puts into a folder what its image needs beside the migrations.
    """

    engine = "golang_migrate"

    def __init__(
        self,
        sandbox: t.Any,
        program: t.Callable[[Path], object],
        database: t.Any,
        tasks: Tasks,
        space: Kubectl,
        folder: Path,
    ) -> None:
        self.database, self.tasks, self.space, self.src = database, tasks, space, folder / "migrations"
        self._sandbox, self._program = sandbox, program
        self.src.mkdir()
        self.job: dict[str, t.Any] = {
            "namespace": space.namespace,
            "src": INSIDE,
            "login_host": NODE_IP,
            "kubeconfig": str(sandbox.kubeconfig),
        }

    def add(self, name: str, up: str, down: str = "SELECT 1;") -> None:
        (self.src / f"{name}.up.sql").write_text(up)
        (self.src / f"{name}.down.sql").write_text(down)

    def waits(self, name: str, sql: str) -> subprocess.Popen[str]:
        """A run that has come to the middle of this migration, and stays there until it is let go."""
        self.database.psql("CREATE TABLE go (id int)")
        self.add(name, f"CREATE TABLE waiting (id int); {WAITS} {sql}")
        self.publish()
        running = self.tasks.start(self.task(statement_timeout=0))
        wait_for(lambda: working(self) == 1 and self.at() == f"{name[0]}|t", 60)
        return running

    def go(self) -> None:
        self.database.psql("INSERT INTO go VALUES (1)")

    def publish(self) -> str:
        """The image of a new version, with the files as they are now."""
        images = self._sandbox.demo.images
        context = self._sandbox.settings.root / "migrate-image" / uuid.uuid4().hex[:8]
        reference = f"{images.registry}/wallet-migrate:{context.name}"
        shutil.copytree(self.src, context / "migrations", symlinks=True)
        (context / "root").mkdir()
        self._program(context / "root")
        (context / "Dockerfile").write_text(
            f"FROM scratch\nCOPY root /\nCOPY migrations {INSIDE}\nENV PATH=/bin:/usr/bin\nUSER 65532:65532\n"
        )
        for command in (
            ["docker", "build", "--quiet", "--tag", reference, str(context)],
            ["docker", "push", reference],
        ):
            done = images.run(command)
            assert done.returncode == 0, done.stderr
        shutil.rmtree(context)
        self.job["image"] = reference
        return str(reference)

    def task(self, **options: t.Any) -> Task:
        given = {
            **self.database.login,
            "engine": self.engine,
            "src": str(self.src),
            "release": "2.4.0",
            "job": self.job,
            **options,
        }
        return {"runbook.release.pg_migrate": given}

    def run(self, more: t.Sequence[str] = (), **options: t.Any) -> Ran:
        return self.tasks.run(self.task(**options), more=more)

    def play(self, folder: Path, playbook: str, **variables: t.Any) -> Outcome:
        """A phase, or all of them, on an inventory with this database alone."""
        sources = [{"src": str(self.src), "engine": self.engine, "job": self.job}]
        phases = Phases(
            folder,
            self.tasks.runner,
            {"release_database": self.database.login, "release_migrations": sources, **variables},
        )
        return phases.run(playbook)

    def left(self) -> list[str]:
        """Names of Jobs, and of Secrets that Jobs own."""
        return [item["metadata"]["name"] for item in (*self.space.items("jobs"), *self.secrets())]

    def secrets(self) -> list[dict[str, t.Any]]:
        return [item for item in self.space.items("secrets") if "ownerReferences" in item["metadata"]]

    def begun(self) -> int:
        """How many Jobs there have ever been."""
        return sum(
            1
            for event in self.space.items("events")
            if event["involvedObject"]["kind"] == "Job" and event["reason"] == "SuccessfulCreate"
        )

    def tables(self) -> str:
        return str(
            self.database.psql(
                "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"
            )
        )

    def at(self) -> str:
        """What golang-migrate says of the database: its version, and whether it is dirty."""
        if self.database.psql("SELECT to_regclass('schema_migrations') IS NULL") == "t":
            return ""
        return str(self.database.psql("SELECT version, dirty FROM schema_migrations"))

    connect = Folder.connect


class NodeWallet(Wallet):
    """Its migrations are programs for db-migrate, which its image holds anyway."""

    engine = "db_migrate"

    def add(self, name: str, up: str, down: str = "SELECT 1;") -> None:
        ways = "".join(
            f"exports.{way} = function (db) {{ return db.runSql({json.dumps(sql)}); }};\n"
            for way, sql in (("up", up), ("down", down))
        )
        (self.src / "migrations").mkdir(exist_ok=True)
        (self.src / "migrations" / f"{name}.js").write_text(
            f"'use strict';\nexports.setup = function () {{}};\n{ways}"
        )


class SqitchWallet(Wallet):
    """Its image holds Sqitch, and a project of it."""

    engine = "sqitch"

    def add(self, name: str, up: str, down: str = "SELECT 1;") -> None:
        if not (self.src / "sqitch.plan").exists():
            sqitch.project(self.src)
        sqitch.change(self.src, name, up, down)


@pytest.fixture
def reached(sandbox: t.Any) -> t.Any:
    """The sandbox, of which pods reach the database."""
    if sandbox.demo.sandbox is None:
        pytest.skip("the database of the sandbox is reached by the pods of the sandbox alone")
    return sandbox


@pytest.fixture
def wallet(
    reached: t.Any, migrate_program: Path, database: t.Any, data_tasks: Tasks, space: Kubectl, tmp_path: Path
) -> Wallet:
    def program(folder: Path) -> None:
        (folder / "bin").mkdir()
        shutil.copy2(migrate_program, folder / "bin" / "migrate")

    found = Wallet(reached, program, database, data_tasks, space, tmp_path)
    found.add("1_wallet", "CREATE TABLE wallet (id bigint PRIMARY KEY);", "DROP TABLE wallet;")
    found.publish()
    return found


@pytest.fixture
def node_wallet(
    reached: t.Any, node_modules: Path, database: t.Any, data_tasks: Tasks, space: Kubectl, tmp_path: Path
) -> NodeWallet:
    found = NodeWallet(reached, db_migrate.node, database, data_tasks, space, tmp_path)
    shutil.copytree(node_modules, found.src / "node_modules", symlinks=True)
    found.add("20261120080000-wallet", "CREATE TABLE wallet (id bigint PRIMARY KEY)", "DROP TABLE wallet")
    found.add(
        "20261121093000-limits",
        "ALTER TABLE wallet ADD COLUMN daily_limit bigint",
        "ALTER TABLE wallet DROP COLUMN daily_limit",
    )
    found.publish()
    return found


@pytest.fixture
def sqitch_wallet(
    reached: t.Any, database: t.Any, data_tasks: Tasks, space: Kubectl, tmp_path: Path
) -> SqitchWallet:
    found = SqitchWallet(reached, sqitch.installed, database, data_tasks, space, tmp_path)
    found.add("wallet", "CREATE TABLE wallet (id bigint PRIMARY KEY);", "DROP TABLE wallet;")
    found.add(
        "limits",
        "ALTER TABLE wallet ADD COLUMN daily_limit bigint;",
        "ALTER TABLE wallet DROP COLUMN daily_limit;",
    )
    found.publish()
    return found


def test_in_check_mode_for_real_again_and_back(wallet: Wallet) -> None:
    wallet.add(
        "2_limits",
        "ALTER TABLE wallet ADD COLUMN daily_limit bigint;",
        "ALTER TABLE wallet DROP COLUMN daily_limit;",
    )
    wallet.publish()
    planned = wallet.run(["--check"]).result
    assert planned["changed"] and [one["name"] for one in planned["pending"]] == ["1_wallet", "2_limits"]
    assert wallet.tables() == "" and wallet.begun() == 0 and wallet.left() == []
    done = wallet.run()
    assert [one["name"] for one in done.result["applied"]] == ["1_wallet", "2_limits"] and wallet.begun() == 2
    assert (
        wallet.tables() == "runbook_release_migrations schema_migrations wallet" and "2/u limits" in done.err
    )
    assert not wallet.run().result["changed"] and wallet.begun() == 2
    back = wallet.run(state="down", count=1, allow_data_loss=True).result
    assert [one["name"] for one in back["reverted"]] == ["2_limits"] and wallet.at() == "1|f"
    wait_for_none(wallet.left)


def test_an_address_that_pods_do_not_reach_it_by_is_reported_and_not_tried_for_minutes(
    wallet: Wallet,
) -> None:
    wallet.job["login_port"] = 1
    result = wallet.run(retry_window=600).result
    assert result["failed"] and result["error_class"] == "connection_lost" and wallet.begun() == 3, result
    assert (
        f"{NODE_IP}:1/" in result["msg"]
        and "job.login_port" in result["msg"]
        and "not begun" not in result["msg"]
    )
    assert wallet.at() == "" and wallet.left() == []


def test_the_password_is_in_a_secret_alone_which_goes_with_the_job(wallet: Wallet) -> None:
    password = wallet.database.login["login_password"]
    image = wallet.job.pop("image")
    env = [
        {"name": "PGPASSWORD", "value": "of-the-service"},
        {"name": "PGHOST", "value": "nowhere.test"},
        {"name": "MODE", "value": "serve"},
    ]
    service = deployment("wallet", image, env=env)
    service["spec"]["replicas"] = 0
    wallet.space.apply(service)
    wallet.job["workload"] = "wallet"
    seen: list[str] = []
    running = wallet.waits("2_slow", "SELECT 1;")
    (job,), (pod,), (secret,) = (
        wallet.space.items("jobs"),
        wallet.space.items("pods", "--field-selector=status.phase=Running"),
        wallet.secrets(),
    )
    seen += [json.dumps(thing) for thing in (job, pod)]
    assert (
        secret["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
        and "PGPASSWORD" in secret["data"]
    )
    assert {"name": "MODE", "value": "serve"} in pod["spec"]["containers"][0]["env"] and job["spec"][
        "activeDeadlineSeconds"
    ] <= 1800
    wallet.go()
    said = t.cast("t.IO[str]", running.stderr).read()
    assert (
        running.wait(60) == 0
        and json.loads((wallet.tasks.folder / "result-0.json").read_text())["applied"][-1]["name"] == "2_slow"
    )
    wallet.add("3_more", "SELECT 3;")
    wallet.publish()
    ran = wallet.run(["-vvv"])
    assert ran.result["changed"]
    assert not any(
        password in text
        for text in (*seen, said, ran.full_output, wallet.space("get", "events", "-o", "json"))
    )
    wait_for_none(wallet.left)


def test_a_migration_that_fails_says_why_and_leaves_nothing(wallet: Wallet) -> None:
    wallet.add("2_bad", "ALTER TABLE wallet ADD COLUMN id text;")
    wallet.publish()
    result = wallet.run().result
    assert (
        result["failed"]
        and result["migration"] == "2_bad"
        and 'column "id" of relation "wallet" already exists' in result["msg"]
    )
    assert [one["name"] for one in result["applied"]] == ["1_wallet"] and wallet.at() == "1|f"
    wait_for_none(wallet.left)
    wallet.add("2_bad", "ALTER TABLE wallet ADD COLUMN note text;")
    wallet.publish()
    module = {
        **wallet.task(),
        "vars": {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"},
    }
    assert [one["name"] for one in wallet.tasks.run(module).result["applied"]] == ["2_bad"]


def test_what_cannot_start_is_reported_as_kube_job_tells_it(wallet: Wallet) -> None:
    wallet.job["image"] += "-not-there"
    result = wallet.run().result
    assert (
        result["failed"]
        and "will not start" in result["msg"]
        and "not found" in result["msg"]
        and "were removed" in result["msg"]
    )
    wallet.publish()
    result = wallet.run(program="nowhere").result
    assert result["failed"] and '"nowhere"' in result["msg"] and "executable file not found" in result["msg"]
    wallet.job["workload"] = "walet"
    result = wallet.run().result
    assert "walet" in result["msg"] and wallet.tables() == "runbook_release_migrations"
    wait_for_none(wallet.left)


def test_a_run_after_kill_9_waits_for_the_job_of_the_run_before(wallet: Wallet) -> None:
    kill(wallet.waits("2_slow", "SELECT 1;"))
    (job,) = wallet.space.items("jobs")
    looked = wallet.run(["--check"])
    assert "was started by another run" in looked.err and len(wallet.space.items("jobs")) == 1
    # Not that the table is dirty, and that a version has to be forced: the Job is at work.
    assert not looked.result["failed"] and [one["name"] for one in looked.result["pending"]] == ["2_slow"]
    begun = wallet.begun()
    letting = threading.Timer(8, wallet.go)
    letting.start()
    ran = wallet.run()
    letting.join()
    assert (
        f"Job {job['metadata']['name']} was started by a run that no longer exists; waiting for it to end"
        in ran.err
    )
    assert not ran.result["failed"] and ran.result["applied"] == [] and wallet.begun() == begun
    assert wallet.tables().split() == [
        "go",
        "runbook_release_migrations",
        "schema_migrations",
        "waiting",
        "wallet",
    ]
    assert wallet.at() == "2|f"
    assert not wallet.run().result["changed"] and wallet.database.sessions() == []
    wait_for_none(wallet.left)


def test_a_job_that_failed_while_nobody_watched_is_known_to_have_changed_nothing(wallet: Wallet) -> None:
    kill(wallet.waits("2_bad", "SELECT 1 / 0;"))
    wallet.go()
    wait_for(lambda: any("failed" in job["status"] for job in wallet.space.items("jobs")), 60)
    wallet.add("2_bad", "CREATE TABLE waiting (id int);")
    wallet.publish()
    result = wallet.run().result
    assert [one["name"] for one in result["applied"]] == ["2_bad"] and wallet.at() == "2|f"
    wait_for_none(wallet.left)


@pytest.mark.parametrize("number", [signal.SIGINT, soak(signal.SIGTERM)], ids=lambda number: number.name)
def test_an_interrupted_run_leaves_no_job_no_secret_and_no_backend(wallet: Wallet, number: int) -> None:
    running = wallet.waits("2_slow", "SELECT 1;")
    interrupt(running, number)
    # The controller may be gone before its worker has ended the Job.
    wait_for_none(lambda: [*wallet.left(), *wallet.database.sessions()], 60)


def test_a_migration_that_takes_too_long_is_ended_with_its_backend(wallet: Wallet) -> None:
    wallet.add("2_slow", "SELECT pg_sleep(60);")
    wallet.publish()
    began = time.monotonic()
    result = wallet.run(statement_timeout=0, timeout=15).result
    assert (
        result["failed"]
        and result["migration"] == "2_slow"
        and result["error_class"] in ("timeout", "statement_timeout")
        and time.monotonic() - began < 40
    )
    assert wallet.database.sessions() == []
    wait_for_none(wallet.left)


def test_behind_a_lock_it_is_tried_again(wallet: Wallet) -> None:
    wallet.add("2_limits", "ALTER TABLE wallet ADD COLUMN daily_limit bigint;")
    wallet.publish()
    assert wallet.run(count=1).result["changed"]
    with wallet.connect() as slow:
        slow.execute("SELECT count(*) FROM wallet")
        running = wallet.tasks.start(wallet.task())
        seen = t.cast("t.IO[str]", running.stderr)
        assert any("attempt 2" in line for line in seen)
        slow.rollback()
        seen.read()
    assert (
        running.wait(60) == 0
        and json.loads((wallet.tasks.folder / "result-0.json").read_text())["applied"][0]["attempts"] > 1
    )


def test_the_documented_roles_are_enough(wallet: Wallet, account: t.Callable[..., Path]) -> None:
    optional = {
        role["metadata"]["name"]: role
        for role in yaml.safe_load((ROOT / "docs" / "kubernetes_role_optional.yml").read_text())["items"]
    }
    release = yaml.safe_load((ROOT / "docs" / "kubernetes_role.yml").read_text())
    wallet.job["kubeconfig"] = str(account(release, optional["runbook-release-jobs"]))
    refused = wallet.run().result
    assert (
        refused["failed"]
        and "secrets" in refused["msg"]
        and "forbidden" in refused["msg"]
        and wallet.tables() == ""
        and wallet.begun() == 0
    )
    wallet.job["kubeconfig"] = str(
        account(release, optional["runbook-release-jobs"], optional["runbook-release-migrate"])
    )
    assert wallet.run().result["changed"]


@pytest.mark.parametrize("sql", ["SELECT 1;", soak("SELECT 1 / 0;")])
def test_a_release_after_kill_9_brings_the_job_to_its_end_before_it_backs_up(
    wallet: Wallet, tmp_path: Path, sql: str
) -> None:
    """Else the mark of what is at work, or has failed, is in
    the backup and in the copy that it is rehearsed on.
    """
    kill(wallet.waits("2_slow", sql))
    wallet.add("2_slow", "CREATE TABLE waiting (id int);")
    wallet.publish()
    letting = threading.Timer(8, wallet.go)
    letting.start()
    done = wallet.play(tmp_path, "release", release_backup={"store": {"path": str(tmp_path / "backups")}})
    letting.join()
    assert done.rc == 0 and wallet.at() == "2|f", done.output
    waited, _backup, _rest = done.err.partition("tables and")
    assert "was started by a run that no longer exists; waiting for it to end" in waited
    assert ("rehearsal: 2_slow took" in done.err) == ("0" in sql)
    wait_for_none(wallet.left)


def test_the_role_passes_it_through(wallet: Wallet, tmp_path: Path) -> None:
    done = wallet.play(tmp_path, "migrate")
    assert done.rc == 0 and wallet.at() == "1|f" and wallet.begun() == 1, done.output


@pytest.mark.soak
def test_db_migrate_in_the_image_of_its_service(node_wallet: NodeWallet) -> None:
    planned = node_wallet.run(["--check"]).result
    assert len(planned["pending"]) == 2 and node_wallet.tables() == "" and node_wallet.begun() == 0
    copy, environment = (
        f"{node_wallet.database.name}_copy",
        {**os.environ, **node_wallet.database.environment},
    )
    subprocess.run(["createdb", "-T", node_wallet.database.name, copy], env=environment, check=True)
    try:
        rehearsed = node_wallet.run(state="rehearsed", rehearse_on=copy)
    finally:
        subprocess.run(["dropdb", "--force", copy], env=environment, check=True)
    assert [one["schema_restored"] for one in rehearsed.result["rehearsal"]] == [
        True,
        True,
    ] and node_wallet.tables() == "", rehearsed.full_output
    # What its programs do is known by now.
    assert [one["kind"] for one in rehearsed.result["pending"]] == ["expand", "expand"] and rehearsed.result[
        "way_back"
    ] == "app_only"
    done = node_wallet.run(["-vvv"])
    assert (
        len(done.result["applied"]) == 2
        and node_wallet.tables() == "migrations runbook_release_migrations wallet"
    ), done.full_output
    assert (
        node_wallet.database.login["login_password"] not in done.full_output
        and not node_wallet.run().result["changed"]
    )
    node_wallet.add(
        "20261121100000-part",
        "CREATE TABLE part (wallet bigint REFERENCES wallet); INSERT INTO part VALUES (99)",
    )
    node_wallet.publish()
    result = node_wallet.run().result
    assert (result["sqlstate"], result["error_class"], result["migration"]) == (
        "23503",
        "foreign_key_violation",
        "20261121100000-part",
    )
    back = node_wallet.run(state="down", allow_data_loss=True).result
    assert [one["name"] for one in back["reverted"]] == [
        "20261121093000-limits",
        "20261120080000-wallet",
    ] and "wallet" not in node_wallet.tables().split()
    wait_for_none(node_wallet.left)


@pytest.mark.soak
def test_sqitch_in_the_image_of_its_service(sqitch_wallet: SqitchWallet) -> None:
    planned = sqitch_wallet.run(["--check"]).result
    assert len(planned["pending"]) == 2 and sqitch_wallet.tables() == "" and sqitch_wallet.begun() == 0
    done = sqitch_wallet.run(["-vvv"])
    assert [one["name"] for one in done.result["applied"]] == [
        "wallet",
        "limits",
    ] and sqitch_wallet.tables() == "runbook_release_migrations wallet", done.full_output
    assert (
        sqitch_wallet.database.login["login_password"] not in done.full_output
        and not sqitch_wallet.run().result["changed"]
    )
    sqitch_wallet.add(
        "part", "CREATE TABLE part (wallet bigint REFERENCES wallet); INSERT INTO part VALUES (99);"
    )
    sqitch_wallet.publish()
    result = sqitch_wallet.run().result
    assert (result["sqlstate"], result["error_class"], result["migration"]) == (
        "23503",
        "foreign_key_violation",
        "part",
    )
    back = sqitch_wallet.run(state="down", allow_data_loss=True).result
    assert [one["name"] for one in back["reverted"]] == [
        "limits",
        "wallet",
    ] and sqitch_wallet.tables() == "runbook_release_migrations"
    wait_for_none(sqitch_wallet.left)


def test_plain_sql_has_no_program_and_a_pod_is_not_this_machine(wallet: Wallet) -> None:
    del wallet.job["login_host"]
    result = wallet.run(engine="sql").result["msg"]
    assert (
        "job: found it with engine=sql" in result
        and "job.login_host: is missing, and login_host is 127.0.0.1" in result
    )


def test_the_example_runs(wallet: Wallet, registry: str) -> None:
    wallet.space.apply(deployment("wallet", f"{registry}/auth:1.0.0"))
    login = wallet.database.login
    names = {
        "login_host: db.example.com": f"login_host: {login['login_host']}\n    login_port: {login['login_port']}",
        "login_user: release": f"login_user: {login['login_user']}",
        "database: exchange": f"database: {login['database']}",
        "src: wallet/migrations": f"src: {wallet.src}",
        "namespace: exchange": f"namespace: {wallet.space.namespace}\n      login_host: {NODE_IP}",
        "registry.example.com/exchange/wallet:2.4.0": wallet.job["image"],
    }
    (example,) = [
        task for task in examples("pg_migrate", names) if "job" in task["runbook.release.pg_migrate"]
    ]
    ran = wallet.tasks.run(example, database_password=login["login_password"])
    assert ran.result["changed"] and wallet.at() == "1|f" and wallet.begun() == 1, ran.out

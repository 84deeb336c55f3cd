# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""pgbackrest_backup, pgbackrest_info and pgbackrest_drill on a
cluster of the test's own, with a repository on disk or in S3.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import ssl
import subprocess
import time
import typing as t
from pathlib import Path

import pytest

from sandbox.node.pki import SERVER, Keys
from tests.integration.support.examples import PGBACKREST, examples
from tests.integration.support.faults.s3_proxy import S3Proxy
from tests.integration.support.playbooks.runner import Outcome, local_play, signal_all
from tests.integration.support.playbooks.tasks import Task, Tasks
from tests.integration.support.servers.databases import Bucket
from tests.integration.support.servers.postgres_cluster import PostgresCluster, as_user, folder
from tests.integration.support.tiers import soak
from tests.integration.support.waiting import wait_for

SECRET = "correct-horse-4c1"
S3_SECRET = "battery-staple-7f2"
STANZA = "shop"


class Archived:
    """A cluster that archives into a repository, and the options of the modules for it."""

    def __init__(self, home: Path, **repository: object) -> None:
        """
        :param repository: options of it, without repo1- before their names and with _ for -.
        """
        self.home, self.repository, self.drills = home, home / "repo", home / "drills"
        self.drills.mkdir()
        shutil.chown(self.drills, "postgres")
        self.config = home / "pgbackrest.conf"
        self.cluster = PostgresCluster(home)
        archive = f"pgbackrest --config={self.config} --stanza={STANZA} archive-push %p"
        self.config.write_text(
            f"[global]\nrepo1-path={self.repository}\nrepo1-retention-full=9\nrepo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass={SECRET}\n"
            + "".join(f"repo1-{name.replace('_', '-')}={value}\n" for name, value in repository.items())
            + f"log-path={home}\nlock-path={home}/lock\nspool-path={home}/spool\nlog-level-file=off\nstart-fast=y\narchive-timeout=20\n"
            f"[{STANZA}]\npg1-path={self.cluster.data}\npg1-port={self.cluster.port}\npg1-socket-path={home}\n"
        )
        self.cluster.create(archive_mode="on", archive_command=archive, autovacuum="off").start()
        self.run("stanza-create")
        (home / "fast").mkdir()
        shutil.chown(home / "fast", "postgres")
        self.psql(f"CREATE TABLESPACE fast LOCATION '{home}/fast'")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return as_user("pgbackrest", f"--config={self.config}", f"--stanza={STANZA}", *command, check=check)

    def psql(self, sql: str) -> str:
        return self.cluster.psql(sql)

    def task(self, module: str, **options: t.Any) -> Task:
        given = {"stanza": STANZA, "config": str(self.config)}
        own: dict[str, dict[str, t.Any]] = {
            "backup": self.cluster.login,
            "drill": {"directory": str(self.drills)},
            "info": {},
        }
        return {f"runbook.release.pgbackrest_{module}": {**given, **own[module], **options}}

    def segments(self) -> list[Path]:
        return sorted(path for path in (self.repository / "archive").rglob("0*-*") if path.is_file())

    def leftovers(self) -> list[str]:
        """Folders and processes of drills."""
        running = subprocess.run(
            ["pgrep", "-f", str(self.drills)], capture_output=True, text=True, check=False
        ).stdout.split()
        return [*(path.name for path in self.drills.iterdir() if not path.name.endswith("lock")), *running]


@pytest.fixture
def archived() -> t.Iterator[Archived]:
    with folder() as home, contextlib.ExitStack() as stack:
        made = Archived(home)
        stack.callback(made.cluster.stop)
        made.psql("CREATE TABLE orders TABLESPACE fast AS SELECT generate_series(1, 1000) AS n")
        yield made


def orders(least: int, most: int) -> list[dict[str, t.Any]]:
    return [{"name": "orders", "sql": "SELECT count(*) FROM orders", "min": least, "max": most}]


def test_a_release_is_backed_up_and_a_drill_finds_only_what_was_there_before_it(
    data_tasks: Tasks, archived: Archived
) -> None:
    release = archived.task("backup", release="2.4.0", reuse_within=600)
    plan, first, again, full = data_tasks.run(
        {**release, "check_mode": True},
        release,
        release,
        archived.task("backup", type="full", reuse_within=600),
    ).results
    assert [r.get("msg") for r in (plan, first, again, full)] == [None] * 4
    assert plan["changed"] and plan["backup"] is None and plan["restore_point"] == "pre_2.4.0"
    assert (
        first["changed"]
        and first["backup"]["type"] == "full"
        and first["backup"]["restore_point"] == first["restore_point"] == "pre_2.4.0"
    )
    assert (
        not again["changed"] and again["backup"]["label"] == first["backup"]["label"] and not full["changed"]
    )

    archived.psql("DELETE FROM orders WHERE n > 10")  # what the release does
    later = data_tasks.run(archived.task("backup", type="diff")).result
    assert (
        later["changed"]
        and later["backup"]["type"] == "diff"
        and later["backup"]["label"].startswith(first["backup"]["label"])
    )

    point = archived.task(
        "drill", target_type="name", target="pre_2.4.0", queries=orders(1000, 1000), reuse_within=600
    )
    ran = data_tasks.run(
        {**point, "check_mode": True},
        point,
        point,
        archived.task("drill", queries=orders(10, 10)),
        archived.task(
            "drill", target_type="immediate", set=first["backup"]["label"], queries=orders(1000, 1000)
        ),
        archived.task("drill", target_type="name", target="pre_2.4.0", queries=orders(1, 10)),
        archived.task("drill", target_type="name", target="pre_2.5.0"),
        archived.task("info"),
    )
    checked, before, same, newest, immediate, wrong, nowhere, info = ran.results
    assert checked["changed"] and checked["rto_seconds"] is None
    assert (
        before["changed"]
        and before["found"]["queries"] == {"orders": 1000}
        and before["backup"]["label"] == first["backup"]["label"]
    )
    assert (
        before["rto_seconds"] >= 0
        and before["backup"]["verified"]
        and before["found"]["databases"]["postgres"] > 1_000_000
    )
    assert not same["changed"] and same["rto_seconds"] == before["rto_seconds"]
    assert (
        newest["backup"]["label"] == later["backup"]["label"]
        and newest["found"]["queries"] == {"orders": 10}
        and "/" in newest["recovered_to"]
    )
    assert not immediate["failed"]
    assert (
        wrong["failed"]
        and "orders: is 1000, at most 10 allowed" in wrong["msg"]
        and "not marked as verified" in wrong["msg"]
    )
    assert (
        nowhere["failed"] and "recovery ended before configured recovery target was reached" in nowhere["msg"]
    )
    assert info["healthy"], info["reasons"]
    assert [bool(backup["verified"]) for backup in info["backups"]] == [True, True] and info["wal"][
        "gaps"
    ] == []
    assert archived.leftovers() == [] and SECRET not in ran.full_output
    # The copies came with archive_command of the original, and used it not.
    assert archived.psql("SELECT failed_count FROM pg_stat_archiver") == "0" and not any(
        path.name.startswith("00000002") for path in archived.segments()
    )


@pytest.fixture
def over_tls(sandbox: t.Any, bucket: Bucket) -> t.Iterator[dict[str, object]]:
    """The options of a repository in the bucket. pgBackRest speaks
    to S3 over TLS alone, and knows no addresses in certificates.
    """
    with folder() as place:
        keys = Keys(place)
        keys.certificate("s3", "s3", keys.authority("s3-ca"), [SERVER], alternatives=["localhost"])
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(keys.path("s3.crt"), keys.path("s3.key"))
        proxy = S3Proxy(sandbox.settings.s3_url, lambda _method, _path: None, context)
        with proxy.running():
            yield {
                "type": "s3", "s3_bucket": bucket.name, "s3_endpoint": "localhost", "storage_port": proxy.port, "storage_ca_file": keys.path("s3-ca.crt"),
                "bundle": "y", "s3_uri_style": "path", "s3_region": "us-east-1", "s3_key": "key", "s3_key_secret": S3_SECRET,
            }  # fmt: skip


@pytest.mark.soak
def test_in_a_bucket_it_is_the_same(data_tasks: Tasks, over_tls: dict[str, object]) -> None:
    with folder() as home, contextlib.ExitStack() as stack:
        archived = Archived(home, **over_tls)
        stack.callback(archived.cluster.stop)
        archived.psql("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS n")
        taken = data_tasks.run(archived.task("backup", release="2.4.0"))
        assert taken.result["backup"]["type"] == "full" and not archived.repository.exists(), (
            taken.full_output
        )
        archived.psql("DELETE FROM orders WHERE n > 10")
        ran = data_tasks.run(
            archived.task("backup", type="diff"),
            archived.task("drill", target_type="name", target="pre_2.4.0", queries=orders(1000, 1000)),
            archived.task("drill", queries=orders(10, 10)),
            archived.task("info"),
            more=["-vvv"],
        )
        later, before, newest, info = ran.results
        assert (
            later["backup"]["type"] == "diff"
            and before["found"]["queries"] == {"orders": 1000}
            and newest["found"]["queries"] == {"orders": 10}
        ), ran.full_output
        assert (
            info["healthy"]
            and [bool(backup["verified"]) for backup in info["backups"]] == [True, True]
            and info["wal"]["gaps"] == []
        )
        assert (
            S3_SECRET not in ran.full_output + taken.full_output
            and SECRET not in ran.full_output + taken.full_output
            and archived.leftovers() == []
        )


def test_a_damaged_repository_is_red(data_tasks: Tasks, archived: Archived) -> None:
    data_tasks.run(archived.task("backup"))
    backup = archived.repository / "backup" / STANZA
    (label,) = (path.name for path in backup.iterdir() if path.name.endswith("F"))
    victim = max(
        (path for path in (backup / label).rglob("*") if path.is_file() and "pg_data" in str(path)),
        key=lambda path: path.stat().st_size,
    )
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0xFF
    victim.write_bytes(content)
    assert archived.run("verify", check=False).returncode == 0  # so nobody hears of it
    info, drill = data_tasks.run(archived.task("info", verify=True), archived.task("drill")).results
    assert not info["failed"] and not info["healthy"] and info["reasons"][0].startswith("verify: ")
    assert (
        drill["failed"]
        and "cannot be restored" in drill["msg"]
        and "ended with code" in drill["msg"]
        and archived.leftovers() == []
    )


def test_wal_that_is_missing_is_red(data_tasks: Tasks, archived: Archived) -> None:
    data_tasks.run(archived.task("backup"))
    for number in range(4):
        archived.psql(f"INSERT INTO orders VALUES ({number}); SELECT pg_switch_wal()")
    archived.run("check")
    lost = archived.segments()[-3]
    lost.unlink()
    assert archived.run("verify", check=False).returncode == 0
    info, newest, immediate = data_tasks.run(
        archived.task("info"),
        archived.task("drill"),
        archived.task("drill", target_type="immediate", queries=orders(1000, 1000)),
    ).results
    said = f"WAL {lost.name.partition('-')[0]} is missing: no later point can be reached from"
    assert said in info["reasons"][0] and info["wal"]["gaps"] == [lost.name.partition("-")[0]]
    assert newest["failed"] and said in newest["msg"] and "nothing was restored" in newest["msg"]
    assert not immediate["failed"], immediate.get("msg")

    own = archived.segments()
    backup = info["backups"][0]
    next(path for path in own if path.name.startswith(backup["wal_stop"])).unlink()
    info, none = data_tasks.run(
        archived.task("info"), archived.task("drill", target_type="immediate")
    ).results
    assert (
        f"{backup['label']}: cannot be restored, its WAL {backup['wal_stop']} is missing"
        in info["reasons"][0]
    )
    assert none["failed"] and "nothing was restored" in none["msg"] and archived.leftovers() == []


def test_the_role_configures_all_of_it_once(data_tasks: Tasks, tmp_path: Path) -> None:
    with folder() as home, contextlib.ExitStack() as stack:
        cluster = PostgresCluster(home).create(autovacuum="off").start()
        stack.callback(cluster.stop)
        # As Debian has it: whoever comes by the socket has to be the very user.
        (cluster.data / "pg_hba.conf").write_text("local all all peer\nhost all all 127.0.0.1/32 trust\n")
        cluster.psql("SELECT pg_reload_conf()")
        variables = {
            "pgbackrest_stanza": STANZA,
            "pgbackrest_data_directory": str(cluster.data),
            "pgbackrest_port": cluster.port,
            "pgbackrest_socket_directory": str(home),
            "pgbackrest_repository": {"path": str(home / "repo")},
            "pgbackrest_cipher_pass": SECRET,
            "pgbackrest_settings": {
                "log-level-file": "off",
                "lock-path": f"{home}/lock",
                "spool-path": f"{home}/spool",
                "archive-timeout": 20,
            },
            "pgbackrest_config": str(home / "etc" / "pgbackrest.conf"),
            "pgbackrest_package": "",
            "pgbackrest_timers": False,
        }
        play = local_play(vars=variables, roles=["runbook.release.pgbackrest"])

        def run(*more: str) -> Outcome:
            return data_tasks.runner.run_play(play, tmp_path, "--diff", *more, timeout=120)

        checked, first, waits = run("--check"), run(), run()
        assert checked.rc == 0, checked.output
        assert first.rc != 0 and "archive_mode takes effect with a restart only" in first.out
        assert "changed=0" in waits.out and waits.rc != 0
        cluster.stop()
        cluster.start()
        timed, second, third = run("--check", "-e", '{"pgbackrest_timers": true}'), run(), run()
        assert (
            cluster.psql("SHOW archive_command")
            == f"{shutil.which('pgbackrest')} --config={home}/etc/pgbackrest.conf --stanza={STANZA} archive-push %p"
        )
        assert second.rc == third.rc == 0, second.output + third.out
        # Not every machine that tests has systemd; what would be written is shown.
        assert (
            f"ExecStart=/usr/bin/env pgbackrest --config={home}/etc/pgbackrest.conf --stanza={STANZA} --type=diff backup"
            in timed.out
        ), timed.out
        assert "OnCalendar=*-*-* 02:00" in timed.out
        assert "changed=0" in second.out and "changed=0" in third.out
        given = {"stanza": STANZA, "config": variables["pgbackrest_config"]}
        login = {
            "login_host": str(home),
            "login_port": cluster.port,
            "login_user": "postgres",
            "database": "postgres",
        }
        ran = data_tasks.run(
            {"runbook.release.pgbackrest_backup": {**given, **login, "release": "2.4.0"}},
            {"runbook.release.pgbackrest_info": given},
        )
        assert (
            ran.results[0]["changed"]
            and ran.results[0]["backup"]["restore_point"] == "pre_2.4.0"
            and ran.results[1]["healthy"]
        ), ran.results
        assert cluster.psql("SHOW archive_mode") == "on"
        assert SECRET not in ran.full_output + "".join(
            done.output for done in (checked, first, second, third)
        )
        assert (
            oct((home / "etc" / "pgbackrest.conf").stat().st_mode)[-3:] == "640"
            and SECRET in (home / "etc" / "pgbackrest.conf").read_text()
        )


@pytest.mark.parametrize("stage", ["postgres", soak("pgbackrest")])
def test_a_drill_that_was_killed_is_cleared_away_by_the_next(
    data_tasks: Tasks, archived: Archived, stage: str
) -> None:
    data_tasks.run(archived.task("backup"))

    def in_stage() -> bool:
        output = subprocess.run(
            ["pgrep", "-f", "-a", str(archived.drills)], capture_output=True, text=True, check=False
        ).stdout
        return any(line.split()[1].endswith(stage) for line in output.splitlines())

    # The copy stays up while its user's question takes its time.
    slow = [{"name": "slow", "sql": "SELECT 1 FROM pg_sleep(60)"}]
    with data_tasks.start(archived.task("drill", queries=slow, query_timeout=90)) as killed:
        wait_for(in_stage)
        signal_all(killed, signal.SIGKILL)
        killed.communicate()
    assert archived.leftovers() != []
    ran = data_tasks.run(archived.task("drill", queries=orders(1000, 1000)))
    assert not ran.failed, ran.result.get("msg")
    assert archived.leftovers() == [] and "left behind by a drill that was killed" in ran.err


def test_two_at_a_time_and_a_server_that_is_down_are_refused(data_tasks: Tasks, archived: Archived) -> None:
    data_tasks.run(archived.task("backup"))
    slow = [{"name": "slow", "sql": "SELECT 1 FROM pg_sleep(6)"}]
    lock = archived.home / "lock" / f"{STANZA}-backup.lock"
    with data_tasks.start(archived.task("drill", queries=slow)) as first:
        wait_for(lambda: list(archived.drills.glob("*/.s.PGSQL.5432")))
        other = data_tasks.beside(data_tasks.folder / "other")
        assert "another drill runs in" in other.run(archived.task("drill")).result["msg"]
        first.communicate()
    holder = subprocess.Popen(["flock", str(lock), "sleep", "60"], start_new_session=True)
    try:
        time.sleep(0.5)
        busy = data_tasks.run(archived.task("backup")).result
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
    assert (
        busy["failed"]
        and "another pgBackRest process works on this stanza" in busy["msg"]
        and "nothing was changed" in busy["msg"]
    )
    archived.cluster.stop()
    down = data_tasks.run(archived.task("backup"))
    assert (
        down.failed and "check that PostgreSQL runs" in down.result["msg"] and SECRET not in down.full_output
    )


def test_wrong_input_is_refused_before_anything_is_done(data_tasks: Tasks, archived: Archived) -> None:
    results = data_tasks.run(
        archived.task("backup", release="2.4.0 beta"),
        archived.task("info", stanza="shopp"),
        archived.task("drill", target="pre_2.4.0"),
        archived.task("drill"),
        archived.task("backup", user="nobody-knows"),
        archived.task("info", wal_segment_bytes=17),
    ).results
    for result, said in zip(
        results,
        (
            "release: found 2.4.0 beta; allowed: letters, digits and ._+-",
            "shopp",
            "target: found pre_2.4.0 with target_type default; allowed: a target with name, time and lsn",
            "There is no backup in the repository.",
            "user: found nobody-knows, which this machine does not know",
            "wal_segment_bytes: found 17; allowed: a power of two",
        ),
        strict=True,
    ):
        assert said in str(result.get("msg", result.get("reasons"))), result
    assert archived.leftovers() == []


def test_the_examples_run_also_as_modules(data_tasks: Tasks, archived: Archived, tmp_path: Path) -> None:
    """With become they are no part of the controller."""
    names = {
        "stanza: exchange": f"stanza: {STANZA}\n    config: {archived.config}",
        "login_host: /var/run/postgresql": f"login_host: {archived.home}\n    login_port: {archived.cluster.port}",
        "directory: /var/tmp": f"directory: {archived.drills}",
        "database: exchange": "database: postgres",
        "FROM users": "FROM orders",
    }
    done = data_tasks.run_plain([task for name in PGBACKREST for task in examples(name, names)])
    assert done.rc == 0, done.output
    assert archived.leftovers() == [] and SECRET not in done.output

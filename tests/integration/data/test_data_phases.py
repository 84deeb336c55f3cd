# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phases of the database as playbooks: what a person runs at night."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from pathlib import Path

import pytest

from tests.integration.support.playbooks.database_phases import Phases, changed
from tests.integration.support.servers.databases import Bucket, Database


def test_the_backup_of_a_release_is_taken_proven_and_kept_by_a_second_run(
    phases: Phases, database: Database, bucket: Bucket
) -> None:
    assert changed(phases.run("backup", "--check")) == 1 and bucket.names() == []
    first = phases.run("backup")
    assert changed(first) == 2 and "tables and" in first.err
    names = bucket.names()
    assert [name.rsplit("/", 1)[1] for name in names] == [
        "database.dump.zst",
        "globals.sql.zst",
        "manifest.json",
        "verified.json",
    ] and "pre-deploy-2.4.0" in names[0]
    assert changed(phases.run("backup")) == 0 and bucket.names() == names
    for done in (first,):
        assert database.password not in done.output and bucket.secret_key not in done.output


def test_backups_by_the_clock_tell_the_monitoring_how_they_went(phases: Phases, bucket: Bucket) -> None:
    file = phases.folder / "runbook_backup.prom"
    keep = {
        "release_backup": {**phases.variables["release_backup"], "keep": [{"kind": "hourly", "count": 1}]}
    }
    for _round in range(2):
        changed(phases.run("backup", "-e", "backup_kind=hourly", "-e", f"backup_metrics_file={file}", **keep))
    assert sum(name.endswith("manifest.json") for name in bucket.names()) == 1
    good = metrics(file)
    assert (
        good["runbook_backup_failed"] == 0
        and good["runbook_backup_bytes"] > 0
        and good["runbook_backup_rto_seconds"] >= 0
    )
    broken = {**phases.variables["release_backup"], "store": {**bucket.store, "bucket": "gone"}}
    failed = phases.run(
        "backup", "-e", "backup_kind=hourly", "-e", f"backup_metrics_file={file}", release_backup=broken
    )
    assert failed.rc != 0 and "NoSuchBucket" in failed.out
    bad = metrics(file)
    assert (
        bad["runbook_backup_failed"] == 1
        and bad["runbook_backup_last_success_timestamp_seconds"]
        == good["runbook_backup_last_success_timestamp_seconds"]
    )
    untold = phases.run(
        "backup",
        "-e",
        "backup_kind=hourly",
        "-e",
        f"backup_metrics_file={phases.folder}/nowhere/backup.prom",
        release_backup=broken,
    )
    assert untold.rc != 0 and "NoSuchBucket" in untold.out.partition("Stop, with the reason]")[2], untold.out


def metrics(file: Path) -> dict[str, float]:
    return {
        line.partition("{")[0]: float(line.rpartition(" ")[2])
        for line in file.read_text().splitlines()
        if line and not line.startswith("#")
    }


def test_a_restore_is_checked_before_it_takes_the_live_ones_place(phases: Phases, database: Database) -> None:
    assert phases.run("backup").rc == 0
    database.psql("DELETE FROM ledger")
    beside = phases.run("restore")
    assert changed(beside) == 1 and database.psql("SELECT count(*) FROM ledger") == "0"
    advice = re.search(r"-e restore_swap=true -e restore_backup=([^\s'\"]+)", " ".join(beside.out.split()))
    assert advice, beside.out
    swapped = phases.run("restore", "-e", "restore_swap=true", "-e", f"restore_backup={advice[1]}")
    assert (
        changed(swapped) == 1
        and database.psql("SELECT count(*) FROM ledger") == "4000"
        and "is kept as" in swapped.out
    )
    assert changed(phases.run("restore", "-e", "restore_swap=true", "-e", f"restore_backup={advice[1]}")) == 0


def test_disaster_recovery_tells_what_is_lost_and_never_takes_the_place_of_what_is_there_by_itself(
    phases: Phases, database: Database
) -> None:
    assert phases.run("backup").rc == 0
    refused = phases.run("disaster_recovery")
    assert refused.rc != 0 and "exists on the server that is to take over; nothing was changed" in refused.out
    database.to("postgres").psql(f'DROP DATABASE "{database.name}" WITH (FORCE)')
    recovered = phases.run("disaster_recovery")
    assert changed(recovered) >= 1 and database.psql("SELECT count(*) FROM orders") == "2000"
    assert re.search(r"RPO: what was written in the \d+ s", recovered.out) and re.search(
        r"RTO of the database: \d+ s", recovered.out
    )


def test_what_the_inventory_says_wrongly_of_database_and_backups_is_reported_at_once(phases: Phases) -> None:
    wrong = phases.run(
        "preflight",
        release_database={"host": "db"},
        release_backup={"store": {"bukket": "x"}, "keep": [{"kind": "daily", "days": 0}]},
    )
    assert wrong.rc != 0
    for said in (
        "release_database.host: unknown key",
        "release_backup.store.bukket: unknown key (did you mean bucket?)",
        "release_backup.keep[0].days: found 0",
    ):
        assert said in wrong.out, wrong.out


def test_a_release_may_demand_a_verified_backup(phases: Phases) -> None:
    demanding = {"release_backup": {**phases.variables["release_backup"], "verified_within": 3600}}
    refused = phases.run("preflight", **demanding)
    assert refused.rc != 0 and "no backup is verified" in refused.out
    assert phases.run("backup").rc == 0
    assert phases.run("preflight", **demanding).rc == 0


@pytest.fixture
def migrating(phases: Phases) -> Phases:
    """With one migration that is pending."""
    folder = phases.folder / "migrations"
    folder.mkdir()
    (folder / "20261121093000_limits.sql").write_text(
        "ALTER TABLE users ADD COLUMN withdrawal_limit numeric;\n"
    )
    (folder / "20261121093000_limits.down.sql").write_text(
        "ALTER TABLE users DROP COLUMN withdrawal_limit;\n"
    )
    return dataclasses.replace(
        phases, variables={**phases.variables, "release_migrations": [{"src": str(folder)}]}
    )


def columns(database: Database) -> str:
    return database.psql(
        "SELECT count(*) FROM information_schema.columns WHERE column_name = 'withdrawal_limit'"
    )


def test_a_release_backs_up_rehearses_on_the_proof_and_migrates(
    migrating: Phases, database: Database, bucket: Bucket
) -> None:
    first = migrating.run("release")
    assert changed(first) >= 3 and columns(database) == "1", first.out
    assert re.search(r"20261121093000_limits;\s+the\s+way\s+back:\s+app_only", first.out), first.out
    assert [name for name in database.names() if "_drill_" in name] == []
    (taken,) = {name.rpartition("/")[0] for name in bucket.names()}
    again = migrating.run("release")
    assert changed(again) == 0 and {name.rpartition("/")[0] for name in bucket.names()} == {taken}
    assert (
        changed(migrating.run("migrate_down", release_migrate_allow_data_loss=True)) == 1
        and columns(database) == "0"
    )


def test_a_migration_that_fails_in_the_rehearsal_never_meets_the_database(
    migrating: Phases, database: Database
) -> None:
    (migrating.folder / "migrations" / "20261121094000_wrong.sql").write_text(
        "UPDATE users SET email = 'the same';\n"
    )
    done = migrating.run("release")
    assert done.rc != 0 and columns(database) == "0", done.out
    assert "23505" in done.out


def test_a_release_that_stopped_between_two_migrations_is_rehearsed_and_goes_on(
    migrating: Phases, database: Database, bucket: Bucket
) -> None:
    """Its copy is from before the first: only the backup from before the release is a way back."""
    not_yet = f"IF current_database() = '{database.name}' AND to_regclass('fixed') IS NULL THEN RAISE EXCEPTION 'not yet'; END IF;"
    second = migrating.folder / "migrations" / "20261121094000_holders.sql"
    second.write_text(f"DO $$ BEGIN {not_yet} END $$;\nALTER TABLE users ADD COLUMN held_by text;\n")
    stopped = migrating.run("release")
    assert stopped.rc != 0 and "not yet" in stopped.out and columns(database) == "1", stopped.out
    names = bucket.names()
    database.psql("CREATE TABLE fixed (id int)")
    again = migrating.run("release")
    assert (
        changed(again) >= 1
        and database.psql("SELECT count(*) FROM information_schema.columns WHERE column_name = 'held_by'")
        == "1"
    )
    assert "rehearsal: 20261121093000_limits took" in again.err and bucket.names() == names, again.err
    # Only of this release: what another one has applied since has to be in the copy.
    (migrating.folder / "migrations" / "20261121095000_notes.sql").write_text(
        "ALTER TABLE users ADD COLUMN note text;\n"
    )
    database.psql("UPDATE runbook_release_migrations SET release = '2.3.0'")
    refused = migrating.run("release")
    assert refused.rc != 0 and "is not a fresh copy of" in refused.out, refused.out


def test_what_a_release_does_to_the_data_is_held_against_what_was_there_before(
    migrating: Phases, database: Database
) -> None:
    queries: list[dict[str, t.Any]] = [
        {"name": "users", "sql": "SELECT count(*) FROM users", "max_drop_percent": 0},
        {"name": "orders", "sql": "SELECT count(*) FROM orders"},
    ]
    assert changed(migrating.run("release", release_database_health={"queries": queries})) >= 3
    gone = "CREATE TABLE archived AS SELECT * FROM ledger LIMIT 10;\nDELETE FROM ledger WHERE id IN (SELECT id FROM archived);\n"
    (migrating.folder / "migrations" / "20261121095000_archive.sql").write_text(gone)
    of_the_ledger = {
        "queries": [{"name": "ledger", "sql": "SELECT count(*) FROM ledger", "max_drop_percent": 0}]
    }
    done = migrating.run(
        "release",
        release_version="2.5.0",
        release_migrate_allow_data_loss=True,
        release_database_health=of_the_ledger,
    )
    assert (
        done.rc != 0
        and "ledger: fell from 4000 to 3990" in done.out
        and "is unhealthy after the release" in done.out
    ), done.out
    known = migrating.run(
        "verify", release_version="2.5.0", release_database_health={"queries": [{**queries[1], "min": 3000}]}
    )
    assert (
        known.rc != 0 and "orders: " in known.out
    )  # alone it has nothing to compare with, and the ranges still count


def test_what_was_wrong_before_the_release_is_none_of_its_faults_whatever_the_figure_is_now(
    migrating: Phases, database: Database
) -> None:
    relations = {"name": "relations", "sql": "SELECT count(*) FROM pg_class", "min": 1_000_000}
    refused = migrating.run("release", release_database_health={"queries": [relations]})
    assert refused.rc != 0 and "nothing was changed" in refused.out and columns(database) == "0"
    done = migrating.run(
        "release", release_database_health={"queries": [relations]}, release_require_healthy=False
    )
    assert (
        changed(done) >= 3 and columns(database) == "1"
    )  # the figure is another one: the ledger of migrations is there

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""rds_snapshot against the sandbox's stand-in for AWS, whose snapshots are there at once."""

from __future__ import annotations

import typing as t
import uuid
from pathlib import Path

import boto3
import pytest

from tests.integration.support.examples import examples
from tests.integration.support.playbooks.tasks import Task, Tasks
from tests.integration.support.running_sandbox import Sandbox

SECRET = "sandbox-secret-key-0123456789"


class Instance:
    """An instance of RDS, and the options of the module that reach it."""

    def __init__(self, url: str) -> None:
        self.name = f"test-{uuid.uuid4().hex[:8]}"
        self.login = {
            "endpoint_url": url,
            "region": "us-east-1",
            "access_key": "AKIASANDBOXSANDBOX00",
            "secret_key": SECRET,
        }
        self.client = boto3.client(
            "rds",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="AKIASANDBOXSANDBOX00",
            aws_secret_access_key=SECRET,
        )
        given = {
            "MasterUsername": "postgres",
            "MasterUserPassword": SECRET,
            "DBInstanceClass": "db.t3.micro",
            "AllocatedStorage": 20,
        }
        self.client.create_db_instance(DBInstanceIdentifier=self.name, Engine="postgres", **given)

    def task(self, **options: t.Any) -> Task:
        return {"runbook.release.rds_snapshot": {"instance": self.name, **self.login, **options}}

    def snapshots(self) -> list[str]:
        """Those that somebody asked for."""
        found = self.client.describe_db_snapshots(DBInstanceIdentifier=self.name, SnapshotType="manual")[
            "DBSnapshots"
        ]
        return [entry["DBSnapshotIdentifier"] for entry in found]

    def remove(self) -> None:
        for name in self.snapshots():
            self.client.delete_db_snapshot(DBSnapshotIdentifier=name)
        self.client.delete_db_instance(DBInstanceIdentifier=self.name, SkipFinalSnapshot=True)


@pytest.fixture
def instance(sandbox: Sandbox) -> t.Iterator[Instance]:
    made = Instance(sandbox.settings.s3_url)
    yield made
    made.remove()


def test_a_snapshot_before_a_release_is_taken_once_and_old_ones_go(
    data_tasks: Tasks, instance: Instance
) -> None:
    past = [
        {"Key": "runbook.release/kind", "Value": "release"},
        {"Key": "runbook.release/keep-until", "Value": "1"},
    ]
    for name, tags in (("old", past), ("older", past), ("foreign", [])):
        instance.client.create_db_snapshot(
            DBInstanceIdentifier=instance.name, DBSnapshotIdentifier=f"{instance.name}-{name}", Tags=tags
        )
    release = instance.task(kind="release", release="2.4.0", keep_days=30, reuse_within=600)
    ran = data_tasks.run({**release, "check_mode": True}, release, release)
    plan, first, again = ran.results
    assert plan["changed"] and plan["snapshot"] is None and len(plan["removed"]) == 1
    assert (
        first["changed"]
        and first["snapshot"]["status"] == "available"
        and first["snapshot"]["days_left"] == 30.0
    ), first
    assert first["removed"] == plan["removed"]
    # The newest of the old ones went a run later: it stays until there is another good one.
    assert again["snapshot"]["name"] == first["snapshot"]["name"]
    assert (
        f"{instance.name}-foreign" in instance.snapshots()
        and first["snapshot"]["name"] in instance.snapshots()
    )
    third = data_tasks.run(release).result
    assert not third["changed"] and third["removed"] == []
    assert SECRET not in ran.full_output


def test_what_is_not_there_and_who_may_not_are_reported(data_tasks: Tasks, instance: Instance) -> None:
    missing, wrong, silent = data_tasks.run(
        {"runbook.release.rds_snapshot": {**instance.login, "instance": "nobody"}},
        instance.task(kind="Pre Release"),
        instance.task(endpoint_url="http://127.0.0.1:9"),
    ).results
    assert (
        missing["failed"]
        and "DBInstanceNotFound" in missing["msg"]
        and wrong["failed"]
        and "kind: found Pre Release" in wrong["msg"]
    )
    assert silent["failed"] and "RDS did not answer" in silent["msg"] and instance.snapshots() == []


def test_the_examples_run(data_tasks: Tasks, instance: Instance, tmp_path: Path) -> None:
    login = "".join(f"\n    {name}: {value}" for name, value in instance.login.items())
    tasks = examples(
        "rds_snapshot",
        {"instance: exchange": f"instance: {instance.name}{login}", "\n    region: eu-central-1": ""},
    )
    done = data_tasks.run_plain(tasks)
    assert done.rc == 0, done.output
    assert len(instance.snapshots()) == 1

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Schedules of backups and the recovery of a platform, on Kubernetes."""

from __future__ import annotations

import dataclasses
import json

from tests.integration.support.kubectl import Kubectl
from tests.integration.support.playbooks.database_phases import Phases, changed
from tests.integration.support.servers.databases import Database


def test_backups_by_the_clock_of_kubernetes(phases: Phases, space: Kubectl) -> None:
    wanted = {
        "release_namespace": space.namespace,
        "backup_schedule_image": "registry.example.com/releases:1",
        "backup_schedule_env_from": [{"secretRef": {"name": "backup"}}],
    }
    first, again = (
        phases.run_role("runbook.release.backup_schedule", **wanted),
        phases.run_role("runbook.release.backup_schedule", **wanted),
    )
    assert first.rc == again.rc == 0 and "changed=0" in again.out, first.out + again.out
    jobs = {job["metadata"]["name"]: job["spec"] for job in space.items("cronjobs")}
    assert {name: spec["schedule"] for name, spec in jobs.items()} == {
        "runbook-backup-daily": "0 2 * * *",
        "runbook-backup-hourly": "30 * * * *",
    }
    container = jobs["runbook-backup-daily"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert container["command"][-1].endswith("-e backup_kind=daily") and container["envFrom"] == [
        {"secretRef": {"name": "backup"}}
    ]
    gone = phases.run_role("runbook.release.backup_schedule", backup_schedule_state="absent", **wanted)
    assert gone.rc == 0 and space.items("cronjobs") == [], gone.out


def test_disaster_recovery_brings_up_the_platform_and_sends_the_users_there_only_when_asked_to(
    phases: Phases, database: Database, space: Kubectl, registry: str
) -> None:
    assert phases.run("backup").rc == 0
    database.to("postgres").psql(f'DROP DATABASE "{database.name}" WITH (FORCE)')
    labels = {"app": "auth"}
    container = {"name": "auth", "image": f"{registry}/auth:1.0.0"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "auth"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "front"},
        "spec": {"selector": labels, "ports": [{"port": 80}]},
    }
    for name, manifest in (("platform", deployment), ("switch", service)):
        (phases.folder / f"{name}.json").write_text(json.dumps(manifest))
    there = {
        "release_namespace": space.namespace,
        "disaster_recovery_manifests": str(phases.folder / "platform.json"),
        "disaster_recovery_switch_manifests": str(phases.folder / "switch.json"),
    }
    with_cluster = dataclasses.replace(phases, cluster=True)
    recovered = with_cluster.run("disaster_recovery", **there)
    assert changed(recovered) >= 1 and database.psql("SELECT count(*) FROM orders") == "2000"
    assert space.items("deployments")[0]["status"]["availableReplicas"] == 1 and space.items("services") == []
    switched = with_cluster.run("disaster_recovery", "--tags", "switch", **there)
    assert switched.rc == 0 and [found["metadata"]["name"] for found in space.items("services")] == [
        "front"
    ], switched.out

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The EXAMPLES of every module, run as they stand, with the sandbox's names in place of the documentation's."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.integration.support.examples import BACKUP, HEALTH, OTHERS, PGBACKREST, examples
from tests.integration.support.kubectl import Kubectl
from tests.integration.support.playbooks.demo_platform import Playbooks
from tests.integration.support.playbooks.runner import local_play
from tests.unit.collection import _docs

MODULES = [
    module for module in _docs.plugins("modules") if module not in BACKUP + HEALTH + PGBACKREST + OTHERS
]
# What has to be there before an example can do its work.
BEFORE: dict[str, tuple[str, ...]] = {"kube_rollback": ("kube_rollout",), "release_report": ("kube_rollout",)}


def remember(kubectl: Kubectl, release: str, wallet: str) -> None:
    """The record of an older release that rolled out wallet alone; the platform's next placing takes it away."""
    wave = {
        "kind": "wave",
        "phase": "ended",
        "wave": 1,
        "workloads": [{"name": "wallet", "wave": 1, "changed": True, "images": {"wallet": wallet}}],
    }
    data = {
        "attempt": "1",
        "verdict": json.dumps({"verdict": "succeeded"}),
        "001-000000000000001-wave-ended": json.dumps(wave),
    }
    meta = {"name": f"release-{release}", "labels": {"runbook.release/record": "true"}}
    kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_run(
    module: str, playbooks: Playbooks, kubectl: Kubectl, platform: t.Any, task_image: str, tmp_path: Path
) -> None:
    wallet = kubectl.deployments()["wallet"]["metadata"]["annotations"]
    remember(kubectl, "2.3.7", f"{playbooks.environment['DEMO_REGISTRY']}/wallet:1.0.0")
    names = {
        "to_revision: 17": f"to_revision: {wallet['deployment.kubernetes.io/revision']}",
        "registry.example.com/exchange/migrations:2.4.0": task_image,
        "[/app/migrate, --expand]": '["/exchange", "env:LOCK_TIMEOUT"]',
        "registry.example.com/exchange": playbooks.environment["DEMO_REGISTRY"],
        "https://api.example.com": playbooks.environment["DEMO_URL"],
        "smoke@example.com": "test@example.com",
        "2.4.0": "1.1.0",
        "release-reports/": f"{tmp_path}/",
    }
    before = [task for name in BEFORE.get(module, ()) for task in examples(name, names)]
    own = examples(module, names)
    # Those of kube_rollback undo the same release: each needs it anew.
    tasks = (
        [task for example in own for task in [*before, example]]
        if module == "kube_rollback"
        else before + own
    )
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "limits.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits}\ndata: {withdrawals: '200'}\n"
    )
    done = playbooks.runner.run_play(local_play(vars={"smoke_password": "Test123!"}, tasks=tasks), tmp_path)
    assert done.rc == 0, done.output
    assert "Test123!" not in done.output
    AFTER.get(module, lambda kubectl, tmp_path: None)(kubectl, tmp_path)


def applied(kubectl: Kubectl, tmp_path: Path) -> None:
    assert kubectl("get", "configmap", "limits", "-o", "jsonpath={.data.withdrawals}") == "200"
    assert kubectl("delete", "serviceaccount", "settlement").startswith("serviceaccount")


def rolled_out(kubectl: Kubectl, tmp_path: Path) -> None:
    assert (
        kubectl.versions()["wallet"] == kubectl.versions()["payment"] == "1.1.0"
        and kubectl.versions()["auth"] == "1.0.0"
    )
    assert kubectl.deployments()["payment"]["status"]["availableReplicas"] == 4


def rolled_back(kubectl: Kubectl, tmp_path: Path) -> None:
    assert (
        kubectl.versions()["wallet"] == "1.0.0"
    )  # by all examples; payment by the first alone, and rolled out again after it


def reported(kubectl: Kubectl, tmp_path: Path) -> None:
    assert (tmp_path / "exchange-1.1.0.md").read_text().startswith("# Release 1.1.0 of exchange succeeded\n")


def ran_and_cleaned_up(kubectl: Kubectl, tmp_path: Path) -> None:
    assert kubectl.items("jobs") == []


def given_back(kubectl: Kubectl, tmp_path: Path) -> None:
    assert kubectl.lock_holder() == ""


# What the cluster and the disk have to show for it.
AFTER: dict[str, t.Callable[[Kubectl, Path], None]] = {
    "kube_apply": applied,
    "kube_job": ran_and_cleaned_up,
    "kube_rollback": rolled_back,
    "kube_rollout": rolled_out,
    "release_lock": given_back,
    "release_report": reported,
}

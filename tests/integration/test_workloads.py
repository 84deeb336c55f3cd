# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workloads of all kinds on a real cluster: out, broken, and exactly back."""

from __future__ import annotations

import itertools
import json
import os
import typing as t
from pathlib import Path

import pytest

from sandbox.catalogue import FIRST, GOOD
from tests.integration.playbook import Kubectl, Playbooks

NUMBERS = itertools.count(1)
EXIT = {"FAULT_EXIT_AT_START": "3", "FAULT_LAST_WORDS": "fatal: no ledger"}


@pytest.fixture
def kubectl(sandbox: t.Any) -> Kubectl:
    """A namespace of its own for every test: the end of one is not waited for."""
    return Kubectl(sandbox.kubectl, sandbox.kubeconfig, f"workloads-{os.getpid()}-{next(NUMBERS)}")


@pytest.fixture
def image(platform: t.Any) -> t.Callable[[str], str]:
    return lambda version: f"{platform.images.registry}/auth:{version}"


@pytest.fixture
def space(kubectl: Kubectl, image: t.Callable[[str], str], tmp_path: Path) -> t.Iterator[Kubectl]:
    """A namespace with a Deployment, a StatefulSet and a DaemonSet of the same program, all of them ready."""
    kubectl("create", "namespace", kubectl.namespace)
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1}
    container = {
        "name": "app",
        "image": image(FIRST),
        "ports": [{"containerPort": 8080}],
        "readinessProbe": probe,
        "env": [{"name": "SERVICE", "value": "auth"}],
    }
    pod = {"containers": [container], "terminationGracePeriodSeconds": 1}
    items = []
    for kind, name, more in (
        ("Deployment", "web", {"replicas": 2}),
        ("StatefulSet", "ledger", {"replicas": 2, "serviceName": "ledger"}),
        ("DaemonSet", "agent", {}),
    ):
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": pod}
        items.append(
            {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": {"selector": {"matchLabels": labels}, "template": template, **more}}
        )
    manifest = tmp_path / "workloads.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    kubectl("apply", "-f", str(manifest))
    for name in ("deployment/web", "statefulset/ledger", "daemonset/agent"):
        kubectl("rollout", "status", name, "--timeout=60s")
    yield kubectl
    kubectl("delete", "namespace", kubectl.namespace, "--wait=false")


def rolled_out(playbooks: Playbooks, space: Kubectl, release: str, *workloads: dict[str, t.Any], **more: t.Any) -> t.Any:
    return playbooks.task("kube_rollout", namespace=space.namespace, release=release, workloads=list(workloads), timeout=60, **more)


def spec(kubectl: Kubectl, name: str) -> t.Any:
    return json.loads(kubectl("get", name, "-o", "json"))["spec"]


def running(kubectl: Kubectl, app: str) -> list[str]:
    """The image of every pod that is ready."""
    pods = json.loads(kubectl("get", "pods", "-l", f"app={app}", "-o", "json"))["items"]
    ready = [pod for pod in pods if all(status["ready"] for status in pod["status"].get("containerStatuses", [{"ready": False}]))]
    return [pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in ready]


ALL = (("Deployment", "web"), ("StatefulSet", "ledger"), ("DaemonSet", "agent"))


def test_all_kinds_roll_in_one_wave_and_go_back(playbooks: Playbooks, space: Kubectl, image: t.Callable[[str], str]) -> None:
    before = {name: spec(space, f"{kind}/{name}") for kind, name in ALL}
    wave = [{"name": name, "kind": kind, "images": {"app": image(GOOD)}} for kind, name in ALL]
    outcome, result = rolled_out(playbooks, space, GOOD, *wave)
    assert outcome.rc == 0, outcome.out + outcome.err
    assert {app: set(running(space, app)) for _kind, app in ALL} == {"web": {GOOD}, "ledger": {GOOD}, "agent": {GOOD}}
    assert [item["digests"]["app"][:7] for item in result["workloads"]] == ["sha256:"] * 3
    again, result = rolled_out(playbooks, space, GOOD, *wave)
    assert again.rc == 0 and not result["changed"]
    outcome, result = playbooks.task("kube_rollback", namespace=space.namespace, release=GOOD)
    assert outcome.rc == 0, outcome.out + outcome.err
    assert {app: set(running(space, app)) for _kind, app in ALL} == {"web": {FIRST}, "ledger": {FIRST}, "agent": {FIRST}}
    assert {name: spec(space, f"{kind}/{name}") for kind, name in ALL} == before


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_a_broken_version_of_any_kind_is_explained_and_goes_back(playbooks: Playbooks, space: Kubectl, kind: str, name: str) -> None:
    before = spec(space, f"{kind}/{name}")
    outcome, result = rolled_out(playbooks, space, GOOD, {"name": name, "kind": kind, "env": {"app": EXIT}})
    assert outcome.rc != 0 and f"{name} will not become ready" in outcome.out and "fatal: no ledger" in outcome.out, outcome.out + outcome.err
    assert result["failures"][0]["exit_code"] == 3 and "env FAULT_EXIT_AT_START set" in outcome.err
    # A StatefulSet waits for its broken pod before it takes up another version: the pod has to be deleted.
    outcome, _result = playbooks.task("kube_rollback", namespace=space.namespace, release=GOOD)
    assert outcome.rc == 0 and spec(space, f"{kind}/{name}") == before, outcome.out + outcome.err
    space("rollout", "status", f"{kind}/{name}", "--timeout=10s")


def test_environment_resources_and_strategy_roll_and_go_back_exactly(playbooks: Playbooks, space: Kubectl) -> None:
    before = spec(space, "deployment/web")
    web = {
        "name": "web",
        "env": {"app": {"SERVICE": None, "MODE": "drain", "POD": {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}}},
        "resources": {"app": {"limits": {"memory": "65536Ki", "cpu": "0.5"}}},
        "strategy": "recreate",
        "replicas": 1,
    }
    outcome, result = rolled_out(playbooks, space, GOOD, web)
    assert outcome.rc == 0, outcome.out + outcome.err
    now = spec(space, "deployment/web")
    container = now["template"]["spec"]["containers"][0]
    assert {entry["name"] for entry in container["env"]} == {"MODE", "POD"} and container["resources"]["limits"] == {"memory": "64Mi", "cpu": "500m"}
    assert now["strategy"] == {"type": "Recreate"} and now["replicas"] == 1
    again, result = rolled_out(playbooks, space, GOOD, web)
    assert again.rc == 0 and not result["changed"], again.out + again.err
    outcome, _result = playbooks.task("kube_rollback", namespace=space.namespace, release=GOOD)
    assert outcome.rc == 0 and spec(space, "deployment/web") == before, outcome.out + outcome.err


def test_configuration_rolls_with_the_release_and_its_content_goes_back(playbooks: Playbooks, space: Kubectl) -> None:
    space("create", "configmap", "levels", "--from-literal=LEVEL=1")
    space("create", "secret", "generic", "keys", "--from-literal=KEY=first-planted-s3cr3t")
    web = {"name": "web", "config": ["ConfigMap/levels", "Secret/keys"]}
    assert rolled_out(playbooks, space, "1.1.0", web)[0].rc == 0
    first = spec(space, "deployment/web")["template"]
    space("patch", "configmap", "levels", "--type=merge", "-p", '{"data":{"LEVEL":"2","NEW":"x"}}')
    space("patch", "secret", "keys", "--type=merge", "-p", '{"stringData":{"KEY":"second-planted-s3cr3t"}}')
    outcome, result = rolled_out(playbooks, space, "1.2.0", web)
    assert outcome.rc == 0 and result["changed"] and spec(space, "deployment/web")["template"] != first
    back, _result = playbooks.task("kube_rollback", namespace=space.namespace, release="1.2.0")
    assert back.rc == 0 and spec(space, "deployment/web")["template"] == first, back.out + back.err
    assert json.loads(space("get", "configmap", "levels", "-o", "json"))["data"] == {"LEVEL": "1"}
    assert space("get", "secret", "keys", "-o", "go-template={{.data.KEY|base64decode}}") == "first-planted-s3cr3t"
    assert "planted" not in outcome.out + outcome.err + back.out + back.err


def test_back_to_a_revision_and_to_an_older_release(playbooks: Playbooks, space: Kubectl, image: t.Callable[[str], str], tmp_path: Path) -> None:
    for release, version in (("1.1.0", GOOD), ("1.2.0", FIRST)):
        more = {"env": {"app": {"RELEASE": release}}}
        outcome, _result = rolled_out(
            playbooks, space, release, *({"name": name, "kind": kind, "images": {"app": image(version)}, **more} for kind, name in ALL)
        )
        assert outcome.rc == 0, outcome.out + outcome.err
        report = {"namespace": space.namespace, "platform": "exchange", "release": release, "path": str(tmp_path / "report.md")}
        assert playbooks.task("release_report", **report)[0].rc == 0
    outcome, _result = playbooks.task("kube_rollback", namespace=space.namespace, release="1.2.0", to_release="1.1.0")
    assert outcome.rc == 0, outcome.out + outcome.err
    for kind, name in ALL:
        container = spec(space, f"{kind}/{name}")["template"]["spec"]["containers"][0]
        assert container["image"] == image(GOOD) and {"name": "RELEASE", "value": "1.1.0"} in container["env"]
        assert set(running(space, name)) == {GOOD}
    outcome, _result = playbooks.task("kube_rollback", namespace=space.namespace, release="1.1.0", workloads=["ledger"], to_revision=1)
    assert outcome.rc == 0 and set(running(space, "ledger")) == {FIRST}, outcome.out + outcome.err
    outcome, _result = playbooks.task("kube_rollback", namespace=space.namespace, release="1.1.0", workloads=["web"], to_revision=99)
    assert outcome.rc != 0 and "Deployment web has no revision 99 (any more); it has:" in outcome.out


def test_no_more_than_parallel_roll_at_a_time(playbooks: Playbooks, space: Kubectl, image: t.Callable[[str], str]) -> None:
    outcome, _result = rolled_out(playbooks, space, GOOD, *({"name": name, "kind": kind, "images": {"app": image(GOOD)}} for kind, name in ALL), parallel=1)
    assert outcome.rc == 0, outcome.out + outcome.err
    order = [line.split()[1].rstrip(":") for line in outcome.err.splitlines() if " -> " in line or "settled" in line]
    assert order == ["web", "web", "ledger", "ledger", "agent", "agent"]


def test_an_update_by_hand_is_refused_before_anything_changes(playbooks: Playbooks, space: Kubectl, image: t.Callable[[str], str]) -> None:
    space("patch", "statefulset", "ledger", "-p", '{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}')
    outcome, _result = rolled_out(playbooks, space, GOOD, *({"name": name, "kind": kind, "images": {"app": image(GOOD)}} for kind, name in ALL))
    assert outcome.rc != 0 and "StatefulSet ledger replaces pods only when they are deleted" in outcome.out
    assert set(running(space, "web")) == {FIRST} and "runbook.release" not in space("get", "deployment", "web", "-o", "yaml")

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workloads of all kinds on a real cluster: out, broken, and exactly back."""

from __future__ import annotations

import json
import typing as t

import pytest

from sandbox.demo.demo_services import FIRST, GOOD
from tests.integration.support.kubectl import Kubectl
from tests.integration.support.manifests import READY
from tests.integration.support.playbooks.tasks import Ran, Tasks
from tests.integration.support.tiers import soak

EXIT = {"FAULT_EXIT_AT_START": "3", "FAULT_LAST_WORDS": "fatal: no ledger"}


@pytest.fixture
def image(registry: str) -> t.Callable[[str], str]:
    return lambda version: f"{registry}/auth:{version}"


@pytest.fixture
def space(space: Kubectl, image: t.Callable[[str], str]) -> Kubectl:
    """With a Deployment, a StatefulSet and a DaemonSet of the same program, all of them ready."""
    container = {
        "name": "app",
        "image": image(FIRST),
        "ports": [{"containerPort": 8080}],
        "readinessProbe": READY,
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
            {
                "apiVersion": "apps/v1",
                "kind": kind,
                "metadata": {"name": name},
                "spec": {"selector": {"matchLabels": labels}, "template": template, **more},
            }
        )
    space.apply(*items)
    for name in ("deployment/web", "statefulset/ledger", "daemonset/agent"):
        space("rollout", "status", name, "--timeout=60s")
    return space


def rolled_out(tasks: Tasks, release: str, *workloads: dict[str, t.Any], **more: t.Any) -> Ran:
    return tasks.one("kube_rollout", release=release, workloads=list(workloads), timeout=60, **more)


def spec(kubectl: Kubectl, name: str) -> t.Any:
    return kubectl.get(name)["spec"]


def running(kubectl: Kubectl, app: str) -> list[str]:
    """The image of every pod that is ready."""
    ready = [
        pod
        for pod in kubectl.items("pods", "-l", f"app={app}")
        if all(status["ready"] for status in pod["status"].get("containerStatuses", [{"ready": False}]))
    ]
    return [pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in ready]


ALL = (("Deployment", "web"), ("StatefulSet", "ledger"), ("DaemonSet", "agent"))


def test_all_kinds_roll_in_one_wave_and_go_back(
    tasks: Tasks, space: Kubectl, image: t.Callable[[str], str]
) -> None:
    before = {name: spec(space, f"{kind}/{name}") for kind, name in ALL}
    wave = [{"name": name, "kind": kind, "images": {"app": image(GOOD)}} for kind, name in ALL]
    outcome = rolled_out(tasks, GOOD, *wave)
    assert not outcome.failed, outcome.full_output
    assert {app: set(running(space, app)) for _kind, app in ALL} == {
        "web": {GOOD},
        "ledger": {GOOD},
        "agent": {GOOD},
    }
    assert [item["digests"]["app"][:7] for item in outcome.result["workloads"]] == ["sha256:"] * 3
    again = rolled_out(tasks, GOOD, *wave)
    assert not again.failed and not again.result["changed"]
    outcome = tasks.one("kube_rollback", release=GOOD)
    assert not outcome.failed, outcome.full_output
    assert {app: set(running(space, app)) for _kind, app in ALL} == {
        "web": {FIRST},
        "ledger": {FIRST},
        "agent": {FIRST},
    }
    assert {name: spec(space, f"{kind}/{name}") for kind, name in ALL} == before


# A release of a Deployment that fails is explained and taken back in release/ already.
@pytest.mark.parametrize(("kind", "name"), [ALL[1], soak(*ALL[0]), soak(*ALL[2])])
def test_a_broken_version_of_any_kind_is_explained_and_goes_back(
    tasks: Tasks, space: Kubectl, kind: str, name: str
) -> None:
    before = spec(space, f"{kind}/{name}")
    outcome = rolled_out(tasks, GOOD, {"name": name, "kind": kind, "env": {"app": EXIT}})
    assert (
        outcome.failed
        and f"{name} will not become ready" in outcome.result["msg"]
        and "fatal: no ledger" in outcome.result["msg"]
    ), outcome.full_output
    assert outcome.result["failures"][0]["exit_code"] == 3 and "env FAULT_EXIT_AT_START set" in outcome.err
    # A StatefulSet waits for its broken pod before it takes up another version: the pod has to be deleted.
    outcome = tasks.one("kube_rollback", release=GOOD)
    assert not outcome.failed and spec(space, f"{kind}/{name}") == before, outcome.full_output
    space("rollout", "status", f"{kind}/{name}", "--timeout=10s")


def test_environment_resources_and_strategy_roll_and_go_back_exactly(tasks: Tasks, space: Kubectl) -> None:
    before = spec(space, "deployment/web")
    web = {
        "name": "web",
        "env": {
            "app": {
                "SERVICE": None,
                "MODE": "drain",
                "POD": {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            }
        },
        "resources": {"app": {"limits": {"memory": "65536Ki", "cpu": "0.5"}}},
        "strategy": "recreate",
        "replicas": 1,
    }
    outcome = rolled_out(tasks, GOOD, web)
    assert not outcome.failed, outcome.full_output
    now = spec(space, "deployment/web")
    container = now["template"]["spec"]["containers"][0]
    assert {entry["name"] for entry in container["env"]} == {"MODE", "POD"} and container["resources"][
        "limits"
    ] == {"memory": "64Mi", "cpu": "500m"}
    assert now["strategy"] == {"type": "Recreate"} and now["replicas"] == 1
    again = rolled_out(tasks, GOOD, web)
    assert not again.failed and not again.result["changed"], again.full_output
    outcome = tasks.one("kube_rollback", release=GOOD)
    assert not outcome.failed and spec(space, "deployment/web") == before, outcome.full_output


def test_configuration_rolls_with_the_release_and_its_content_goes_back(tasks: Tasks, space: Kubectl) -> None:
    space("create", "configmap", "levels", "--from-literal=LEVEL=1")
    space("create", "secret", "generic", "keys", "--from-literal=KEY=first-planted-s3cr3t")
    web = {"name": "web", "config": ["ConfigMap/levels", "Secret/keys"]}
    assert not rolled_out(tasks, "1.1.0", web).failed
    first = spec(space, "deployment/web")["template"]
    space("patch", "configmap", "levels", "--type=merge", "-p", '{"data":{"LEVEL":"2","NEW":"x"}}')
    space("patch", "secret", "keys", "--type=merge", "-p", '{"stringData":{"KEY":"second-planted-s3cr3t"}}')
    outcome = rolled_out(tasks, "1.2.0", web)
    assert (
        not outcome.failed
        and outcome.result["changed"]
        and spec(space, "deployment/web")["template"] != first
    )
    back = tasks.one("kube_rollback", release="1.2.0")
    assert not back.failed and spec(space, "deployment/web")["template"] == first, back.full_output
    assert json.loads(space("get", "configmap", "levels", "-o", "json"))["data"] == {"LEVEL": "1"}
    assert (
        space("get", "secret", "keys", "-o", "go-template={{.data.KEY|base64decode}}")
        == "first-planted-s3cr3t"
    )
    assert "planted" not in outcome.full_output + back.full_output


def test_back_to_a_revision_and_to_an_older_release(
    tasks: Tasks, space: Kubectl, image: t.Callable[[str], str]
) -> None:
    for release, version in (("1.1.0", GOOD), ("1.2.0", FIRST)):
        more = {"env": {"app": {"RELEASE": release}}}
        outcome = rolled_out(
            tasks,
            release,
            *({"name": name, "kind": kind, "images": {"app": image(version)}, **more} for kind, name in ALL),
        )
        assert not outcome.failed, outcome.full_output
        assert not tasks.one("release_record", release=release).failed
    outcome = tasks.one("kube_rollback", release="1.2.0", to_release="1.1.0")
    assert not outcome.failed, outcome.full_output
    for kind, name in ALL:
        container = spec(space, f"{kind}/{name}")["template"]["spec"]["containers"][0]
        assert container["image"] == image(GOOD) and {"name": "RELEASE", "value": "1.1.0"} in container["env"]
        assert set(running(space, name)) == {GOOD}
    outcome = tasks.one("kube_rollback", release="1.1.0", workloads=["ledger"], to_revision=1)
    assert not outcome.failed and set(running(space, "ledger")) == {FIRST}, outcome.full_output
    outcome = tasks.one("kube_rollback", release="1.1.0", workloads=["web"], to_revision=99)
    assert outcome.failed and "Deployment web has no revision 99 (any more); it has:" in outcome.result["msg"]


def test_no_more_than_parallel_roll_at_a_time(
    tasks: Tasks, space: Kubectl, image: t.Callable[[str], str]
) -> None:
    outcome = rolled_out(
        tasks,
        GOOD,
        *({"name": name, "kind": kind, "images": {"app": image(GOOD)}} for kind, name in ALL),
        parallel=1,
    )
    assert not outcome.failed, outcome.full_output
    order = [
        line.split()[1].rstrip(":")
        for line in outcome.err.splitlines()
        if " -> " in line or "settled" in line
    ]
    assert order == ["web", "web", "ledger", "ledger", "agent", "agent"]


def test_an_update_by_hand_is_refused_before_anything_changes(
    tasks: Tasks, space: Kubectl, image: t.Callable[[str], str]
) -> None:
    space(
        "patch",
        "statefulset",
        "ledger",
        "-p",
        '{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}',
    )
    outcome = rolled_out(
        tasks, GOOD, *({"name": name, "kind": kind, "images": {"app": image(GOOD)}} for kind, name in ALL)
    )
    assert (
        outcome.failed
        and "StatefulSet ledger replaces pods only when they are deleted" in outcome.result["msg"]
    )
    assert set(running(space, "web")) == {FIRST} and "runbook.release" not in space(
        "get", "deployment", "web", "-o", "yaml"
    )

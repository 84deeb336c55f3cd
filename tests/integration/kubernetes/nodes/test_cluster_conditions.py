# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cluster around a rollout does to it: nodes, other
architectures, autoscalers, budgets, people who pause things.
"""

from __future__ import annotations

import datetime
import json
import time
import typing as t
import uuid

import pytest

from sandbox.build.builder import Builder
from sandbox.demo.demo_services import FIRST, GOOD, Image
from sandbox.demo.images import Images
from tests.integration.support.kubectl import Kubectl
from tests.integration.support.manifests import READY, Manifest, deployment
from tests.integration.support.playbooks.tasks import Ran, Tasks

SECRET = "planted-s3cr3t-of-web"
AARCH64 = (0xB7).to_bytes(2, "little")


@pytest.fixture
def web(space: Kubectl, registry: str) -> Manifest:
    """A Deployment of two pods, ready."""
    made = deployment(
        "web",
        f"{registry}/auth:{FIRST}",
        env=[{"name": "SERVICE", "value": "auth"}, {"name": "DB_PASSWORD", "value": SECRET}],
        readinessProbe=READY,
    )
    made["spec"]["replicas"] = 2
    space.apply(made)
    space("rollout", "status", "deployment/web", "--timeout=60s")
    return made


@pytest.fixture(scope="session")
def foreign_image(sandbox: t.Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its program says that it is for another CPU; that is all the kernel reads."""
    program = bytearray((Builder(sandbox.settings).ensure(("task",)) / "task").read_bytes())
    program[18:20] = AARCH64  # e_machine of the ELF header
    path = tmp_path_factory.mktemp("foreign") / "task"
    path.write_bytes(program)
    path.chmod(0o755)
    images, image = sandbox.demo.images, Image("foreign", FIRST)
    Images(images.run, images.registry, path, sandbox.settings.root / "foreign-image").publish([image])
    return image.reference(images.registry)


@pytest.fixture
def silent_node(space: Kubectl) -> t.Iterator[str]:
    """A node that was well a moment ago and whose kubelet
    never answers. Its taint keeps everybody else's pods away.
    """
    name = f"zz-silent-{uuid.uuid4().hex[:6]}"
    taint = {"key": "sandbox/fake", "value": "true", "effect": "NoSchedule"}
    space.apply(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {"silent": name}},
            "spec": {"taints": [taint]},
        }
    )
    size, now = (
        {"cpu": "4", "memory": "8Gi", "pods": "9"},
        datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
    status = {"status": {"capacity": size, "allocatable": size, "conditions": [ready]}}
    space("patch", "node", name, "--subresource=status", "--type=merge", "-p", json.dumps(status))
    yield name
    space("delete", "node", name, "--wait=false")


def roll_out(tasks: Tasks, name: str, **more: t.Any) -> Ran:
    options = {"timeout": 60, "stuck_after": 6, "release": "2.4.0"}
    kind = more.pop("kind", "Deployment")
    return tasks.one("kube_rollout", workloads=[{"name": name, "kind": kind, **more}], **options)


def test_an_image_for_another_architecture_is_reported_as_that_and_costs_nothing(
    tasks: Tasks, space: Kubectl, web: Manifest, foreign_image: str
) -> None:
    began = time.monotonic()
    ran = roll_out(tasks, "web", images={"web": foreign_image})
    assert (
        ran.failed
        and "exec format error (the image is for another CPU architecture than the node)" in ran.result["msg"]
    )
    assert (
        ran.result["changed"] and "auth:1.0.0 -> foreign:1.0.0" in ran.err and time.monotonic() - began < 30
    )
    back = tasks.one("kube_rollback", release="2.4.0")
    assert back.result["changed"] and space.deployments()["web"]["status"]["availableReplicas"] == 2
    assert SECRET not in ran.full_output + back.full_output


def test_a_node_that_has_gone_silent_is_named_by_whoever_waits_for_it(
    tasks: Tasks, space: Kubectl, registry: str, silent_node: str
) -> None:
    made = deployment("ledger", f"{registry}/auth:{FIRST}", env=[{"name": "SERVICE", "value": "auth"}])
    made["kind"] = "StatefulSet"
    made["spec"]["template"]["spec"].update(
        nodeSelector={"silent": silent_node},
        tolerations=[{"operator": "Exists"}],
        terminationGracePeriodSeconds=1,
    )
    space.apply(made)
    space("wait", "pod/ledger-0", "--for=condition=PodScheduled", "--timeout=20s")
    stuck = roll_out(tasks, "ledger", kind="StatefulSet", env={"ledger": {"A": "b"}}).result
    assert (
        "ledger made no progress for 6 s" in stuck["msg"]
        and f"given to node {silent_node}, whose kubelet has not taken it up" in stuck["msg"]
    )
    # The pod goes only when its kubelet says so.
    space("wait", f"node/{silent_node}", "--for=condition=Ready=Unknown", "--timeout=90s")
    space("delete", "pod", "ledger-0", "--wait=false")
    leaving = roll_out(tasks, "ledger", kind="StatefulSet", env={"ledger": {"A": "c"}}).result
    assert (
        "pod ledger-0: deleted and still there" in leaving["msg"]
        and f"node {silent_node}: not ready" in leaving["msg"]
    ), leaving["msg"]
    space("delete", "pod", "ledger-0", "--force", "--grace-period=0")


def test_an_autoscaler_may_scale_in_mid_wave_and_keeps_its_replicas(
    tasks: Tasks, space: Kubectl, web: Manifest, registry: str
) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "busy"},
    }
    space.apply(
        {
            **autoscaler,
            "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 6, "metrics": [metric]},
        }
    )
    slow = {
        "name": "web",
        "replicas": 2,
        "images": {"web": f"{registry}/auth:{GOOD}"},
        "env": {"web": {"FAULT_READY_AFTER": "12"}},
    }
    running = tasks.start(
        {"runbook.release.kube_rollout": {"release": "2.4.0", "workloads": [slow], "timeout": 120}}
    )
    with running:
        next(line for line in t.cast("t.IO[str]", running.stderr) if "updated" in line)
        space("patch", "horizontalpodautoscaler", "busy", "--type=merge", "-p", '{"spec":{"minReplicas":4}}')
        output = running.communicate(timeout=120)[1]
    now = space.deployments()["web"]
    assert "settled" in output and "4 of 4 available" in output, output
    assert (
        now["spec"]["replicas"] == 4
        and now["status"]["availableReplicas"]
        == now["status"]["updatedReplicas"]
        == now["status"]["replicas"]
        == 4
    )
    again = roll_out(tasks, "web", replicas=2, images=slow["images"])
    assert (
        not again.result["changed"]
        and "web: replicas stay at 4 and not 2: HorizontalPodAutoscaler busy owns them" in again.err
    )
    assert (
        tasks.one("kube_rollback", release="2.4.0").result["changed"]
        and space.deployments()["web"]["spec"]["replicas"] == 4
    )


def test_a_budget_that_allows_no_disruption_does_not_hold_up_a_rollout(
    tasks: Tasks, space: Kubectl, web: Manifest, registry: str
) -> None:
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}}
    space.apply({**budget, "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}}})
    ran = roll_out(tasks, "web", images={"web": f"{registry}/auth:{GOOD}"})
    assert not ran.failed and space.versions() == {"web": GOOD}, ran.full_output


def test_a_paused_deployment_is_refused_and_one_that_is_paused_meanwhile_is_reported(
    tasks: Tasks, space: Kubectl, web: Manifest, registry: str
) -> None:
    space("rollout", "pause", "deployment/web")
    ran = roll_out(tasks, "web", images={"web": f"{registry}/auth:{GOOD}"})
    resume = f"kubectl -n {space.namespace} rollout resume deployment web"
    assert ran.failed and resume in ran.result["msg"] and space.versions() == {"web": FIRST}
    space("rollout", "resume", "deployment/web")
    slow = {
        "name": "web",
        "images": {"web": f"{registry}/auth:{GOOD}"},
        "env": {"web": {"FAULT_READY_AFTER": "9"}},
    }
    running = tasks.start(
        {"runbook.release.kube_rollout": {"release": "2.4.0", "workloads": [slow], "stuck_after": 4}}
    )
    with running:
        next(line for line in t.cast("t.IO[str]", running.stderr) if "updated" in line)
        space("rollout", "pause", "deployment/web")
        running.communicate(timeout=60)
    output = json.loads((tasks.folder / "result-0.json").read_text())["msg"]
    assert "web made no progress for 4 s" in output and f"Next: {resume}" in output, output
    space("rollout", "resume", "deployment/web")


def test_a_single_pod_that_may_be_missing_is_not_ready_by_that(
    tasks: Tasks, space: Kubectl, web: Manifest, registry: str
) -> None:
    web["spec"].update(
        replicas=1, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    )
    space.apply(web)
    began = time.monotonic()
    ran = roll_out(
        tasks, "web", images={"web": f"{registry}/auth:{GOOD}"}, env={"web": {"FAULT_READY_AFTER": "5"}}
    )
    assert (
        not ran.failed
        and time.monotonic() - began > 5
        and space.deployments()["web"]["status"]["availableReplicas"] == 1
    ), ran.full_output


def test_scaled_to_nothing_means_that_nothing_runs_any_more(
    tasks: Tasks, space: Kubectl, web: Manifest
) -> None:
    web["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 6
    web["spec"]["template"]["spec"]["containers"][0]["env"].append(
        {"name": "FAULT_IGNORE_SIGTERM", "value": "1"}
    )
    space.apply(web)
    space("rollout", "status", "deployment/web", "--timeout=60s")
    ran = tasks.one("kube_maintenance", release="2.4.0", workloads=[{"name": "web", "replicas": 0}])
    left = [
        pod
        for pod in space.items("pods")
        if any("running" in status["state"] for status in pod["status"].get("containerStatuses", []))
    ]
    assert not ran.failed and left == [], ran.full_output


def test_a_deployment_and_a_statefulset_of_one_name_both_get_back_what_was_there(
    tasks: Tasks, space: Kubectl, web: Manifest
) -> None:
    """Maintenance of each was a run of its own; one way back is both of theirs."""
    twin = json.loads(json.dumps(web).replace('"web"', '"twin"'))
    twin["spec"].pop("strategy", None)
    space.apply(
        {
            **twin,
            "kind": "StatefulSet",
            "metadata": {"name": "web"},
            "spec": {**twin["spec"], "serviceName": "web"},
        }
    )
    space("rollout", "status", "statefulset/web", "--timeout=60s")
    for kind in ("Deployment", "StatefulSet"):
        assert not tasks.one(
            "kube_maintenance", release="2.4.0", workloads=[{"name": "web", "kind": kind, "replicas": 1}]
        ).failed
    restored = tasks.one("kube_maintenance", release="2.4.0", state="restored").result
    assert sorted(one["kind"] for one in restored["workloads"]) == ["Deployment", "StatefulSet"]
    assert restored["diff"]["after"] == {
        "Deployment web": {"replicas": 2},
        "StatefulSet web": {"replicas": 2},
    }
    assert [space.get(kind, "web")["status"]["readyReplicas"] for kind in ("deployment", "statefulset")] == [
        2,
        2,
    ]

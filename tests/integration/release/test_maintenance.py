# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Maintenance mode of the demo platform: on, off, and
exactly what was there before, whatever happens in between.
"""

from __future__ import annotations

import datetime
import json
import signal
import time
import typing as t

import pytest
import yaml

from sandbox.demo.demo_services import GOOD
from tests.integration.support.kubectl import Kubectl
from tests.integration.support.playbooks.demo_platform import Playbooks
from tests.integration.support.playbooks.runner import ROOT, Outcome, signal_all

ON, OFF = "playbooks/maintenance_on.yml", "playbooks/maintenance_off.yml"
WANTED: dict[str, t.Any] = {"trading": {"replicas": 1}, "payment": {"env": {"READ_ONLY": "true"}}}


@pytest.fixture
def inventory() -> list[str]:
    """The sandbox's, with what maintenance does to two of its services."""
    services = yaml.safe_load((ROOT / "inventories" / "sandbox" / "group_vars" / "all.yml").read_text())[
        "release_services"
    ]
    described = [
        {**service, **({"maintenance": WANTED[service["name"]]} if service["name"] in WANTED else {})}
        for service in services
    ]
    return [
        "-e",
        json.dumps(
            {
                "release_services": described,
                "release_drain": {"metric": "http_requests_in_flight", "timeout": 10},
            }
        ),
    ]


@pytest.fixture
def switch(playbooks: Playbooks, inventory: list[str]) -> t.Callable[..., Outcome]:
    return lambda playbook, *more: playbooks.run(playbook, GOOD, *inventory, "--diff", *more)


def specs(kubectl: Kubectl) -> dict[str, t.Any]:
    return {name: thing["spec"] for name, thing in kubectl.deployments().items()}


def variables(spec: dict[str, t.Any]) -> dict[str, str]:
    return {
        entry["name"]: entry.get("value", "")
        for entry in spec["template"]["spec"]["containers"][0].get("env", [])
    }


def marks(kubectl: Kubectl) -> list[str]:
    """Who still remembers what was there before maintenance."""
    things = kubectl.items("deployments,horizontalpodautoscalers")
    return sorted(
        thing["metadata"]["name"]
        for thing in things
        if "runbook.release/maintenance" in thing["metadata"].get("annotations", {})
    )


def test_on_and_off_lose_no_request_and_give_back_exactly_what_was_there(
    switch: t.Callable[..., Outcome], kubectl: Kubectl, load: t.Any
) -> None:
    before, untouched = specs(kubectl), kubectl.written()
    preview = switch(ON, "--check")
    assert preview.rc == 0 and preview.recap()["changed"] == 1 and kubectl.written() == untouched, (
        preview.out + preview.err
    )
    assert (
        "would change trading: 2 -> 1 replicas" in preview.err
        and "would change payment: env READ_ONLY set" in preview.err
    )
    with load(rate=200) as traffic:
        on = switch(ON)
        assert on.rc == 0, on.out + on.err
        during = specs(kubectl)
        assert (
            during["trading"] == {**before["trading"], "replicas": 1}
            and variables(during["payment"])["READ_ONLY"] == "true"
        )
        assert (
            {name for name, spec in during.items() if spec != before[name]}
            == set(WANTED)
            == set(marks(kubectl))
        )
        assert kubectl.deployments()["trading"]["status"]["replicas"] == 1 and kubectl.lock_holder() == ""
        for shown in (preview, on):
            assert [line for line in shown.out.splitlines() if "replicas:" in line] == [
                "-        replicas: 2",
                "+        replicas: 1",
            ], shown.out
        assert "drained" in on.err
        again, written = switch(ON), kubectl.written()
        assert again.rc == 0 and again.recap()["changed"] == 0 and specs(kubectl) == during, (
            again.out + again.err
        )

        assert switch(OFF, "--check").recap()["changed"] == 1 and kubectl.written() == written
        off = switch(OFF)
        assert off.rc == 0 and specs(kubectl) == before and marks(kubectl) == [], off.out + off.err
        assert switch(OFF).recap()["changed"] == 0
    assert traffic["failed"] == 0 and traffic["sent"] > 1000, traffic


@pytest.fixture
def autoscaler(kubectl: Kubectl, platform: t.Any) -> t.Iterator[t.Callable[[], int]]:
    """Owns trading. Gives its floor."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "trading"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4, "metrics": [metric]}
    kubectl.apply(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "trading"},
            "spec": spec,
        }
    )
    kubectl("wait", "--for=condition=AbleToScale", "hpa/trading", "--timeout=60s")
    yield lambda: int(kubectl.get("hpa", "trading")["spec"]["minReplicas"])
    kubectl("delete", "hpa", "trading")


def test_where_an_autoscaler_owns_the_replicas_its_floor_is_moved(
    switch: t.Callable[..., Outcome], kubectl: Kubectl, autoscaler: t.Callable[[], int]
) -> None:
    before, trading = specs(kubectl), kubectl.written()["Deployment/trading"]
    preview = switch(ON, "--check")
    assert (
        preview.rc == 0
        and "would change minReplicas of HorizontalPodAutoscaler trading 2 -> 1" in preview.err
        and autoscaler() == 2
    ), preview.err
    on = switch(ON)
    assert on.rc == 0 and autoscaler() == 1 and marks(kubectl) == ["payment", "trading"], on.out + on.err
    assert switch(ON).recap()["changed"] == 0
    off = switch(OFF)
    assert off.rc == 0 and autoscaler() == 2 and marks(kubectl) == [] and specs(kubectl) == before, (
        off.out + off.err
    )
    assert kubectl.written()["Deployment/trading"] == trading  # not once, not even with what it was


def test_killed_in_the_middle_it_is_given_back_from_another_controller(
    playbooks: Playbooks, inventory: list[str], switch: t.Callable[..., Outcome], kubectl: Kubectl
) -> None:
    before = specs(kubectl)
    running = playbooks.start(ON, GOOD, *inventory)
    next(
        line
        for line in t.cast("t.IO[str]", running.stderr)
        if "env READ_ONLY set" in line or "1 replicas" in line
    )
    signal_all(running, signal.SIGKILL)
    running.communicate(timeout=30)
    assert marks(kubectl) and specs(kubectl) != before
    off = switch(OFF)
    assert off.rc == 0 and specs(kubectl) == before and marks(kubectl) == [], off.out + off.err


def test_another_run_that_holds_the_lock_is_not_disturbed(
    switch: t.Callable[..., Outcome], kubectl: Kubectl
) -> None:
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {
        "holderIdentity": "deploy@elsewhere pid 1 since 2",
        "leaseDurationSeconds": 300,
        "renewTime": now,
        "leaseTransitions": 1,
    }
    metadata = {"name": "runbook-release", "annotations": {"runbook.release/release": "2.0.0"}}
    kubectl.apply(
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    )
    before = kubectl.written()
    refused = switch(ON)
    assert (
        refused.rc != 0
        and "Another release is under way in namespace exchange" in refused.out
        and "deploy@elsewhere" in refused.out
    ), refused.out
    assert kubectl.written() == before

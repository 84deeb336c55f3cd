# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A strategy of several steps: what the protocol promises to those that come."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import Object
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout import rollback, rollout
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout.plan import STEP
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout.strategies.base import (
    Available,
    Condition,
    Hold,
    Service,
    ServiceRollout,
    Settled,
    Step,
    Strategy,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout.strategies.registry import (
    STRATEGIES,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.baseline import BASELINE
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.fields import values

from ...cluster import Cluster, context, image, workload


class PauseAfterFirstPod(Strategy):
    name = "pause_after_first_pod"

    def plan(self, service: Service, live: Object) -> list[Step]:
        return [
            Step("first pod", {**values.desired(service), ("paused",): False}),
            Step("pause", {("paused",): True}),
            Step("others", {("paused",): False}),
        ]

    def run(self, rollout: ServiceRollout) -> t.Iterator[Condition]:
        waits: dict[str, Condition] = {"first pod": Available(1), "pause": Hold(30), "others": Settled()}
        for step in rollout.steps_left:
            rollout.patch(step)
            yield waits[step.name]


@pytest.fixture(autouse=True)
def strategy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES, PauseAfterFirstPod.name, PauseAfterFirstPod())


def rolled_out(cluster: Cluster, *names: str, **params: t.Any) -> tuple[t.Any, list[str]]:
    services = [
        workload(name, images={name: image(name, "1.1.0")}, strategy=PauseAfterFirstPod.name)
        for name in names
    ]
    given, lines = context(cluster, {"release": "1.1.0", "workloads": services, **params})
    return rollout.run(cluster, given), lines


def annotations(cluster: Cluster, name: str = "auth") -> dict[str, str]:
    return cluster.deployments[name]["metadata"]["annotations"]


def test_its_steps_are_written_in_order_with_their_marks_and_waited_for() -> None:
    cluster = Cluster(["auth"])
    marks = []
    cluster.between = [lambda cluster: marks.append(annotations(cluster).get(STEP))] * 80
    result, lines = rolled_out(cluster, "auth")
    assert [line for line in lines if "->" in line or "pause" in line or "resumed" in line] == [
        "auth: 1.0.0 -> 1.1.0",
        "auth: paused",
        "auth: paused: nothing rolls out until it is resumed",
        "auth: resumed",
    ]
    assert list(dict.fromkeys(marks)) == ["first pod", "pause", None]
    assert cluster.images() == {"auth": "1.1.0"} and not cluster.deployments["auth"]["spec"]["paused"]
    assert result.values["workloads"][0]["seconds"] >= 30 and STEP not in annotations(cluster)


def test_one_that_holds_does_not_hold_up_the_others_of_its_wave() -> None:
    cluster = Cluster(["auth", "kyc"])
    other = workload("kyc", images={"kyc": image("kyc", "1.1.0")})
    held = workload("auth", images={"auth": image("auth", "1.1.0")}, strategy=PauseAfterFirstPod.name)
    given, lines = context(cluster, {"release": "1.1.0", "workloads": [held, other]})
    seconds = {item["name"]: item["seconds"] for item in rollout.run(cluster, given).values["workloads"]}
    assert seconds["kyc"] < 5 and seconds["auth"] >= 30
    assert [line for line in lines if "settled" in line][0].startswith("kyc: settled")


def test_an_interrupted_one_goes_on_with_the_step_it_has_reached() -> None:
    cluster = Cluster(["auth"])

    def killed(cluster: Cluster) -> None:
        if annotations(cluster).get(STEP) == "pause":
            raise KeyboardInterrupt

    cluster.between = [killed] * 40
    with pytest.raises(KeyboardInterrupt):
        rolled_out(cluster, "auth")
    assert cluster.deployments["auth"]["spec"]["paused"]
    cluster.between = []
    requests = len(cluster.requests)
    result, lines = rolled_out(cluster, "auth")
    patches = [
        path for method, path in cluster.requests[requests:] if method == "PATCH" and path.endswith("auth")
    ]
    assert (
        len(patches) == 1 and "auth: resumed" in lines and not any("1.0.0 -> 1.1.0" in line for line in lines)
    )
    kept = json.loads(annotations(cluster)[BASELINE])
    assert kept["images"] == {"auth": image("auth", "1.0.0")} and kept["paused"] is False
    again, _lines = rolled_out(cluster, "auth")
    assert not again.changed


def test_a_rollback_in_the_middle_resumes_it_and_takes_the_mark_away() -> None:
    cluster = Cluster(["auth"])

    def killed(cluster: Cluster) -> None:
        if annotations(cluster).get(STEP) == "pause":
            raise KeyboardInterrupt

    cluster.between = [killed] * 40
    with pytest.raises(KeyboardInterrupt):
        rolled_out(cluster, "auth")
    cluster.between = []
    nothing = dict.fromkeys(("workloads", "reason", "unfinished_only", "to_revision", "to_release"))
    rollback.run(cluster, context(cluster, {**nothing, "release": "1.1.0", "lock_force": True})[0])
    assert cluster.images() == {"auth": "1.0.0"} and not cluster.deployments["auth"]["spec"]["paused"]
    assert STEP not in annotations(cluster)


def test_what_somebody_else_writes_while_it_holds_stops_it() -> None:
    cluster = Cluster(["auth"])

    def written(cluster: Cluster) -> None:
        if annotations(cluster).get(STEP) == "pause":
            container = cluster.deployments["auth"]["spec"]["template"]["spec"]["containers"][0]
            container["image"] = image("auth", "9.9.9")
            cluster._touch(cluster.deployments["auth"])

    cluster.between = [written] * 40
    with pytest.raises(Exception, match="Somebody else changed Deployment auth while it rolled out"):
        rolled_out(cluster, "auth")

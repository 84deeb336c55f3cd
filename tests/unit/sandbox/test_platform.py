# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import typing as t
from pathlib import Path

import pytest

from sandbox.components.targets import target
from sandbox.demo import load, manifests, story
from sandbox.demo.demo_services import BAD, BROKEN_SERVICE, GOOD, LAST_WORDS, SERVICES, Image, images
from sandbox.demo.image_archive import image_archive
from sandbox.demo.images import Images
from sandbox.demo.platform import Platform, unfinished
from sandbox.errors import SandboxError
from sandbox.node.fake_nodes import node

Json = dict[str, t.Any]


class MemoryCluster:
    """Objects by path; Deployments are ready as soon as they are written, unless told otherwise."""

    def __init__(self, ready: bool = True) -> None:
        self.objects: dict[str, Json] = {}
        self.ready = ready
        self.writes: list[str] = []

    def get(self, path: str) -> Json | None:
        if path in self.objects:
            return self.objects[path]
        below = {key: value for key, value in self.objects.items() if key.rpartition("/")[0] == path}
        return {"items": list(below.values())} if below else None

    def send(self, method: str, path: str, body: Json | None = None) -> Json | None:
        path = path.partition("?")[0]
        self.writes.append(f"{method} {path}")
        if method == "DELETE":
            return self.objects.pop(path)
        assert body is not None
        key = f"{path}/{body['metadata']['name']}" if method == "POST" else path
        body = json.loads(json.dumps(body))
        if body["kind"] == "Service":
            assert method == "POST" or body["spec"]["clusterIP"] == self.objects[key]["spec"]["clusterIP"]
            body["spec"].setdefault("clusterIP", "10.96.0.7")
        if body["kind"] == "Deployment":
            count = 2 if self.ready else 1
            body["metadata"]["generation"] = 1
            body["status"] = {
                "observedGeneration": 1,
                "replicas": 2,
                "updatedReplicas": 2,
                "availableReplicas": count,
            }
        self.objects[key] = body
        return body

    def watch(self, path: str, seconds: int) -> t.Iterator[Json]:
        for item in (self.get(path) or {"items": []})["items"]:
            yield {"type": "ADDED", "object": item}


def test_placing_again_replaces_everything_a_release_left() -> None:
    cluster = MemoryCluster()
    Platform(cluster, "exchange", "registry.example.com/x", "b1").place("1.0.0")
    deployments = "/apis/apps/v1/namespaces/exchange/deployments"
    cluster.objects[f"{deployments}/wallet"]["metadata"]["annotations"] = {"runbook.release/baseline": "{}"}
    cluster.objects[f"{deployments}/wallet-canary"] = {
        "kind": "Deployment",
        "metadata": {"name": "wallet-canary"},
    }
    for name in ("kube-root-ca.crt", "release-1.1.0"):
        cluster.objects[f"/api/v1/namespaces/exchange/configmaps/{name}"] = {"metadata": {"name": name}}
    cluster.objects["/apis/coordination.k8s.io/v1/namespaces/exchange/leases/lock"] = {
        "metadata": {"name": "lock"}
    }

    platform = Platform(cluster, "exchange", "registry.example.com/x", "b1")
    platform.place("1.1.0")
    assert platform.versions() == dict.fromkeys(SERVICES, "1.1.0")
    assert "annotations" not in cluster.objects[f"{deployments}/wallet"]["metadata"]
    assert [key for key in cluster.objects if "configmaps" in key or "leases" in key] == [
        "/api/v1/namespaces/exchange/configmaps/kube-root-ca.crt"
    ]


def test_a_namespace_of_somebody_else_is_left_alone() -> None:
    cluster = MemoryCluster()
    cluster.objects["/api/v1/namespaces/exchange"] = {
        "metadata": {"name": "exchange", "labels": {"team": "payments"}}
    }
    platform = Platform(cluster, "exchange", "r", "b")
    with pytest.raises(
        SandboxError, match="exists already and is not the demo's; nothing was changed.*--namespace"
    ):
        platform.place("1.0.0")
    platform.remove()
    assert cluster.writes == []


def test_a_platform_that_does_not_become_ready_is_told_by_service() -> None:
    with pytest.raises(
        SandboxError,
        match="(?s)is not ready after 1 s.*auth: 1 available of 2 pods.*kubectl -n exchange get pods",
    ):
        Platform(MemoryCluster(ready=False), "exchange", "r", "b").place("1.0.0", limit=1)


@pytest.mark.parametrize(
    ("status", "missing"),
    [
        ({"observedGeneration": 1}, "change not yet seen by the controller"),
        (
            {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2},
            "3 in all of 2 pods",
        ),
        (
            {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
            "1 updated of 2 pods",
        ),
        ({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}, ""),
    ],
)
def test_what_a_rollout_lacks(status: Json, missing: str) -> None:
    assert unfinished({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}) == missing


def test_services_come_after_those_they_need_and_only_one_image_is_bad() -> None:
    seen: set[str] = set()
    for service, needed in SERVICES.items():
        assert set(needed) <= seen
        seen.add(service)
    bad = [(image.service, image.version) for image in images() if image.faults]
    assert bad == [(BROKEN_SERVICE, BAD)] and len(images()) == 27


def test_the_dockerfile_knows_every_fault_the_catalogue_knows() -> None:
    from sandbox.demo.demo_services import FAULTS
    from sandbox.settings import SOURCES

    text = (SOURCES / "exchange" / "Dockerfile").read_text()
    program = (SOURCES / "go" / "exchange" / "faults.go").read_text()
    for fault in FAULTS:
        assert f"ARG {fault}=" in text and f"{fault}=${fault}" in text and f'"{fault}"' in program


def fake_docker(
    commands: list[list[str]], answer: str = "1.0.0: digest: sha256:" + "a" * 64 + " size: 1"
) -> t.Any:
    def run(argv: list[str]) -> subprocess.CompletedProcess[str]:
        commands.append(argv)
        return subprocess.CompletedProcess(argv, 0, answer if argv[1] == "push" else "", "")

    return run


def test_images_are_built_once_and_again_only_when_something_changed(tmp_path: Path) -> None:
    program = tmp_path / "exchange"
    program.write_bytes(b"one")
    commands: list[list[str]] = []

    def publish(*wanted: Image) -> dict[str, str]:
        commands.clear()
        return Images(fake_docker(commands), "r", program, tmp_path).publish(wanted)

    first = Image("auth", "1.0.0")
    assert publish(first) == {"r/auth:1.0.0": "sha256:" + "a" * 64}
    assert [command[1] for command in commands] == ["build", "push"]
    publish(first)
    assert commands == []
    publish(first, Image("auth", "1.1.0"))
    assert [command[1] for command in commands] == ["build", "push"] and "VERSION=1.1.0" in commands[0]
    publish(Image("auth", "1.0.0", {"FAULT_EXIT_AT_START": "3"}))
    assert "FAULT_EXIT_AT_START=3" in commands[0]
    program.write_bytes(b"two")
    publish(Image("auth", "1.1.0"))
    assert len(commands) == 2


def test_a_push_without_a_digest_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "exchange").write_bytes(b"")
    with pytest.raises(SandboxError, match="named no digest for r/auth:1.0.0"):
        Images(fake_docker([], "denied"), "r", tmp_path / "exchange", tmp_path).publish(
            [Image("auth", "1.0.0")]
        )


def test_a_hand_made_image_is_the_same_every_time_and_holds_the_program() -> None:
    made = image_archive("localhost/pause:1", "pause", b"program")
    assert made == image_archive("localhost/pause:1", "pause", b"program")
    with tarfile.open(fileobj=io.BytesIO(made)) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json") or io.BytesIO())
        layer = archive.extractfile(manifest["Layers"][0])
        assert manifest["RepoTags"] == ["localhost/pause:1"] and layer is not None
        with tarfile.open(fileobj=io.BytesIO(layer.read())) as inner:
            assert inner.getmember("pause").mode == 0o755


def test_only_running_pods_that_ask_for_it_are_scraped() -> None:
    pod: Json = {
        "metadata": {
            "name": "p",
            "namespace": "n",
            "labels": {"app": "auth", "a/b": "c"},
            "annotations": {"prometheus.io/scrape": "true"},
        },
        "status": {"podIP": "10.97.0.9", "phase": "Running"},
    }
    assert target(pod) == {
        "targets": ["10.97.0.9:8080"],
        "labels": {"app": "auth", "a_b": "c", "namespace": "n", "pod": "p"},
    }
    assert target(pod | {"status": {"podIP": "10.97.0.9", "phase": "Succeeded"}}) is None
    assert target(pod | {"status": {"phase": "Running"}}) is None
    assert target({"metadata": {"name": "p", "namespace": "n"}, "status": pod["status"]}) is None


def test_a_load_summary_is_what_k6_counted() -> None:
    raw = {"metrics": {
        "load_sent": {"values": {"count": 1000}}, "load_failed": {"values": {"count": 2}}, "dropped_iterations": {"values": {"count": 1}},
        "load_latency": {"values": {"med": 2.04, "p(95)": 9.96, "p(99)": 20, "max": 31}},
        "load_failed_at": {"values": {"min": 1000.0, "max": 61000.0}},
        "load_answers{served:wallet/1.0.0}": {"values": {"count": 30}}, "load_answers{served:wallet/1.1.0}": {"values": {"count": 70}},
        "load_answers{served:other}": {"values": {"count": 0}}, "load_answers": {"values": {"count": 100}},
    }}  # fmt: skip
    found = load.summarise(
        raw, 'time="x" level=error msg="{\\"status\\":503}" source=console\n{"status":0,"error":"EOF"}\n'
    )
    assert (found["sent"], found["failed"]) == (1000, 2)
    assert found["latency_ms"] == {"p50": 2.0, "p95": 10.0, "p99": 20, "max": 31}
    assert found["answers"] == {"wallet": {"1.0.0": 30, "1.1.0": 70}} and found["versions"] == {
        "1.0.0": 30,
        "1.1.0": 70,
    }
    assert (found["first_failure"], found["last_failure"]) == (
        "1970-01-01T00:00:01.000+00:00",
        "1970-01-01T00:01:01.000+00:00",
    )
    assert found["samples"] == [{"status": 503}, {"status": 0, "error": "EOF"}]
    assert "1000 requests sent, 2 failed" in load.tell(found) and "failures from 1970" in load.tell(found)


def test_a_load_without_failures_names_no_time_of_one() -> None:
    found = load.summarise({"metrics": {"load_sent": {"values": {"count": 5}}}})
    assert found["failed"] == 0 and found["first_failure"] is None and "failures from" not in load.tell(found)


def phase(version: str, code: int, on: str, failed: int = 0) -> story.Phase:
    summary = load.summarise(
        {"metrics": {"load_sent": {"values": {"count": 5}}, "load_failed": {"values": {"count": failed}}}}
    )
    return story.Phase(
        version, code, 1.0, summary, dict.fromkeys(SERVICES, on), "report.md", [LAST_WORDS], 1.5, 4.0
    )


def test_the_demo_is_green_only_when_both_releases_ended_as_promised() -> None:
    good, bad = phase(GOOD, 0, GOOD), phase(BAD, 2, GOOD)
    assert story.judge(good, bad, strict=True) == []
    assert "the bad release was not noticed" in story.judge(good, phase(BAD, 0, GOOD), strict=True)
    assert "the good release ended with code 2" in story.judge(phase(GOOD, 2, GOOD), bad, strict=True)
    (left,) = story.judge(good, phase(BAD, 2, BAD), strict=True)
    assert left.startswith(f"after the bad release these are not back on {GOOD}: auth ({BAD}), ")
    (lost,) = story.judge(phase(GOOD, 0, GOOD, failed=3), bad, strict=True)
    assert lost.startswith("3 request(s) failed")
    assert story.judge(phase(GOOD, 0, GOOD, failed=3), bad, strict=False) == []


def test_the_story_names_reason_times_and_reports() -> None:
    output = story.story(phase(GOOD, 0, GOOD), phase(BAD, 2, GOOD), 80)
    assert (
        LAST_WORDS in output
        and "noticed 1.5 s after the first crash" in output
        and "undone 4.0 s later" in output
    )
    assert "all nine services are on 1.1.0 again" in output and output.count("report.md") == 2


def test_a_crash_is_seen_while_it_waits_for_its_next_start() -> None:
    waiting = {
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 3}},
    }
    assert story.crashed({"status": {"containerStatuses": [waiting]}})
    assert not story.crashed({"status": {"containerStatuses": [{"state": {"terminated": {"exitCode": 0}}}]}})
    assert not story.crashed({"status": {}})


def test_real_pods_are_kept_off_fake_nodes() -> None:
    made = node("fake-1", 50)
    assert (
        made["spec"]["taints"][0]["effect"] == "NoSchedule" and made["status"]["allocatable"]["pods"] == "50"
    )
    assert made["metadata"]["annotations"] == {"kwok.x-k8s.io/node": "fake"}


def test_no_manifest_of_the_demo_can_take_down_a_running_pod_before_its_successor_is_ready() -> None:
    for item in manifests.deployments("exchange", "r", "1.0.0", "b"):
        assert item["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        assert item["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 10

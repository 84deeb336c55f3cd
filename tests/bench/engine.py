# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine by itself: how soon it notices, how soon it reports a bad version, what a wave of hundreds costs."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

from sandbox.settings import Settings

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
Json = dict[str, t.Any]
_REGISTRY = Settings.from_environment().registry
# What a bad release sets on one service.
FAULTS: dict[str, Json] = {
    "exits at start": {"env": {"wallet": {"FAULT_EXIT_AT_START": "3"}}},
    "out of memory": {"env": {"wallet": {"FAULT_LEAK_MB_PER_SECOND": "200", "FAULT_READY_AFTER": "60"}}},
    "no such image": {"images": {"wallet": f"{_REGISTRY}/exchange/wallet:none"}},
    "no such image name": {"images": {"wallet": f"{_REGISTRY}/Exchange/wallet:1"}},
    "no such Secret": {
        "env": {
            "wallet": {"DB_PASSWORD": {"valueFrom": {"secretKeyRef": {"name": "none", "key": "password"}}}}
        }
    },
}
_SCALE_SPACE = "bench-scale"


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT / '.collections'}:{ROOT}"}


def operation(name: str, **params: t.Any) -> Json:
    """One operation in a fresh process; what it cost."""
    return run_operation("operation.py", name, {"namespace": "exchange", **params})


def run_operation(program: str, name: str, params: Json) -> Json:
    """What a program of this folder, which runs one operation, says that it cost."""
    done = subprocess.run(
        [sys.executable, HERE / program],
        input=json.dumps({"operation": name, "params": params}),
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
        cwd=ROOT,
    )
    return t.cast("Json", json.loads(done.stdout))


def rollout(services: list[list[str]], registry: str, version: str) -> Json:
    workloads = [
        {"name": name, "wave": number, "images": {name: f"{registry}/{name}:{version}"}}
        for number, wave in enumerate(services, start=1)
        for name in wave
    ]
    result = operation("ROLLOUT", release=version, workloads=workloads)
    if result["error"]:
        raise SystemExit(f"The rollout to {version} failed: {result['error']}")
    return result


def bare(waves: list[list[str]], registry: str, version: str) -> float:
    command = [
        sys.executable,
        str(HERE / "bare.py"),
        "roll",
        "exchange",
        registry,
        version,
        json.dumps(waves),
    ]
    return float(
        subprocess.run(command, capture_output=True, text=True, check=True, env=environment()).stdout
    )


class Watching:
    """Another process that watches: when the API server has published
    what. ``first`` finds the time of the first object like that.
    """

    def __init__(self, namespace: str, kind: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, HERE / "bare.py", "watch", namespace, kind],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.seen: list[tuple[float, Json]] = []
        assert self._process.stdout and self._process.stdout.readline() == "ready\n"
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout
        with contextlib.suppress(ValueError):
            for line in self._process.stdout:
                at, _space, text = line.partition(" ")
                self.seen.append((float(at), json.loads(text)))

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *details: object) -> None:
        self._process.terminate()
        self._process.wait()

    def first(self, like: t.Callable[[Json], bool], after: float = 0.0) -> float:
        return next(at for at, thing in self.seen if at > after and like(thing))


def noticing(waves: list[list[str]], registry: str, version: str) -> float:
    """Median milliseconds from another watch's event that a service has settled to our saying so."""
    from tests.bench.bare import settled

    def there(name: str) -> t.Callable[[Json], bool]:
        image = f"{registry}/{name}:{version}"
        return lambda thing: (
            thing["metadata"]["name"] == name
            and thing["spec"]["template"]["spec"]["containers"][0]["image"] == image
            and settled(thing)
        )

    with Watching("exchange", "deployments") as published:
        result = rollout(waves, registry, version)
    late = []
    for at, line in result["said"]:
        name, _colon, text = line.partition(": ")
        if text.startswith("settled"):
            late.append((at - published.first(there(name))) * 1000)
    return statistics.median(late)


def troubled(pod: Json) -> bool:
    """The kubelet says of a new wallet pod that a container ended badly, or cannot be started."""
    if not pod["metadata"]["name"].startswith("wallet-"):
        return False
    for status in pod.get("status", {}).get("containerStatuses", []):
        waiting, ended = (
            status.get("state", {}).get("waiting", {}),
            status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated"),
        )
        if (ended and ended["exitCode"]) or waiting.get("reason") not in (
            None,
            "ContainerCreating",
            "PodInitializing",
        ):
            return True
    return False


def detecting() -> dict[str, float]:
    """Seconds from the kubelet's first word of the fault to our giving up, by fault."""
    found = {}
    for name, fault in FAULTS.items():
        with Watching("exchange", "pods") as published:
            result = operation(
                "ROLLOUT", release="bench-bad", workloads=[{"name": "wallet", **fault}], stuck_after=30
            )
        if not result["error"]:
            raise SystemExit(f"The bad version ({name}) was not found out.")
        found[name] = result["ended"] - published.first(troubled)
        back = operation("ROLLBACK", release="bench-bad")
        if back["error"]:
            raise SystemExit(f"The bad version ({name}) could not be taken back: {back['error']}")
    return found


def scale(count: int) -> Json:
    """One wave of that many Deployments on fake nodes: what it cost."""
    _place(count)
    workloads = [
        {"name": f"service-{number}", "images": {"app": "registry.invalid/app:2"}} for number in range(count)
    ]
    result = operation("ROLLOUT", namespace=_SCALE_SPACE, release="2", workloads=workloads, timeout=600)
    if result["error"]:
        raise SystemExit(f"The wave of {count} failed: {result['error']}")
    _kubectl("delete", "namespace", _SCALE_SPACE, "--timeout=300s")
    return result


def _place(count: int) -> None:
    labels = {"app": "scale"}
    spec = {
        "containers": [{"name": "app", "image": "registry.invalid/app:1"}],
        "nodeSelector": {"type": "kwok"},
        "tolerations": [{"key": "sandbox/fake", "operator": "Exists"}],
    }
    items = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": f"service-{number}", "namespace": _SCALE_SPACE},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {**labels, "number": str(number)}},
                "template": {"metadata": {"labels": {**labels, "number": str(number)}}, "spec": spec},
            },
        }
        for number in range(count)
    ]
    _kubectl("create", "namespace", _SCALE_SPACE)
    _kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    _kubectl(
        "-n", _SCALE_SPACE, "wait", "--for=condition=Available", "deployments", "--all", "--timeout=300s"
    )


def _kubectl(*arguments: str, stdin: str | None = None) -> None:
    subprocess.run(["kubectl", *arguments], input=stdin, check=True, text=True, stdout=subprocess.DEVNULL)

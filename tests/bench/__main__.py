# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


"""make bench: nine services from one version to another, by us and
by the peers, in one run on the same cluster; then the engine alone.

Only the ratios mean something on a shared machine, whose speed changes from minute to minute: every round
measures every contestant, one after the other, and a figure is the median of the rounds' own ratios.
BENCH_ROUNDS sets the number of rounds (5; kubernetes.core, which takes a minute, is measured in the first),
BENCH_SCALE how many Deployments the largest wave has (300).
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import yaml

from sandbox.settings import Settings
from tests.bench import engine, peers
from tests.bench.figures import told

ROOT = Path(__file__).parents[2]
VERSIONS = ("1.0.0", "1.1.0")
REGISTRY = os.environ.get("DEMO_REGISTRY", f"{Settings.from_environment().registry}/exchange")
# What the ratio of two of them may be at most.
GOALS = (
    ("in order", "kubectl", 1.1),
    ("in order", "kubernetes.core", 0.25),
    ("in waves", "kubectl", 0.75),
    ("operation in order", "bare in order", 1.03),
    ("operation in waves", "bare in waves", 1.05),
)
FLOORS = (("bare in order", "kubectl"), ("bare in waves", "kubectl"))
# Measured in the first round only.
ONCE = ("kubernetes.core",)
# What a figure may be at most.
LIMITS = {
    "second run, seconds": 5.0,
    "second run of the operation, ms": 150.0,
    "noticing, median ms after another watch": 50.0,
    "a bad version told, median s after the kubelet": 3.0,
    "requests for each workload of the largest wave": 3.0,
    "peak memory of the largest wave, MB": 150.0,
    "CPU of the largest wave, s": 10.0,
    "CPU of the largest wave / of one a tenth of it": 10.0,
}


def main() -> int:
    subprocess.run([sys.executable, "-m", "sandbox", "up"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(
        [sys.executable, "-m", "sandbox", "platform", "--version", VERSIONS[0]],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    exports = subprocess.run(
        [sys.executable, "-m", "sandbox", "env"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    os.environ.update(
        KUBECONFIG=exported("KUBECONFIG", exports), PATH=f"{exported('PATH', exports)}:{os.environ['PATH']}"
    )
    services = yaml.safe_load((ROOT / "inventories/sandbox/group_vars/all.yml").read_text())[
        "release_services"
    ]
    names = [service["name"] for service in services]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chain = [
            {"name": service, "after": names[max(0, index - 1) : index]}
            for index, service in enumerate(names)
        ]
        waves = [{"name": service["name"], "after": service.get("after", [])} for service in services]
        contestants: dict[str, t.Callable[[str], None]] = {
            "in order": lambda version: ours(folder, chain, version),
            "kubectl": lambda version: peers.kubectl(names, REGISTRY, version),
            "kubernetes.core": lambda version: peers.kubernetes_core(
                names, REGISTRY, version, folder, Path(os.environ["BENCH_VENV"])
            ),
            "in waves": lambda version: ours(folder, waves, version),
        }
        by_itself: dict[str, t.Callable[[str], float]] = {}
        for how, order in (("in order", [[name] for name in names]), ("in waves", graph(services))):
            by_itself[f"operation {how}"] = lambda version, order=order: engine.rollout(
                order, REGISTRY, version
            )["seconds"]
            by_itself[f"bare {how}"] = lambda version, order=order: engine.bare(order, REGISTRY, version)
        seconds = measured(
            {name: timed(work) for name, work in contestants.items()} | by_itself,
            int(os.environ.get("BENCH_ROUNDS", "5")),
        )
        again = timed(lambda version: ours(folder, waves, version, playbook="release.yml"))
        figures = {
            "second run, seconds": [again(now()) for attempt in range(2)][1],
            **engine_alone(graph(services)),
        }
    return told("nine services", seconds, GOALS, figures, LIMITS, FLOORS)


def engine_alone(waves: list[list[str]]) -> dict[str, float]:
    figures = {"noticing, median ms after another watch": engine.noticing(waves, REGISTRY, other())}
    quiet()
    figures["second run of the operation, ms"] = statistics.median(
        engine.rollout(waves, REGISTRY, now())["seconds"] * 1000 for attempt in range(5)
    )
    kinds = engine.detecting()
    print(
        "a bad version told after "
        + ", ".join(f"{seconds:.1f} s ({name})" for name, seconds in kinds.items()),
        flush=True,
    )
    figures["a bad version told, median s after the kubelet"] = statistics.median(kinds.values())
    quiet()
    largest = int(os.environ.get("BENCH_SCALE", "300"))
    subprocess.run(
        [sys.executable, "-m", "sandbox", "kwok", "--nodes", str(largest // 50 or 1)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    small, large = engine.scale(largest // 10), engine.scale(largest)
    for count, cost in ((largest // 10, small), (largest, large)):
        print(
            f"{count} Deployments in one wave: {cost['seconds']:.1f} s, {cost['cpu']:.1f} s CPU, {cost['memory_mb']:.0f} MB, {cost['requests']}",
            flush=True,
        )
    figures["requests for each workload of the largest wave"] = sum(large["requests"].values()) / largest
    figures["peak memory of the largest wave, MB"] = large["memory_mb"]
    figures["CPU of the largest wave, s"] = large["cpu"]
    figures["CPU of the largest wave / of one a tenth of it"] = large["cpu"] / small["cpu"]
    return figures


def graph(services: list[dict[str, t.Any]]) -> list[list[str]]:
    """The waves of the inventory: a service comes one wave after the latest of those that it is after."""
    number: dict[str, int] = {}
    for service in services:
        number[service["name"]] = 1 + max((number[name] for name in service.get("after", [])), default=-1)
    return [[name for name in number if number[name] == at] for at in sorted(set(number.values()))]


def other() -> str:
    return VERSIONS[1] if now() == VERSIONS[0] else VERSIONS[0]


def exported(name: str, exports: str) -> str:
    """The first word of a variable that `python -m sandbox env` prints."""
    return re.search(rf"{name}=([^\s:\"]+)", exports)[1]


def ours(folder: Path, services: list[dict[str, t.Any]], version: str, playbook: str = "rollout.yml") -> None:
    (folder / "services.json").write_text(
        json.dumps(
            {
                "release_services": services,
                "release_version": version,
                "release_report_dir": str(folder / "reports"),
            }
        )
    )
    command = [
        "ansible-playbook",
        f"playbooks/{playbook}",
        "-i",
        "inventories/sandbox",
        "-e",
        f"@{folder / 'services.json'}",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The {playbook} to {version} failed.\n{done.stdout[-3000:]}")


def measured(contestants: dict[str, t.Callable[[str], float]], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(1, rounds + 1):
        for name, contestant in contestants.items():
            if name in ONCE and number > 1:
                continue
            version = other()
            seconds[name].append(contestant(version))
            if now() != version:
                raise SystemExit(f"{name} said that it was done, and not every service runs {version}.")
            quiet()
            print(f"round {number}/{rounds}  {name:<16} {seconds[name][-1]:6.1f} s", flush=True)
    return seconds


def timed(work: t.Callable[[str], None]) -> t.Callable[[str], float]:
    def seconds(version: str) -> float:
        started = time.monotonic()
        work(version)
        return time.monotonic() - started

    return seconds


def now() -> str:
    """The version that all nine run; 'mixed' when they do not agree."""
    text = kubectl("get", "deployments", "-o", "jsonpath={.items[*].spec.template.spec.containers[0].image}")
    found = {image.rsplit(":", 1)[1] for image in text.split()}
    return found.pop() if len(found) == 1 else "mixed"


def quiet() -> None:
    """Until the old pods are gone: their end is not to be part of the next one's time."""
    kubectl("wait", "--for=delete", "pod", "--field-selector=status.phase!=Running", "--timeout=60s")
    going = "{range .items[?(@.metadata.deletionTimestamp)]}{.metadata.name} {end}"
    if names := kubectl("get", "pods", "-o", f"jsonpath={going}").split():
        kubectl("wait", "--for=delete", "--timeout=60s", *(f"pod/{name}" for name in names))


def kubectl(*arguments: str) -> str:
    return subprocess.run(
        ["kubectl", "-n", peers.NAMESPACE, *arguments], check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())

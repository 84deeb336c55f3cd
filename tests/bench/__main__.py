# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""make bench: nine services from one version to another, by us and by the peers, in one run on the same
cluster: as they are, with the engine alone, and as services that take seconds to become ready.

Only the ratios mean something on a shared machine, whose speed changes from minute to minute: every round
measures every contestant, one after the other, and a figure is the median of the rounds' own ratios.
BENCH_ROUNDS sets the number of rounds (5; kubernetes.core, which takes a minute, is measured in the first),
BENCH_SLOW_ROUNDS those of the race whose services take seconds to become ready (1), BENCH_SCALE how many
Deployments the largest wave has (300).
"""

from __future__ import annotations

import functools
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
from tests.bench.figures import Race, Run, measured, report

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
# The same where every service takes seconds to become ready.
STARTING_SECONDS = 5
SLOW_GOALS = (("in waves", "kubectl", 0.70), ("operation in waves", "bare in waves", 1.05))
SLOW_FLOORS = (("bare in waves", "kubectl"),)
Service = dict[str, t.Any]
# Each takes the version to go to, and returns the seconds that count.
Contestants = dict[str, t.Callable[[str], float]]
# Measured in the first round only.
ONCE = ("kubernetes.core",)
# What a figure may be at most.
LIMITS = {
    "second run, seconds": 5.0,
    "second run, processor seconds": 2.5,
    "second run of the operation, ms": 150.0,
    "noticing, median ms after another watch": 50.0,
    "a bad version reported, median s after the kubelet": 3.0,
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
    with tempfile.TemporaryDirectory() as name:
        return race_of_quick_starters(services, Path(name)) | race_of_slow_starters(services, Path(name))


def race_of_quick_starters(services: list[Service], folder: Path) -> int:
    """The demo's services are ready at once, so the pods' own work is what takes time; then the engine alone."""
    names, waves = [service["name"] for service in services], graph(services)
    chain = [
        {"name": service, "after": names[max(0, index - 1) : index]} for index, service in enumerate(names)
    ]
    contestants: Contestants = {
        "in order": timed(lambda version: ours(folder, chain, version)),
        "kubectl": timed(lambda version: peers.kubectl(names, REGISTRY, version)),
        "kubernetes.core": timed(
            lambda version: peers.kubernetes_core(
                names, REGISTRY, version, folder, Path(os.environ["BENCH_VENV"])
            )
        ),
        "in waves": timed(lambda version: ours(folder, order_of(services), version)),
        **by_itself("in order", [[name] for name in names]),
        **by_itself("in waves", waves),
    }
    runs = rounds_of(contestants, int(os.environ.get("BENCH_ROUNDS", "5")))
    again = timed(lambda version: ours(folder, order_of(services), version, playbook="release.yml"))
    second = [measured(functools.partial(again, now())) for attempt in range(2)][1]
    figures = {
        "second run, seconds": second.seconds,
        "second run, processor seconds": second.processor,
        **engine_alone(waves),
    }
    return report(Race("nine services", runs, GOALS, FLOORS), figures, LIMITS)


def race_of_slow_starters(services: list[Service], folder: Path) -> int:
    """Services that take five seconds to become ready, as real ones do: here it pays to start several at a time."""
    names = [service["name"] for service in services]
    kubectl("set", "env", "deployments", "--all", f"FAULT_READY_AFTER={STARTING_SECONDS}")
    settle()
    try:
        contestants: Contestants = {
            "kubectl": timed(lambda version: peers.kubectl(names, REGISTRY, version)),
            "in waves": timed(lambda version: ours(folder, order_of(services), version)),
            **by_itself("in waves", graph(services)),
        }
        runs = rounds_of(contestants, int(os.environ.get("BENCH_SLOW_ROUNDS", "1")))
    finally:
        kubectl("set", "env", "deployments", "--all", "FAULT_READY_AFTER-")
        settle()
    title = f"ready after {STARTING_SECONDS} s"
    return report(Race(title, runs, SLOW_GOALS, SLOW_FLOORS), {}, {})


def by_itself(how: str, waves: list[list[str]]) -> Contestants:
    """The operation without Ansible, and the least that has to be done."""
    return {
        f"operation {how}": lambda version: float(engine.rollout(waves, REGISTRY, version)["seconds"]),
        f"bare {how}": lambda version: engine.bare(waves, REGISTRY, version),
    }


def order_of(services: list[Service]) -> list[Service]:
    return [{"name": service["name"], "after": service.get("after", [])} for service in services]


def settle() -> None:
    """Until every service runs what it shall."""
    for name in kubectl("get", "deployments", "-o", "name").split():
        kubectl("rollout", "status", name, "--timeout=180s")
    quiet()


def engine_alone(waves: list[list[str]]) -> dict[str, float]:
    figures = {"noticing, median ms after another watch": engine.noticing(waves, REGISTRY, other())}
    quiet()
    figures["second run of the operation, ms"] = statistics.median(
        engine.rollout(waves, REGISTRY, now())["seconds"] * 1000 for attempt in range(5)
    )
    kinds = engine.detecting()
    print(
        "a bad version reported after "
        + ", ".join(f"{seconds:.1f} s ({name})" for name, seconds in kinds.items()),
        flush=True,
    )
    figures["a bad version reported, median s after the kubelet"] = statistics.median(kinds.values())
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


def graph(services: list[Service]) -> list[list[str]]:
    """The waves of the inventory: a service comes one wave after the latest of those that it is after."""
    number: dict[str, int] = {}
    for service in services:
        number[service["name"]] = 1 + max((number[name] for name in service.get("after", [])), default=-1)
    return [[name for name in number if number[name] == at] for at in sorted(set(number.values()))]


def other() -> str:
    return VERSIONS[1] if now() == VERSIONS[0] else VERSIONS[0]


def exported(name: str, exports: str) -> str:
    """The first word of a variable that `python -m sandbox env` prints."""
    found = re.search(rf"{name}=([^\s:\"]+)", exports)
    assert found, f"python -m sandbox env prints no {name}"
    return found[1]


def ours(folder: Path, services: list[Service], version: str, playbook: str = "rollout.yml") -> None:
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


def rounds_of(contestants: Contestants, rounds: int) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for number in range(1, rounds + 1):
        for name, contestant in contestants.items():
            if name in ONCE and number > 1:
                continue
            version = other()
            run = measured(functools.partial(contestant, version))
            runs[name].append(run)
            if now() != version:
                raise SystemExit(f"{name} said that it was done, and not every service runs {version}.")
            quiet()
            print(
                f"round {number}/{rounds}  {name:<20} {run.seconds:6.1f} s  {run.processor:6.2f} s of processors",
                flush=True,
            )
    return runs


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

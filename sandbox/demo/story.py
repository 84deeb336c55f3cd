# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: a good release and a bad one, under constant load, summed up in a few lines at the end."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import threading
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.build.builder import Builder
from sandbox.demo import demo_target, user_cluster
from sandbox.demo.demo_services import BAD, BROKEN_SERVICE, FIRST, GOOD, LAST_WORDS, SERVICES
from sandbox.demo.demo_target import DemoTarget
from sandbox.demo.load import Load, tell
from sandbox.errors import SandboxError
from sandbox.node import requirements, start
from sandbox.settings import CHECKOUT, Settings

RATE = 200


@dataclass
class Phase:
    """One release and what became of it."""

    version: str
    code: int
    seconds: float
    load: dict[str, t.Any]
    versions: dict[str, str]
    report: str | None = None
    reported: list[str] = field(default_factory=list)  # the lines of the playbook that say why
    noticed: float | None = None  # seconds from the first crash of a container to the first such line
    undone: float | None = None  # seconds from there to the report


def run(settings: Settings, options: argparse.Namespace) -> int:
    began = time.monotonic()
    where = _prepare(settings)
    where.place(FIRST)
    print(f"\nThe platform runs version {FIRST}, nine services, in namespace {where.space}.", flush=True)
    good = _release(where, GOOD, "a good release")
    bad = _release(where, BAD, f"a bad release: {BROKEN_SERVICE} {BAD} exits at start")
    tunnel = where.sandbox is None and not os.environ.get("DEMO_URL")
    problems = judge(good, bad, strict=not tunnel)
    print(story(good, bad, time.monotonic() - began))
    if tunnel:
        print(
            "Requests went through `kubectl port-forward`, which is cut whenever its pod is replaced; for true figures give DEMO_URL=http://..."
        )
    if where.sandbox is not None:
        print(f"To look around: {start.exports(settings)}\nTo end it: make sandbox-down")
    for problem in problems:
        print(f"NOT AS IT SHOULD BE: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _prepare(settings: Settings) -> DemoTarget:
    space = os.environ.get("DEMO_NAMESPACE") or "exchange"
    if kubeconfig := user_cluster.chosen(settings):
        return demo_target.in_user_cluster(settings, kubeconfig, space)
    requirements.require_root()
    sandbox = start.bring_up(settings)
    Builder(settings).ensure(("k6",))
    return demo_target.in_sandbox(sandbox, space)


@dataclass
class CrashWatch:
    """Notes when the cluster first tells of a crashed container of the broken service."""

    where: DemoTarget
    seen: float | None = None

    def start(self) -> None:
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        try:
            for event in self.where.cluster.watch(
                f"/api/v1/namespaces/{self.where.space}/pods?labelSelector=app%3D{BROKEN_SERVICE}",
                seconds=300,
            ):
                if crashed(event["object"]):
                    self.seen = time.monotonic()
                    return
        except (SandboxError, OSError) as problem:
            print(f"The demo cannot tell when the first crash was: {problem}", file=sys.stderr)


def crashed(pod: dict[str, t.Any]) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    ends = [status.get(kind, {}).get("terminated") for status in statuses for kind in ("state", "lastState")]
    return any(end and end.get("exitCode") for end in ends)


def _release(where: DemoTarget, version: str, what: str) -> Phase:
    print(f"\n=== {what}, {version}, under {RATE} requests a second ===\n", flush=True)
    with where.target() as target:
        load, crash = Load(str(where.programs / "k6"), target, RATE), CrashWatch(where)
        load.start(where.settings.state)
        crash.start()
        try:
            began = time.monotonic()
            code, lines = _playbook(where, version, target.url)
            seconds = time.monotonic() - began
        finally:
            summary = load.stop()
    reports = [(moment, found[0]) for moment, line in lines if (found := re.search(r"\S+\.md\b", line))]
    why = [
        (moment, line.strip())
        for moment, line in lines
        if re.search(rf"\b{BROKEN_SERVICE}\b.*exit code", line) or LAST_WORDS in line
    ]
    phase = Phase(
        version,
        code,
        seconds,
        summary,
        where.platform.versions(),
        reports[-1][1] if reports else None,
        [line for _, line in why],
    )
    if why and crash.seen is not None:
        phase.noticed = why[0][0] - crash.seen
    if why and reports:
        phase.undone = reports[0][0] - why[0][0]
    return phase


def _playbook(where: DemoTarget, version: str, url: str) -> tuple[int, list[tuple[float, str]]]:
    """Runs the release as a user would, shows what it says while it says it, and keeps when it said what."""
    program = Path(sys.executable).with_name("ansible-playbook")
    if not program.exists():
        raise SandboxError(
            "ansible-playbook is missing beside this Python. Run the demo by `make demo`, which installs it."
        )
    environment = {
        **os.environ, "KUBECONFIG": where.kubeconfig, "DEMO_NAMESPACE": where.space, "DEMO_REGISTRY": where.images.registry, "DEMO_URL": url,
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    command = [
        str(program),
        "playbooks/release.yml",
        "-i",
        "inventories/sandbox",
        "-e",
        f"release_version={version}",
    ]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    lines = []
    try:
        for line in process.stdout:
            lines.append((time.monotonic(), line.rstrip()))
            print(line, end="", flush=True)
        return process.wait(), lines
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def judge(good: Phase, bad: Phase, strict: bool) -> list[str]:
    """What is not as the demo promises. A tunnel to a user's
    cluster loses requests by itself: then losses do not count.
    """
    problems = []
    if good.code != 0:
        problems.append(f"the good release ended with code {good.code}")
    if wrong := off(good.versions, GOOD):
        problems.append(f"after the good release these are not on {GOOD}: {wrong}")
    if bad.code == 0:
        problems.append("the bad release was not noticed")
    if wrong := off(bad.versions, GOOD):
        problems.append(f"after the bad release these are not back on {GOOD}: {wrong}")
    for phase in (good, bad):
        if strict and phase.load["failed"]:
            problems.append(
                f"{phase.load['failed']} request(s) failed during release {phase.version}, for example {phase.load['samples'][:2]}"
            )
        if not phase.load["sent"]:
            problems.append(f"no request was sent during release {phase.version}")
    return problems


def off(versions: dict[str, str], wanted: str) -> str:
    return ", ".join(
        f"{name} ({versions.get(name, 'gone')})" for name in SERVICES if versions.get(name) != wanted
    )


def story(good: Phase, bad: Phase, seconds: float) -> str:
    lines = [
        "",
        "=== What happened ===",
        f"Good release {FIRST} -> {good.version}: {'done' if good.code == 0 else 'FAILED'} in {good.seconds:.0f} s.",
        f"  {tell(good.load)}",
        f"  report: {good.report or 'none'}",
        f"Bad release {good.version} -> {bad.version}: {'stopped and undone' if bad.code else 'NOT STOPPED'} in {bad.seconds:.0f} s; "
        + (
            f"not on {good.version}: {off(bad.versions, GOOD)}"
            if off(bad.versions, GOOD)
            else f"all nine services are on {good.version} again."
        ),
        *(f"  {line}" for line in list(dict.fromkeys(bad.reported))[:2]),
        *(
            [f"  noticed {max(bad.noticed, 0):.1f} s after the first crash"]
            if bad.noticed is not None
            else []
        ),
        *([f"  undone {bad.undone:.1f} s later"] if bad.undone is not None else []),
        f"  {tell(bad.load)}",
        f"  report: {bad.report or 'none'}",
        f"In all {seconds:.0f} s.",
    ]
    return "\n".join(lines)

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host with systemd that Molecule's scenarios run on:
what it is, and that nothing stays of it, whatever ends it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from sandbox.node import procfs
from tests.integration.support.playbooks.runner import ROOT

NAME = f"runbook-host-test-{os.getpid()}"


def host(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.node.host", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture
def owner() -> t.Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()
        host("down", NAME)


def on(first: int, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["nsenter", "--all", "--target", str(first), "--", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def left() -> list[str]:
    """Processes, mounts and groups that bear the host's name."""
    found = [" ".join(line) for pid in procfs.pids() if NAME in (line := procfs.command_line(pid))]
    found += [
        line
        for line in Path("/proc/mounts").read_text().splitlines()
        if NAME in line or "lowerdir=/,upperdir=/mnt" in line
    ]
    groups = {
        line.split()[1]
        for line in Path("/proc/mounts").read_text().splitlines()
        if line.split()[2] == "cgroup2"
    }
    return found + [str(group) for where in groups for group in Path(where).glob(f"{NAME}*")]


def gone(first: int, started: int | None) -> bool:
    deadline = time.monotonic() + 10
    while (procfs.start_time(first) == started or left()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return procfs.start_time(first) != started and left() == []


def test_the_host_has_a_systemd_of_its_own_and_changes_nothing_of_the_machine(
    owner: subprocess.Popen[bytes],
) -> None:
    before = set(Path("/etc").iterdir()), Path("/etc/hostname").read_text()
    first = int(host("up", NAME, "--until", str(owner.pid)))
    started = procfs.start_time(first)
    assert on(first, "systemctl", "is-system-running").stdout.strip() in ("running", "degraded")
    assert on(first, "hostname").stdout.strip() == NAME
    assert (
        on(
            first,
            "systemctl",
            "list-units",
            "--plain",
            "--no-legend",
            "postgresql*",
            "docker*",
            "containerd*",
        ).stdout
        == ""
    )
    on(first, "touch", "/etc/of-the-host")
    assert on(first, "test", "-e", "/etc/of-the-host").returncode == 0
    assert on(first, "sh", "-c", "echo 1 >/proc/sys/kernel/panic").returncode != 0
    assert on(first, "touch", str(ROOT / "of-the-host")).returncode != 0
    assert (set(Path("/etc").iterdir()), Path("/etc/hostname").read_text()) == before
    host("down", NAME)
    assert gone(first, started), left()


def test_the_host_ends_with_the_process_it_was_made_for(owner: subprocess.Popen[bytes]) -> None:
    first = int(host("up", NAME, "--until", str(owner.pid)))
    started = procfs.start_time(first)
    owner.send_signal(signal.SIGKILL)
    assert gone(first, started), left()


def test_the_host_ends_with_its_keeper_and_the_next_one_clears_up(owner: subprocess.Popen[bytes]) -> None:
    first = int(host("up", NAME, "--until", str(owner.pid)))
    started = procfs.start_time(first)
    (keeper,) = [pid for pid in procfs.pids() if NAME in procfs.command_line(pid)]
    os.kill(keeper, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while procfs.start_time(first) == started and time.monotonic() < deadline:
        time.sleep(0.05)
    again = int(host("up", NAME, "--until", str(owner.pid)))
    once_more = procfs.start_time(again)
    host("down", NAME)
    assert gone(first, started) and gone(again, once_more), left()

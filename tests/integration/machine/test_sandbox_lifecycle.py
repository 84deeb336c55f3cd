# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting, repairing and removing a sandbox: on a second one, beside the first, which must not notice."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from sandbox import health
from sandbox.components import STANDARD
from sandbox.node import procfs
from sandbox.node.namespaces import Namespaces
from sandbox.settings import CHECKOUT, PUBLIC_PORTS, Settings
from tests.integration.support.running_sandbox import Sandbox
from tests.integration.support.tiers import soak


def free_offset() -> int:
    """Ports nobody uses: other people's sandboxes may run on this machine.

    Beside those of the first one, and all below 32768, where the
    kernel takes those of clients from: one had the registry's.
    """
    for offset in range(150, 3600, 100):
        if not any(health.listens("127.0.0.1", port + offset) for port in PUBLIC_PORTS.values()):
            return offset
    raise AssertionError("no free ports")


class Second:
    def __init__(self, state: Path) -> None:
        self.settings = Settings(state, free_offset())
        self.environment = {
            **os.environ,
            "RUNBOOK_STATE": str(state),
            "SANDBOX_PORT_OFFSET": str(self.settings.offset),
        }
        self.environment.pop("KUBECONFIG", None)

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox", *command],
            cwd=CHECKOUT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, command: str) -> tuple[int, str]:
        process = self.start(command)
        out = process.communicate(timeout=180)[0]
        return process.returncode, out

    def must(self, command: str) -> str:
        code, out = self.run(command)
        assert code == 0, out
        return out

    def pid(self, component: str) -> int:
        return int(json.loads((self.settings.root / "run" / f"{component}.json").read_text())["pid"])

    @property
    def first(self) -> int:
        return Namespaces(self.settings).require()


@pytest.fixture(scope="module")
def second(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Second]:
    state = tmp_path_factory.mktemp("second")
    (state / "bin").symlink_to(sandbox.settings.state / "bin")
    made = Second(state)
    yield made
    made.must("down")


def machine(second: Second) -> dict[str, t.Any]:
    """All that a sandbox could leave on the machine."""

    def said(*command: str) -> list[str]:
        return sorted(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())

    mine = second.settings.state.parent
    of_other_tests = re.compile(rf"{re.escape(str(mine.parent))}/(?!{re.escape(mine.name)}/)")
    return {
        "mounts": sorted(
            line
            for line in Path("/proc/self/mounts").read_text().splitlines()
            if not of_other_tests.match(line.split()[1])
        ),
        "links": [line.split(": ")[1] for line in said("ip", "-o", "link")],
        "addresses": [line.split(None, 2)[1:] for line in said("ip", "-o", "-4", "address")],
        "rules": [line for line in said("iptables-save") if not line.startswith(("#", ":"))],
        "namespaces": said("ip", "netns"),
        "listening": [
            name for name in PUBLIC_PORTS if health.listens("127.0.0.1", second.settings.port(name))
        ],
        "groups": sorted(str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{second.settings.identity}")),
        "folders": [
            name
            for name in (
                "/var/lib/kubelet",
                "/var/lib/cni",
                "/var/log/containers",
                "/run/containerd",
                "/run/docker",
            )
            if Path(name).exists()
        ],
    }


def nothing_left(second: Second, before: dict[str, t.Any]) -> None:
    assert machine(second) == before
    assert [procfs.command_line(pid) for pid in procfs.marked(second.settings.state)] == []
    assert {entry.name for entry in second.settings.root.iterdir()} <= {"registry", "docker", "images.json"}


def test_up_is_quick_and_quicker_when_it_runs_already(second: Second) -> None:
    began = time.monotonic()
    out = second.must("up")
    assert (
        time.monotonic() - began < 30
    )  # beside another sandbox on the same machine; alone it takes a third of that
    assert "export KUBECONFIG=" in out and second.settings.api_url in out
    began = time.monotonic()
    assert "The sandbox runs already" in second.must("up")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "victims",
    [
        ["kube-apiserver", "traefik", "forwarder"],
        soak(["etcd", "kubelet"]),
        soak(["containerd", "docker", "coredns"]),
    ],
    ids=" ".join,
)
def test_up_repairs_what_was_killed_and_nothing_else(second: Second, victims: list[str]) -> None:
    second.must("up")
    before = {kind.name: second.pid(kind.name) for kind in STANDARD}
    for victim in victims:
        os.kill(before[victim], signal.SIGKILL)
    second.must("up")
    assert sorted(name for name, pid in before.items() if second.pid(name) != pid) == sorted(victims)
    assert second.run("status")[0] == 0


@pytest.mark.soak
def test_up_replaces_a_server_that_hangs(second: Second) -> None:
    second.must("up")
    hanging = second.pid("coredns")
    os.kill(hanging, signal.SIGSTOP)
    second.must("up")
    assert second.pid("coredns") != hanging and procfs.start_time(hanging) is None


def test_a_stale_record_is_never_trusted(second: Second) -> None:
    """After a reboot, a process id of a record belongs to somebody else."""
    second.must("up")
    with subprocess.Popen(["sleep", "600"]) as somebody:
        record = second.settings.root / "run" / "coredns.json"
        known = json.loads(record.read_text())
        record.write_text(json.dumps(known | {"pid": somebody.pid}))
        second.must("up")
        assert somebody.poll() is None
        assert second.run("status")[0] == 0
        somebody.kill()


@pytest.mark.soak
def test_up_repairs_the_death_of_everything(second: Second) -> None:
    second.must("up")
    os.kill(second.first, signal.SIGKILL)
    second.must("up")
    assert second.run("status")[0] == 0


def test_down_leaves_nothing(second: Second) -> None:
    second.must("down")
    before = machine(second)
    second.must("up")
    second.must("down")
    nothing_left(second, before)
    assert "is down" in second.must("down")


@pytest.mark.soak
def test_down_leaves_nothing_whatever_it_meets(second: Second) -> None:
    second.must("down")
    before = machine(second)

    half = second.start("up")
    while not (second.settings.root / "run" / "etcd.json").exists():
        assert half.poll() is None
    half.kill()
    half.communicate()
    second.must("down")
    nothing_left(second, before)

    second.must("up")
    # A command in its network that would keep it alive, and a killed first process.
    held = second.start("exec", "--", "sleep", "600")
    while "sleep" not in procfs.command_line(held.pid)[:1]:
        assert held.poll() is None
    os.kill(second.first, signal.SIGKILL)
    second.must("down")
    assert held.wait(timeout=10) != 0
    nothing_left(second, before)


def test_the_other_sandbox_did_not_notice(sandbox: Sandbox, second: Second) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "status"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_commands_say_what_to_do_when_nothing_runs(second: Second) -> None:
    second.must("down")
    assert second.run("status") == (1, "The sandbox does not run. Start it with: make sandbox\n")


def test_a_port_in_use_is_reported_with_a_way_out(second: Second) -> None:
    second.must("down")
    port = second.settings.port("registry")
    with socket.create_server(("127.0.0.1", port)):
        code, out = second.run("up")
    assert (
        code == 1
        and f"127.0.0.1:{port} cannot be used (Address already in use)" in out
        and "SANDBOX_PORT_OFFSET" in out
    )

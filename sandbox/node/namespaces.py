# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The namespaces of the sandbox: network, mounts and processes of its own.

Everything the sandbox starts lives in them, down to the last container. So nothing of it meets another
cluster or Docker engine of the machine, and ending their first process ends all of it, whatever state it is
in: no process, mount, bridge, address or iptables rule can be left behind.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import typing as t
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.node import procfs
from sandbox.settings import SOURCES, Settings

FIRST = "runbook-sandbox"  # how the first process is recognised: pause runbook-sandbox STATE
# Paths that containerd, the kubelet or dockerd use whatever they are told. In the sandbox they are private.
PRIVATE_FOLDERS = (
    "/var/lib/kubelet",
    "/var/lib/cni",
    "/var/log/containers",
    "/etc/docker",
    "/var/lib/postgresql",
)

_libc = ctypes.CDLL(None, use_errno=True)


def _enter_network(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if _libc.setns(descriptor, 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")
    finally:
        os.close(descriptor)


@contextmanager
def _in_network_of(pid: int) -> t.Iterator[None]:
    """New sockets of this thread belong to the network of that process, until the block ends."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    _enter_network(f"/proc/{pid}/ns/net")
    try:
        yield
    finally:
        _libc.setns(before, 0x40000000)
        os.close(before)


class Namespaces:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._made_folders = settings.state / "sandbox-made-folders.json"
        self.first: int | None = self.find()

    def find(self) -> int | None:
        """The first process, found by its command line: a lost or stale file cannot mislead."""
        wanted = [FIRST, str(self.settings.state)]
        for pid in procfs.pids():
            if procfs.command_line(pid)[1:] == wanted and procfs.namespace(pid, "pid") != procfs.namespace(
                "self", "pid"
            ):
                return pid
        return None

    def require(self) -> int:
        if self.first is None:
            raise SandboxError("The sandbox does not run. Start it with: make sandbox")
        return self.first

    def make(self, pause: Path) -> None:
        mounts = [["tmpfs", "/run", "tmpfs"]]
        made = []
        for folder in PRIVATE_FOLDERS:
            if not Path(folder).exists():
                Path(folder).mkdir(parents=True)
                made.append(folder)
            private = self.settings.root / "private" / folder.strip("/").replace("/", "-")
            private.mkdir(parents=True, exist_ok=True)
            mounts.append([str(private), folder, "bind"])
        if made:
            self._made_folders.write_text(json.dumps(made))
        self.first = self._launch(
            {"make": mounts, "argv": [str(pause), FIRST, str(self.settings.state)]}, "first", {}
        )

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TZ")}
        # Debian keeps daemons where a user's PATH may not look.
        kept["PATH"] = kept.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
        return {**kept, procfs.MARK: str(self.settings.state), **(extra or {})}

    def _launch(
        self, order: dict[str, object], name: str, extra: dict[str, str], keep: t.Sequence[int] = ()
    ) -> int:
        log = self.settings.logs / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        order |= {"log": str(log), "env": self.environment(extra), "pass": list(keep)}
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(SOURCES / "node" / "enter_namespaces.py"), json.dumps(order)],
            capture_output=True, text=True, pass_fds=keep, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise SandboxError(f"{name} could not be started: {done.stderr.strip()}")
        return int(done.stdout)

    def start(
        self,
        name: str,
        argv: t.Sequence[str],
        extra: dict[str, str] | None = None,
        keep: t.Sequence[int] = (),
    ) -> int:
        """Starts a program in the background in all namespaces
        and returns its process id as seen from outside.
        """
        return self._launch({"enter": self.require(), "argv": list(argv)}, name, extra or {}, keep)

    def run(
        self, argv: t.Sequence[str], *, extra: dict[str, str] | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program to its end in all namespaces."""
        inside = ["nsenter", "--target", str(self.require()), "--mount", "--pid", "--net", "--", *argv]
        done = subprocess.run(
            inside, capture_output=True, text=True, env=self.environment(extra), check=False
        )
        if check and done.returncode != 0:
            raise SandboxError(
                f"`{' '.join(argv)}` failed with code {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}"
            )
        return done

    def path(self, inside: str) -> Path:
        """Where a path of the sandbox's own view of the file system is found from here."""
        return Path(f"/proc/{self.require()}/root") / inside.lstrip("/")

    def network(self) -> AbstractContextManager[None]:
        """This thread's new sockets belong to the sandbox's network, until the block ends."""
        return _in_network_of(self.require())

    def outside(self) -> AbstractContextManager[None]:
        """The other way round, for a thread that is inside:
        the main thread never leaves the machine's network.
        """
        return _in_network_of(os.getpid())

    def destroy(self) -> None:
        """Ends everything, also what is left of a sandbox whose first process is gone already."""
        if self.first is not None:
            started = procfs.start_time(self.first)
            if started is not None:
                # Nothing inside needs a goodbye, and the kernel ends the whole namespace with it.
                procfs.end(self.first, started, patience=0)
                if procfs.start_time(self.first) == started:
                    raise SandboxError(
                        f"Process {self.first}, the first of the sandbox, cannot be ended. Look at: cat /proc/{self.first}/stack"
                    )
            self.first = None
        own = {os.getpid(), os.getppid()}
        for pid in procfs.marked(self.settings.state):
            # Commands of `sandbox exec` share only the network; they would keep it alive.
            started = procfs.start_time(pid)
            if (
                pid not in own
                and started is not None
                and procfs.namespace(pid, "net") != procfs.namespace("self", "net")
            ):
                procfs.end(pid, started, patience=1.0)
        if self._made_folders.exists():
            for folder in json.loads(self._made_folders.read_text()):
                if Path(folder).is_dir() and not any(Path(folder).iterdir()):
                    Path(folder).rmdir()
            self._made_folders.unlink()

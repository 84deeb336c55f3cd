# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cgroup under which the kubelet puts pods: one of the
sandbox's own, in version 1 and in version 2 hierarchies.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from sandbox.errors import SandboxError

ROOT = Path("/sys/fs/cgroup")
# Ten times a process's share of the processors, in version 1 and in version 2. All pods together compete with
# every single process outside, and with an even share their programs start late on a busy machine (of 54 pods
# 4 were Ready a second late and 7 a half, with this 1 and 3).
SHARES = {"cpu.shares": "10240", "cpu.weight": "1000"}


def _hierarchies(root: Path) -> list[Path]:
    if (root / "cgroup.controllers").exists():
        return [root]
    # Links (cpuacct -> cpu,cpuacct) would name the same hierarchy twice.
    return [
        entry
        for entry in sorted(root.iterdir())
        if entry.is_dir() and not entry.is_symlink() and (entry / "cgroup.procs").exists()
    ]


def make(name: str, root: Path = ROOT) -> None:
    for hierarchy in _hierarchies(root):
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        if (group / "cpuset.cpus").exists() and not (group / "cpuset.cpus").read_text().strip():
            # Version 1: nothing may run in a set without processors and memory nodes.
            for file in ("cpuset.cpus", "cpuset.mems"):
                if (hierarchy / file).exists():
                    (group / file).write_text((hierarchy / file).read_text())
        if (hierarchy / "cgroup.subtree_control").exists() and hierarchy == root:
            for parent in (hierarchy, group):
                for controller in (parent / "cgroup.controllers").read_text().split():
                    # One that cannot be handed down (threaded, delegated) must not keep the others back.
                    with contextlib.suppress(OSError):
                        (parent / "cgroup.subtree_control").write_text(f"+{controller}")
        for file, share in SHARES.items():
            if (group / file).exists():
                (group / file).write_text(share)


def remove(name: str, root: Path = ROOT, patience: float = 10.0) -> None:
    """Removes the cgroup and those below it; they empty a moment after their last process has ended."""
    deadline = time.monotonic() + patience
    while left := [hierarchy / name for hierarchy in _hierarchies(root) if (hierarchy / name).is_dir()]:
        for group in left:
            for folder, _, _ in os.walk(group, topdown=False):
                try:
                    Path(folder).rmdir()
                except OSError:
                    if time.monotonic() > deadline:
                        raise SandboxError(
                            f"The cgroup {folder} is still in use. Look at: cat {folder}/cgroup.procs"
                        ) from None
        time.sleep(0.05)

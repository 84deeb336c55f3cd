# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host with systemd sees of the file system: the
machine's own, below a layer in memory that takes every change.

So the host has the machine's Debian, PostgreSQL and Python
without an image, and nothing that it does reaches the machine.
"""

from __future__ import annotations

import os
import stat
import sys
import uuid
from pathlib import Path

from sandbox.node.enter_namespaces import MS_BIND, libc, mount
from sandbox.node.enter_namespaces import check as check_call
from sandbox.settings import CHECKOUT

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 0x1, 0x2, 0x4, 0x8, 0x20
MNT_DETACH = 0x2
# Folders that the host has empty: what the machine keeps there
# would start on the host, or is somebody's data.
OWN = (
    "/etc/systemd/system",
    "/etc/init.d",
    "/etc/postgresql",
    "/etc/pgbackrest",
    "/tmp",
    "/var/tmp",
    "/var/lib/systemd",
    "/var/lib/postgresql",
    "/var/lib/pgbackrest",
    "/var/lib/prometheus",
    "/var/log/journal",
    "/var/log/postgresql",
    "/var/log/pgbackrest",
    "/var/spool/pgbackrest",
)
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}


def brought() -> list[Path]:
    """What tests on the host need of this side, wherever it lies: the
    collection, the virtualenv, and the Python that it is made of.
    """
    return [CHECKOUT, Path(sys.prefix), Path(sys.base_prefix).resolve()]


def lay(upper: Path, folder: Path) -> Path:
    """The folder in the upper layer, owned as it and its parents are.
    Users of the host may pass, also where root's home is closed.
    """
    there = upper
    for part in [*reversed(folder.parents), folder][1:]:
        there = upper / part.relative_to("/")
        if not there.exists():
            like = part.stat()
            there.mkdir()
            os.chown(there, like.st_uid, like.st_gid)
            there.chmod(stat.S_IMODE(like.st_mode) | 0o111)
    return there


def layers(memory: Path) -> Path:
    """The root of the host, mounted; ``memory`` is an empty tmpfs."""
    upper, work, root = (memory / name for name in ("upper", "work", "root"))
    for folder in (upper, work, root):
        folder.mkdir()
    for name in OWN:
        if Path(name).is_dir():
            os.setxattr(lay(upper, Path(name)), "trusted.overlay.opaque", b"y")
    for folder in brought():
        lay(upper, folder)
    mount("overlay", str(root), "overlay", 0, f"lowerdir=/,upperdir={upper},workdir={work}")
    for folder in brought():
        bind_read_only(folder, root / folder.relative_to("/"))
    return root


def bind_read_only(source: Path, target: Path) -> None:
    mount(str(source), str(target), "none", MS_BIND)
    mount("none", str(target), "none", MS_BIND | MS_REMOUNT | MS_RDONLY)


def settle_in(root: Path, name: str) -> None:
    """As the first process of the host: its kernel's files
    and its identity; then its root is the only one there is.
    """
    mount("proc", str(root / "proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for shared in ("sys", "sysrq-trigger"):
        # The machine's kernel is set and rebooted by nobody here.
        if (root / "proc" / shared).exists():
            bind_read_only(root / "proc" / shared, root / "proc" / shared)
    mount("sysfs", str(root / "sys"), "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("cgroup2", str(root / "sys/fs/cgroup"), "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("tmpfs", str(root / "run"), "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    _devices(root / "dev")
    for file, content in {
        "fstab": "",
        "machine-id": f"{uuid.uuid4().hex}\n",
        "hostname": f"{name}\n",
    }.items():
        (root / "etc" / file).write_text(content)
    os.chdir(root)
    check_call(libc.pivot_root(b".", b"."), "change the root")
    check_call(libc.umount2(b".", MNT_DETACH), "let go of the machine's root")
    os.chdir(Path("/"))


def _devices(folder: Path) -> None:
    mount("tmpfs", str(folder), "tmpfs", MS_NOSUID, "mode=755")
    before = os.umask(0)
    for name, (major, minor) in DEVICES.items():
        os.mknod(folder / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
    os.umask(before)
    for name, kind, options in (
        ("pts", "devpts", "newinstance,ptmxmode=0666,mode=620"),
        ("shm", "tmpfs", "mode=1777"),
    ):
        (folder / name).mkdir()
        mount(kind, str(folder / name), kind, MS_NOSUID, options)
    links = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
    for name, target in links.items():
        (folder / name).symlink_to(target)

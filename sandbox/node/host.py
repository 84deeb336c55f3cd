# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with systemd as its first process, in namespaces of its
own, for what cannot be seen without one: units, timers, the journal.

    python -m sandbox.node.host up NAME [--until PID]    prints the id of the
    host's first process, as seen from here python -m sandbox.node.host down NAME

One process here keeps it, with all of the host below it: processes, mounts and network end with
the keeper, the keeper with the process of ``--until`` (a test run that is killed leaves
nothing). Commands on the host: nsenter --all --target ID.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.node import cgroup, host_files, network, procfs, requirements
from sandbox.node.enter_namespaces import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    MS_PRIVATE,
    MS_REC,
    check,
    libc,
    mount,
)
from sandbox.settings import Settings

CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x02000000, 0x04000000, 0x08000000
PR_SET_PDEATHSIG, PR_CAPBSET_DROP = 1, 24
# CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_SYSLOG: the kernel and its clock are the machine's.
NOT_FOR_THE_HOST = (16, 17, 25, 34)
SYSTEMD = "/usr/lib/systemd/systemd"
NEEDED: dict[str, tuple[str, ...]] = {
    SYSTEMD: ("systemd",),
    "systemctl": ("systemd",),
    "useradd": ("passwd",),
    **{
        name: requirements.NEEDED[name]
        for name in ("/usr/lib/postgresql", "pg_dump", "pgbackrest", "zstd", "nsenter")
    },
}
# Anywhere that is on every machine: only the keeper and the host see what is mounted there.
MEMORY = Path("/mnt")
PATIENCE = 60.0


def up(name: str, until: int | None) -> int:
    """Starts the host and waits until systemd has started what it starts."""
    _require_root()
    requirements.install_missing(NEEDED)
    requirements.load_modules(module for module in network.modules_wanted() if module == "overlay")
    down(name)
    heard, said = os.pipe()
    if os.fork() == 0:
        os.close(heard)
        _keep(name, until, said)
    os.close(said)
    with os.fdopen(heard) as pipe:
        answer = pipe.read()
    if not answer.isdigit():
        raise SandboxError(
            f"The host {name} could not be started: {answer or 'it ended without a word'}. It runs on this machine's kernel and needs root there."
        )
    _wait(name, int(answer))
    return int(answer)


def _require_root() -> None:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise SandboxError(
            "A host with systemd is made of mounts and namespaces of its own, and so needs root, on Linux."
        )


def _wait(name: str, first: int) -> None:
    inside = ["nsenter", "--all", "--target", str(first), "--", "systemctl"]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        # Until its socket is there, systemctl cannot wait by itself.
        state = subprocess.run(
            [*inside, "is-system-running", "--wait"],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        if state.stdout.strip() in ("running", "degraded"):
            return
        time.sleep(0.1)
    down(name)
    raise SandboxError(
        f"systemd of the host {name} has not come up within {PATIENCE:.0f} s: {(state.stdout or state.stderr).strip()}. Look at: {_log(name)}"
    )


def down(name: str) -> None:
    """Ends the host, if there is one, and returns when it is gone."""
    for pid in procfs.pids():
        started = procfs.start_time(pid)
        if started is not None and _is_keeper(pid, name):
            procfs.end(pid, started)


def _is_keeper(pid: int, name: str) -> bool:
    """Told by its command line, as a file can be stale, and by its session, which no `up` makes for itself."""
    line = procfs.command_line(pid)
    return (
        line[1:5] == ["-m", "sandbox.node.host", "up", name] and pid != os.getpid() and os.getsid(pid) == pid
    )


def _log(name: str) -> Path:
    return Settings.from_environment().state / "log" / f"{name}.log"


def _keep(name: str, until: int | None, said: int) -> None:
    """The keeper: never returns."""
    code = 1
    try:
        os.setsid()
        owner = os.pidfd_open(until) if until else None
        _talk_to(_log(name))
        check(
            libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC),
            "make namespaces",
        )
        mount("none", "/", "none", MS_REC | MS_PRIVATE)
        mount("tmpfs", str(MEMORY), "tmpfs", 0, "mode=755")
        groups = MEMORY / "cgroup"
        groups.mkdir()
        mount("cgroup2", str(groups), "cgroup2")
        cgroup.remove(name, groups)  # of one whose keeper was killed
        (groups / name).mkdir()
        signal.signal(signal.SIGTERM, lambda *about: sys.exit(0))
        try:
            _run(name, groups / name, owner, said)
        finally:
            cgroup.remove(name, groups)
        code = 0
    except SystemExit:
        code = 0
    except BaseException as problem:  # whatever it is, the one who waits must hear of it
        try:
            os.write(said, str(problem).encode())
        except OSError:
            print(problem, file=sys.stderr, flush=True)
    os._exit(code)


def _talk_to(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, target in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(descriptor, target)


def _run(name: str, group: Path, owner: int | None, said: int) -> None:
    """Until the host has ended, or the one it was made for."""
    first = _start(name, group)
    try:
        os.write(said, str(first).encode())
        os.close(said)
        waiting = select.poll()
        for descriptor in (os.pidfd_open(first), owner):
            if descriptor is not None:
                waiting.register(descriptor, select.POLLIN)
        waiting.poll()
    finally:
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)


def _start(name: str, group: Path) -> int:
    """Forks the first process of the host; returns when it is systemd."""
    heard, failed = os.pipe()  # close-on-exec: silence means that systemd runs
    first = os.fork()
    if first:
        os.close(failed)
        with os.fdopen(heard) as pipe:
            reason = pipe.read()
        if reason:
            os.waitpid(first, 0)
            raise SandboxError(reason)
        return first
    try:
        check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "be ended with the keeper")
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        (group / "cgroup.procs").write_text("0")
        check(libc.unshare(CLONE_NEWNS | CLONE_NEWCGROUP), "make namespaces")
        mount("none", "/", "none", MS_REC | MS_PRIVATE)
        host_files.settle_in(host_files.layers(MEMORY), name)
        for capability in NOT_FOR_THE_HOST:
            check(
                libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0),
                f"drop capability {capability}",
            )
        os.execve(
            SYSTEMD,
            [SYSTEMD, "--unit=multi-user.target"],
            {
                "container": "runbook",
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
                "LANG": "C.UTF-8",
            },
        )
    except BaseException as problem:
        os.write(failed, str(problem).encode())
    os._exit(1)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.node.host", description="A host with systemd, of this machine's own files."
    )
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("name")
    parser.add_argument("--until", type=int, help="process whose end is that of the host")
    options = parser.parse_args()
    try:
        if options.command == "up":
            print(up(options.name, options.until))
        else:
            _require_root()
            down(options.name)
    except SandboxError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

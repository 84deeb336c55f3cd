# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Enters or makes the namespaces that every process of the sandbox lives in.

Run as a script, on its own and without the package: a process namespace can only be
entered by a process that then forks, and a mount namespace only by one that has a single
thread. Neither holds for the sandbox's command itself.

    launch.py '{"make": [[source, target, type], ...], "argv": [...], "log": PATH, "env": {...}}'
    launch.py '{"enter": PID, "argv": [...], "log": PATH, "env": {...}, "pass": [descriptor, ...]}'

Prints the id of the started process, as seen from outside, or fails with a reason.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MS_SHARED = 0x1000, 0x4000, 0x40000, 0x100000

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    check(
        libc.mount(
            source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode() or None
        ),
        f"mount {kind} on {target}",
    )


def enter(pid: int) -> None:
    # All three are opened first: once the mount namespace is another, /proc is another as well.
    opened = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY) for kind in ("net", "pid", "mnt")]
    for descriptor in opened:
        check(libc.setns(descriptor, 0), f"enter a namespace of process {pid}")
        os.close(descriptor)


def become_first(mounts: list[list[str]]) -> None:
    """As process 1 of the new namespaces: own mounts and a loopback that is up."""
    mount("none", "/", "none", MS_REC | MS_PRIVATE)
    mount("none", "/", "none", MS_REC | MS_SHARED)  # pods may ask for mount propagation
    mount("proc", "/proc", "proc")
    for source, target, kind in mounts:
        mount(source, target, kind, MS_BIND if kind == "bind" else 0)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def go_before_others() -> None:
    """The servers of a platform have machines of their own. Here they share one with all that is
    tested on them, and a proxy that gets no turn for seconds would send users to pods that are gone.
    """
    with contextlib.suppress(PermissionError):  # it works without, on a machine that has enough of them
        os.nice(-5)


def main() -> None:
    order = json.loads(sys.argv[1])
    making = "make" in order
    if making:
        check(libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET), "make namespaces")
    else:
        enter(order["enter"])
    heard, said = os.pipe()  # close-on-exec: silence means that the program runs
    child = os.fork()
    if child:
        os.close(said)
        with os.fdopen(heard) as pipe:
            reason = pipe.read()
        if reason:
            sys.exit(reason)
        print(child)
        return
    try:
        os.setsid()
        if making:
            become_first(order["make"])
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(descriptor, target)
        for descriptor in order.get("pass", []):
            os.set_inheritable(descriptor, True)
        if not making:
            go_before_others()
        os.chdir(Path("/"))
        os.execvpe(order["argv"][0], order["argv"], order["env"])
    except BaseException as problem:  # whatever it is, the parent must hear of it
        os.write(said, f"{order['argv'][0]}: {problem}".encode())
    os._exit(1)


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the machine has to bring: Linux, root, and a few
Debian packages that are installed when they are missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import typing as t
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import SandboxError

_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"

# A program (or file) that must be there, and the packages that
# bring it: the first that the machine's releases know.
NEEDED: dict[str, tuple[str, ...]] = {
    "containerd": ("containerd",),
    "runc": ("runc",),
    "/usr/lib/cni/bridge": ("containernetworking-plugins",),
    "dockerd": ("docker.io",),
    "docker": ("docker-cli", "docker.io"),
    "docker-registry": ("docker-registry",),
    "prometheus": ("prometheus",),
    "/usr/lib/postgresql": ("postgresql",),
    "pg_dump": ("postgresql-client",),
    "redis-server": ("redis-server",),
    "zstd": ("zstd",),
    "age": ("age",),
    "gpg": ("gpg",),
    "sqitch": ("sqitch",),
    "pgbackrest": ("pgbackrest",),
    "setpriv": ("util-linux",),
    "iptables": ("iptables",),
    "conntrack": ("conntrack",),
    "ip": ("iproute2",),
    "nsenter": ("util-linux",),
    "curl": ("curl",),
}
# Services that come with these packages and would start at the
# machine's next boot; the sandbox has no use for them.
UNITS = {
    "containerd": ("containerd.service",),
    "docker.io": ("docker.service", "docker.socket"),
    "docker-registry": ("docker-registry.service",),
    "postgresql": ("postgresql.service",),
    "prometheus": ("prometheus.service",),
    "redis-server": ("redis-server.service",),
}
INSTEAD = "To use a cluster of your own instead: make demo KUBECONFIG=/path/to/kubeconfig REGISTRY=registry.example.com/demo"


def require_root() -> None:
    if not sys.platform.startswith("linux"):
        raise SandboxError(
            f"The sandbox runs containers of its own and so needs Linux; this is {sys.platform}. {INSTEAD}"
        )
    if os.geteuid() != 0:
        raise SandboxError(
            f"The sandbox starts a real Kubernetes node and so needs root, on Linux; you are not root. {INSTEAD}"
        )


def missing(needed: t.Iterable[str] = NEEDED) -> list[str]:
    return [
        name
        for name in needed
        if not (Path(name).exists() if name.startswith("/") else shutil.which(name, path=_PATH))
    ]


def install_missing(needed: t.Mapping[str, tuple[str, ...]] = NEEDED) -> None:
    absent = missing(needed)
    if absent:
        if not shutil.which("apt-get"):
            raise SandboxError(
                f"These programs are missing: {', '.join(absent)}. Install them by your system's packages and try again. {INSTEAD}"
            )
        _apt("update")
        packages = sorted({_package(needed[name]) for name in absent})
        if docker_needs_buildx(packages):
            packages.append("docker-buildx")
        print(f"Installing Debian packages: {' '.join(packages)}", flush=True)
        with _services_held():
            _apt("install", "--yes", "--no-install-recommends", *packages)
        units = [unit for package in packages for unit in UNITS.get(package, ())]
        if units and Path("/run/systemd/system").is_dir():
            subprocess.run(["systemctl", "disable", "--quiet", *units], capture_output=True, check=False)


def load_modules(wanted: t.Iterable[str]) -> None:
    for module in wanted:
        if subprocess.run(["modprobe", module], capture_output=True, check=False).returncode != 0:
            raise SandboxError(
                f"The kernel module {module} is missing and cannot be loaded. Load it with: modprobe {module}. {INSTEAD}"
            )


def docker_needs_buildx(packages: list[str]) -> bool:
    """Newer Debian releases have Docker's builder in a package of its own, and their client insists on it."""
    return "docker-cli" in packages and _known("docker-buildx")


def _known(package: str) -> bool:
    done = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=False)
    return "Candidate:" in done.stdout and "Candidate: (none)" not in done.stdout


def _package(candidates: tuple[str, ...]) -> str:
    return next((package for package in candidates if _known(package)), candidates[-1])


def _apt(*arguments: str) -> None:
    done = subprocess.run(
        ["apt-get", "-q", *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )  # fmt: skip
    if done.returncode != 0:
        raise SandboxError(
            f"`apt-get {' '.join(arguments)}` failed:\n{(done.stderr or done.stdout).strip()[-2000:]}"
        )


@contextmanager
def _services_held() -> t.Iterator[None]:
    """Packages may not start services of their own: the
    sandbox starts what it needs, apart from the machine's.
    """
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()

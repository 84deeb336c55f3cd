# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the sandbox keeps its things and which addresses it uses. Nothing here touches the machine."""

from __future__ import annotations

import hashlib
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SOURCES = CHECKOUT / "sandbox"

NODE = "sandbox"
SERVICE_CIDR = "10.96.0.0/16"  # virtual: exists in iptables only
API_SERVICE_IP = "10.96.0.1"
POD_CIDR = "10.97.0.0/16"
# The kubelet refuses a loopback address, so the node's is the pods' bridge. CoreDNS listens on it as well.
NODE_IP = "10.97.0.1"
FAKE_POD_CIDR = "10.99.0.0/16"
BRIDGE = "sandbox0"
CONTEXT = "sandbox"

# The same inside the sandbox and on the machine's loopback.
# Below 32768, from where on the kernel gives ports to clients.
PUBLIC_PORTS = {
    "api": 26443,
    "ingress": 28080,
    "registry": 25000,
    "prometheus": 29090,
    "postgresql": 25432,
    "redis": 26379,
    "s3": 25900,
}
# Nothing but this machine reaches them.
POSTGRES_PASSWORD, REDIS_PASSWORD = "sandbox-postgres", "sandbox-redis"
# Only inside the sandbox's network namespace, so they meet nobody.
ETCD_PORT = 12379
TRAEFIK_ADMIN_PORT = 18081


@dataclass(frozen=True)
class Settings:
    """One sandbox: everything it has is under `state`, and a
    second one only needs another `state` and `offset`.
    """

    state: Path
    offset: int = 0

    @classmethod
    def from_environment(cls, environment: t.Mapping[str, str] = os.environ) -> Settings:
        state = environment.get("RUNBOOK_STATE")
        if not state:
            cache = environment.get("XDG_CACHE_HOME") or str(
                Path(environment.get("HOME") or Path.home()) / ".cache"
            )
            state = str(Path(cache) / "runbook-release")
        return cls(Path(state).resolve(), int(environment.get("SANDBOX_PORT_OFFSET") or 0))

    @property
    def root(self) -> Path:
        """The running sandbox: data, keys, logs, process records."""
        return self.state / "sandbox"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def lock(self) -> Path:
        return self.state / "sandbox.lock"

    @property
    def identity(self) -> str:
        """Tells this sandbox's cgroup from that of another state directory."""
        return "runbook-" + hashlib.sha256(str(self.state).encode()).hexdigest()[:8]

    def port(self, name: str) -> int:
        return PUBLIC_PORTS[name] + self.offset

    @property
    def api_url(self) -> str:
        return f"https://127.0.0.1:{self.port('api')}"

    @property
    def ingress_url(self) -> str:
        return f"http://127.0.0.1:{self.port('ingress')}"

    @property
    def registry(self) -> str:
        return f"127.0.0.1:{self.port('registry')}"

    @property
    def prometheus_url(self) -> str:
        return f"http://127.0.0.1:{self.port('prometheus')}"

    @property
    def s3_url(self) -> str:
        return f"http://127.0.0.1:{self.port('s3')}"

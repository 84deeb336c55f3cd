# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""CoreDNS on the cluster's DNS address, so that services find each other by name."""

from __future__ import annotations

from pathlib import Path

from sandbox import health
from sandbox.components.base import Component
from sandbox.settings import NODE_IP

_HEALTH, _READY = "127.0.0.1:18083", "127.0.0.1:18084"


class CoreDns(Component):
    name = "coredns"
    after = ("kube-apiserver",)

    @property
    def _corefile(self) -> Path:
        return self.folder / "Corefile"

    def files(self) -> dict[Path, str]:
        # Names outside the cluster do not exist here, and are said not to at once.
        return {self._corefile: f"""cluster.local in-addr.arpa {{
    bind {NODE_IP}
    errors
    health {_HEALTH}
    ready {_READY}
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {self.sandbox.kubeconfig("coredns")}
        pods insecure
        ttl 5
    }}
}}
. {{
    bind {NODE_IP}
    errors
    template ANY ANY . {{
        rcode NXDOMAIN
    }}
}}
"""}  # fmt: skip

    def argv(self) -> list[str]:
        return [self.sandbox.program("coredns"), "-conf", str(self._corefile)]

    def healthy(self) -> bool:
        return health.answers(f"http://{_READY}/ready")

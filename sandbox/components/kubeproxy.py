# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""kube-proxy: makes the addresses of Services work, by iptables of the sandbox's own network."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox import health
from sandbox.components.base import Component
from sandbox.settings import NODE, POD_CIDR


class KubeProxy(Component):
    name = "kube-proxy"
    after = ("kube-apiserver",)

    @property
    def _config(self) -> Path:
        return self.folder / "config.json"

    def files(self) -> dict[Path, str]:
        config = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables",
            "healthzBindAddress": "127.0.0.1:10256", "metricsBindAddress": "127.0.0.1:10249",
            "hostnameOverride": NODE, "clusterCIDR": POD_CIDR, "nodePortAddresses": ["127.0.0.0/8"], "oomScoreAdj": 0,
            "clientConnection": {"kubeconfig": str(self.sandbox.kubeconfig("proxy"))},
            # Zero leaves the kernel's settings alone: they are the whole machine's and may not be writable.
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s",
                          "udpTimeout": "0s", "udpStreamTimeout": "0s"},
            "iptables": {"localhostNodePorts": True, "masqueradeAll": False, "minSyncPeriod": "100ms", "syncPeriod": "30s"},
        }  # fmt: skip
        return {self._config: json.dumps(config, indent=1)}

    def argv(self) -> list[str]:
        return [self.sandbox.program("controlplane"), "proxy", f"--config={self._config}", "--v=2"]

    def healthy(self) -> bool:
        return health.answers("http://127.0.0.1:10256/healthz")

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""kubelet: the cluster's only real node is this machine."""

from __future__ import annotations

import json
import resource
from pathlib import Path

from sandbox import health
from sandbox.components.base import Component
from sandbox.components.containerd import SOCKET
from sandbox.settings import NODE, NODE_IP


class Kubelet(Component):
    name = "kubelet"
    after = ("kube-apiserver", "containerd")

    @property
    def _config(self) -> Path:
        return self.settings.root / "kubelet-config.json"

    @property
    def _resolv_conf(self) -> Path:
        return self.settings.root / "resolv.conf"

    def files(self) -> dict[Path, str]:
        key = self.sandbox.keys.path
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "address": "0.0.0.0",  # the API server dials the node's address for logs and exec
            "port": 10250, "readOnlyPort": 0, "healthzBindAddress": "127.0.0.1", "healthzPort": 10248,
            "tlsCertFile": str(key("kubelet.crt")), "tlsPrivateKeyFile": str(key("kubelet.key")),
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}, "x509": {"clientCAFile": str(key("ca.crt"))}},
            "authorization": {"mode": "Webhook"},
            "containerRuntimeEndpoint": f"unix://{SOCKET}",
            # Debian 12's containerd cannot tell its cgroup driver, and
            # without systemd inside there is one choice only.
            "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{self.settings.identity}", "failCgroupV1": False, "failSwapOn": False,
            "cgroupsPerQOS": True, "enforceNodeAllocatable": ["pods"],
            "clusterDomain": "cluster.local", "clusterDNS": [NODE_IP], "resolvConf": str(self._resolv_conf),
            "podLogsDir": str(self.settings.root / "pod-logs"), "volumePluginDir": str(self.folder / "volume-plugins"),
            # Never collect images: the pause image was imported by hand and could not be pulled again.
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "nodefs.inodesFree": "1%", "imagefs.available": "1%"},
            "maxPods": 110,
            # Without CAP_SYS_RESOURCE neither may be improved beyond what this process was given.
            "oomScoreAdj": 0, "maxOpenFiles": limit if 0 < limit < 1_000_000 else 1_000_000,
            "registryPullQPS": 0, "serializeImagePulls": False, "maxParallelImagePulls": 4,
            "syncFrequency": "10s", "nodeStatusUpdateFrequency": "5s", "nodeLeaseDurationSeconds": 20, "runtimeRequestTimeout": "30s",
            "shutdownGracePeriod": "0s", "shutdownGracePeriodCriticalPods": "0s",
            # A crash loop shows its restarts in seconds, not in minutes.
            "featureGates": {"KubeletCrashLoopBackOffMax": True}, "crashLoopBackOff": {"maxContainerRestartPeriod": "10s"},
        }  # fmt: skip
        return {self._config: json.dumps(config, indent=1), self._resolv_conf: f"nameserver {NODE_IP}\n"}

    def argv(self) -> list[str]:
        return [
            self.sandbox.program("controlplane"), "kubelet", f"--config={self._config}", f"--kubeconfig={self.sandbox.kubeconfig('kubelet')}",
            f"--hostname-override={NODE}", f"--node-ip={NODE_IP}", f"--root-dir={self.folder}", f"--cert-dir={self.folder / 'pki'}", "--v=2",
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        # When a container runs, the kubelet asks for a probe at once (prober_manager.go) a moment
        # before it notes the container's id (SetPodStatus). On a second processor the probe comes
        # first, finds no container, and the next one is a second away: 13 of 54 pods were Ready a
        # second late, and 1 of 108 with one processor for the kubelet's code.
        return {"GOMAXPROCS": "1"}

    def healthy(self) -> bool:
        if not health.answers("http://127.0.0.1:10248/healthz"):
            return False
        node = self.sandbox.api.get(f"/api/v1/nodes/{NODE}")
        conditions = (node or {}).get("status", {}).get("conditions", [])
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

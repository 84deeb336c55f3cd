# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""kube-controller-manager and kube-scheduler."""

from __future__ import annotations

from sandbox import health
from sandbox.components.base import Component
from sandbox.settings import SERVICE_CIDR

# The default of 20 requests a second holds back hundreds of Deployments on fake nodes by a minute.
_FAST = ["--kube-api-qps=500", "--kube-api-burst=1000"]
# One of each, so nobody has to be elected.
_ALONE = ["--bind-address=127.0.0.1", "--leader-elect=false", "--profiling=false", "--v=1"]


class _Controller(Component):
    after = ("kube-apiserver",)
    port = 0

    def healthy(self) -> bool:
        return health.answers(f"https://127.0.0.1:{self.port}/healthz", context=health.unverified())

    def _login(self, user: str) -> list[str]:
        kubeconfig = self.sandbox.kubeconfig(user)
        return [
            f"--{flag}={kubeconfig}"
            for flag in ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
        ]


class ControllerManager(_Controller):
    name = "kube-controller-manager"
    port = 10257

    def argv(self) -> list[str]:
        key = self.sandbox.keys.path
        return [
            self.sandbox.program("controlplane"), "controller-manager", *self._login("controller-manager"), *_ALONE, *_FAST,
            "--use-service-account-credentials=true", f"--service-account-private-key-file={key('service-accounts.key')}",
            f"--root-ca-file={key('ca.crt')}", f"--cluster-signing-cert-file={key('ca.crt')}", f"--cluster-signing-key-file={key('ca.key')}",
            f"--service-cluster-ip-range={SERVICE_CIDR}",
            "--concurrent-deployment-syncs=20", "--concurrent-replicaset-syncs=20", "--concurrent-service-endpoint-syncs=20",
            # An autoscaler that answers within a test's patience.
            "--horizontal-pod-autoscaler-sync-period=3s", "--horizontal-pod-autoscaler-downscale-stabilization=10s",
            "--horizontal-pod-autoscaler-initial-readiness-delay=1s", "--horizontal-pod-autoscaler-cpu-initialization-period=1s",
        ]  # fmt: skip


class Scheduler(_Controller):
    name = "kube-scheduler"
    port = 10259

    def argv(self) -> list[str]:
        return [self.sandbox.program("controlplane"), "scheduler", *self._login("scheduler"), *_ALONE, *_FAST]

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""kube-apiserver, with an audit log: tests prove by it who wrote what."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.components.base import Component
from sandbox.settings import ETCD_PORT, NODE_IP, SERVICE_CIDR

# Every write is logged, and every read that is not the cluster talking to itself.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "nonResourceURLs": ["/*"]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}], "namespaces": ["kube-node-lease", "kube-system"]},
        {"level": "None", "verbs": ["get", "list", "watch"], "userGroups": ["system:nodes", "system:serviceaccounts"]},
        {"level": "None", "verbs": ["get", "list", "watch"], "users": [
            "system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy",
            "sandbox-coredns", "sandbox-traefik", "sandbox-targets", "sandbox-kwok"]},
        {"level": "Metadata"},
    ],
}  # fmt: skip


class ApiServer(Component):
    name = "kube-apiserver"
    after = ("etcd",)
    listens = "api"
    limit = 120.0

    @property
    def audit_log(self) -> Path:
        return self.settings.logs / "audit.log"

    @property
    def _policy(self) -> Path:
        return self.folder / "audit-policy.json"

    def files(self) -> dict[Path, str]:
        return {self._policy: json.dumps(AUDIT_POLICY, indent=1)}

    def argv(self) -> list[str]:
        key = self.sandbox.keys.path
        flags: dict[str, object] = {
            # Pods reach it by the node's address, which is what the `kubernetes` Service leads to.
            "bind-address": "0.0.0.0", "advertise-address": NODE_IP, "secure-port": self.settings.port("api"),
            "etcd-servers": f"http://127.0.0.1:{ETCD_PORT}", "allow-privileged": "true",
            "authorization-mode": "Node,RBAC", "enable-admission-plugins": "NodeRestriction",
            "client-ca-file": key("ca.crt"), "tls-cert-file": key("apiserver.crt"), "tls-private-key-file": key("apiserver.key"),
            "kubelet-client-certificate": key("apiserver-kubelet-client.crt"), "kubelet-client-key": key("apiserver-kubelet-client.key"),
            "kubelet-certificate-authority": key("ca.crt"), "kubelet-preferred-address-types": "InternalIP,Hostname",
            "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
            "service-account-key-file": key("service-accounts.pub"), "service-account-signing-key-file": key("service-accounts.key"),
            "service-cluster-ip-range": SERVICE_CIDR,
            "requestheader-client-ca-file": key("front-proxy-ca.crt"), "requestheader-allowed-names": "front-proxy-client",
            "requestheader-username-headers": "X-Remote-User", "requestheader-group-headers": "X-Remote-Group",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "proxy-client-cert-file": key("front-proxy-client.crt"), "proxy-client-key-file": key("front-proxy-client.key"),
            "enable-aggregator-routing": "true", "profiling": "false", "v": 1,
            "audit-policy-file": self._policy, "audit-log-path": self.audit_log, "audit-log-maxsize": 100, "audit-log-maxbackup": 2,
        }  # fmt: skip
        return [
            self.sandbox.program("controlplane"),
            "apiserver",
            *(f"--{name}={value}" for name, value in flags.items()),
        ]

    def healthy(self) -> bool:
        return self.sandbox.api.ready()

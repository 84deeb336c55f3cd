# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""kwok: gives fake nodes and the pods on them their statuses. It runs once fake nodes were asked for."""

from __future__ import annotations

from pathlib import Path

from sandbox import health
from sandbox.components.base import Component
from sandbox.settings import FAKE_POD_CIDR, SOURCES

_PORT = 10247


class Kwok(Component):
    name = "kwok"
    after = ("kube-apiserver",)

    @property
    def _stages(self) -> Path:
        return self.folder / "stages.yaml"

    def files(self) -> dict[Path, str]:
        return {self._stages: (SOURCES / "kwok" / "stages.yaml").read_text()}

    def argv(self) -> list[str]:
        key = self.sandbox.keys.path
        return [
            self.sandbox.program("kwok"), f"--kubeconfig={self.sandbox.kubeconfig('kwok')}", f"--config={self._stages}",
            "--manage-all-nodes=false", "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            # Nothing answers at the pods' addresses; the API server asks for logs at the node's.
            f"--cidr={FAKE_POD_CIDR}", "--node-ip=127.0.0.1", f"--node-port={_PORT}", f"--server-address=127.0.0.1:{_PORT}",
            f"--tls-cert-file={key('kubelet.crt')}", f"--tls-private-key-file={key('kubelet.key')}", "--node-lease-duration-seconds=40",
        ]  # fmt: skip

    def healthy(self) -> bool:
        return health.answers(f"https://127.0.0.1:{_PORT}/healthz", context=health.unverified())

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd: the cluster's memory."""

from __future__ import annotations

from sandbox import health
from sandbox.components.base import Component
from sandbox.settings import ETCD_PORT


class Etcd(Component):
    name = "etcd"

    def argv(self) -> list[str]:
        client, peer = f"http://127.0.0.1:{ETCD_PORT}", f"http://127.0.0.1:{ETCD_PORT + 1}"
        return [
            self.sandbox.program("controlplane"), "etcd", "--name", "sandbox", "--data-dir", str(self.folder), "--log-level", "warn",
            # Not waiting for the disk: what it holds is worth nothing after a power cut.
            "--unsafe-no-fsync",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"sandbox={peer}",
        ]  # fmt: skip

    def healthy(self) -> bool:
        return health.answers(f"http://127.0.0.1:{ETCD_PORT}/health")

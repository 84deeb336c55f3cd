# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Docker engine of the sandbox's own, for building images. It runs no containers and needs no network."""

from __future__ import annotations

from pathlib import Path

from sandbox.components.base import Component

SOCKET = "/run/docker.sock"  # private to the sandbox, see namespaces.py


class Docker(Component):
    name = "docker"

    def argv(self) -> list[str]:
        return [
            "dockerd", "--data-root", str(self.folder), "--exec-root", "/run/docker", "--pidfile", "/run/docker.pid", "--host", f"unix://{SOCKET}",
            "--bridge", "none", "--iptables=false", "--ip-masq=false", "--ip-forward=false",
        ]  # fmt: skip

    def healthy(self) -> bool:
        if not (Path(f"/proc/{self.box.namespaces.require()}/root") / SOCKET.lstrip("/")).is_socket():
            return False
        return self.box.namespaces.run(["curl", "-fsS", "--unix-socket", SOCKET, "http://docker/_ping"], check=False).returncode == 0

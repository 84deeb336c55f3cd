# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Docker engine of the sandbox's own, for building images. It runs no containers and needs no network."""

from __future__ import annotations

from sandbox.components import containerd
from sandbox.components.base import Component

# Private to the sandbox, see namespaces.py.
SOCKET = "/run/docker.sock"
PID_FILE = "/run/docker.pid"


class Docker(Component):
    name = "docker"
    after = ("containerd",)

    def argv(self) -> list[str]:
        return [
            "dockerd", "--data-root", str(self.folder), "--exec-root", "/run/docker", "--pidfile", PID_FILE, "--host", f"unix://{SOCKET}",
            # Told explicitly: otherwise it takes this one or starts another, whichever is quicker.
            "--containerd", containerd.SOCKET, "--bridge", "none", "--iptables=false", "--ip-masq=false", "--ip-forward=false",
        ]  # fmt: skip

    def _start(self) -> None:
        # One that was killed leaves its id behind, and while the
        # kernel still knows that id the next one refuses to start.
        self.sandbox.namespaces.path(PID_FILE).unlink(missing_ok=True)
        super()._start()

    def healthy(self) -> bool:
        if not self.sandbox.namespaces.path(SOCKET).is_socket():
            return False
        return (
            self.sandbox.namespaces.run(
                ["curl", "-fsS", "--unix-socket", SOCKET, "http://docker/_ping"], check=False
            ).returncode
            == 0
        )

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the sandbox's ports reachable from the machine's own loopback, and from nowhere else."""

from __future__ import annotations

import json
import socket
import sys
import typing as t

from sandbox import health
from sandbox.components.base import Component
from sandbox.errors import SandboxError
from sandbox.settings import PUBLIC_PORTS, SOURCES


class Forwarder(Component):
    name = "forwarder"

    def argv(self) -> list[str]:
        ports = [self.settings.port(name) for name in PUBLIC_PORTS]
        return [sys.executable, "-I", "-S", str(SOURCES / "node" / "forward.py"), json.dumps(ports)]

    def _start(self) -> None:
        # The program lives in the sandbox's network and is handed sockets that listen in the machine's.
        self._sockets: list[socket.socket] = []
        try:
            with self.sandbox.namespaces.outside():
                for name in PUBLIC_PORTS:
                    self._sockets.append(self._listen(self.settings.port(name)))
            super()._start()
        finally:
            for listener in self._sockets:
                listener.close()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as problem:
            listener.close()
            raise SandboxError(
                f"127.0.0.1:{port} cannot be used ({problem.strerror}). See who does with `ss -ltnp 'sport = :{port}'`,"
                f" or move the sandbox to other ports: SANDBOX_PORT_OFFSET=100 make sandbox"
            ) from None
        listener.listen(512)
        return listener

    def handles(self) -> t.Sequence[int]:
        return [listener.fileno() for listener in self._sockets]

    def healthy(self) -> bool:
        with self.sandbox.namespaces.outside():
            return all(health.listens("127.0.0.1", self.settings.port(name)) for name in PUBLIC_PORTS)

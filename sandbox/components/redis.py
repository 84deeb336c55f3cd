# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's Redis: the platform's bus and cache."""

from __future__ import annotations

import socket
from pathlib import Path

from sandbox.components.base import Component
from sandbox.settings import REDIS_PASSWORD


class Redis(Component):
    name = "redis"
    listens = "redis"

    @property
    def _config(self) -> Path:
        return self.settings.root / "redis.conf"

    def files(self) -> dict[Path, str]:
        port = self.settings.port("redis")
        return {
            self._config: f"port {port}\nbind *\nrequirepass {REDIS_PASSWORD}\ndir {self.folder}\nappendonly yes\nsave 300 1\n"
        }

    def argv(self) -> list[str]:
        return ["redis-server", str(self._config)]

    def healthy(self) -> bool:
        try:
            with socket.create_connection(
                ("127.0.0.1", self.settings.port("redis")), timeout=1.0
            ) as connection:
                connection.sendall(b"AUTH " + REDIS_PASSWORD.encode() + b"\r\nPING\r\n")
                with connection.makefile("rb") as answers:
                    return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False

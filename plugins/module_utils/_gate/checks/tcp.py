# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether a port accepts connections."""

from __future__ import annotations

import socket
import typing as t

from ..._common.errors import Unavailable
from ..._common.operation import Context
from ..._common.options import Option
from .base import Assessment, Check, CheckValues, Ports


class TcpCheck(Check):
    kind = "tcp"
    ADDRESS = Option(
        "str",
        help="A host and a port.",
        pattern=r"(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):\d{1,5}",
        allowed="a host and a port, as in broker.example.com:5672",
    )

    def ask(self, ports: Ports, check: CheckValues, context: Context) -> tuple[t.Any, float]:
        host, _colon, port = check[self.kind].rpartition(":")
        return None, ports.tcp.connect(host.strip("[]"), int(port))

    def judge(self, answer: t.Any, check: CheckValues) -> Assessment:
        return Assessment()


class Sockets:
    """See :class:`Tcp`."""

    def __init__(self, timeout: float, now: t.Callable[[], float]) -> None:
        self._timeout, self._now = timeout, now

    def connect(self, host: str, port: int) -> float:
        began = self._now()
        try:
            with socket.create_connection((host, port), self._timeout):
                return self._now() - began
        except OSError as exc:
            raise Unavailable(f"{host}:{port} does not accept connections.", why=[str(exc)]) from exc

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""moto's server as S3. A stand-in: it keeps everything in memory and checks no checksum and no credentials."""

from __future__ import annotations

import sys
from pathlib import Path

from sandbox import health
from sandbox.components.base import Component


class S3(Component):
    name = "s3"
    listens = "s3"

    def argv(self) -> list[str]:
        return [
            sys.executable,
            str(Path(sys.executable).with_name("moto_server")),
            "-H",
            "127.0.0.1",
            "-p",
            str(self.settings.port("s3")),
        ]

    def healthy(self) -> bool:
        return health.answers(f"{self.settings.s3_url}/moto-api/config")  # small, whatever it holds

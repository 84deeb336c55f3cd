# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's docker-registry: where images are pushed to and the node pulls from."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox import health
from sandbox.components.base import Component


class Registry(Component):
    name = "registry"
    listens = "registry"

    @property
    def _config(self) -> Path:
        return self.settings.root / "registry.json"

    def files(self) -> dict[Path, str]:
        config = {
            "version": 0.1, "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder)}, "delete": {"enabled": True}},
            "http": {"addr": self.settings.registry},
        }  # fmt: skip
        return {self._config: json.dumps(config, indent=1)}

    def argv(self) -> list[str]:
        return ["docker-registry", "serve", str(self._config)]

    def healthy(self) -> bool:
        return health.answers(f"http://{self.settings.registry}/v2/")

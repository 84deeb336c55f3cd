# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus, scraping the demo's pods and the ingress every second."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox import health
from sandbox.components.base import Component
from sandbox.components.targets import targets_file
from sandbox.settings import TRAEFIK_ADMIN_PORT


class Prometheus(Component):
    name = "prometheus"
    listens = "prometheus"

    @property
    def _config(self) -> Path:
        return self.settings.root / "prometheus-config.json"

    def files(self) -> dict[Path, str]:
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [
                {"job_name": "traefik", "static_configs": [{"targets": [f"127.0.0.1:{TRAEFIK_ADMIN_PORT}"]}]},
                # Debian's Prometheus is built without Kubernetes service discovery; see targets.py.
                {
                    "job_name": "pods",
                    "file_sd_configs": [
                        {"files": [str(targets_file(self.settings))], "refresh_interval": "5s"}
                    ],
                },
            ],
        }
        return {self._config: json.dumps(config, indent=1)}

    def argv(self) -> list[str]:
        return [
            "prometheus", f"--config.file={self._config}", f"--storage.tsdb.path={self.folder}", "--storage.tsdb.retention.time=6h",
            f"--web.listen-address=127.0.0.1:{self.settings.port('prometheus')}",
        ]  # fmt: skip

    def healthy(self) -> bool:
        return health.answers(f"{self.settings.prometheus_url}/-/ready")

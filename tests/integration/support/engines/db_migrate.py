# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""db-migrate as its lock file says, installed once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from sandbox.locking import locked
from sandbox.node import requirements
from sandbox.settings import Settings
from tests.integration.support.engines import image_files

SERVICE = Path(__file__).parent / "data" / "db_migrate"


def installed(settings: Settings) -> Path:
    """Its folder node_modules."""
    state = settings.state / "db-migrate"
    with locked(state.with_suffix(".lock"), "Another test run installs db-migrate; waiting for it."):
        place = state / hashlib.sha256((SERVICE / "package-lock.json").read_bytes()).hexdigest()[:12]
        if not (place / "whole").exists():
            requirements.install_missing({"node": ("nodejs",), "npm": ("npm",)})
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SERVICE / name, place)
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=place,
                check=True,
                capture_output=True,
                text=True,
            )
            (place / "whole").touch()
    return place / "node_modules"


def node(root: Path) -> None:
    """What an image needs to run programs for db-migrate."""
    image_files.program(root, "node", "bin/node")

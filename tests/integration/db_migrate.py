# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""db-migrate as its lock file says, installed once."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from sandbox import machine
from sandbox.locking import locked
from sandbox.settings import Settings

SERVICE = Path(__file__).parent / "data" / "db_migrate"


def installed(settings: Settings) -> Path:
    """Its folder node_modules."""
    state = settings.state / "db-migrate"
    with locked(state.with_suffix(".lock"), "Another test run installs db-migrate; waiting for it."):
        place = state / hashlib.sha256((SERVICE / "package-lock.json").read_bytes()).hexdigest()[:12]
        if not (place / "whole").exists():
            machine.install_missing({"node": ("nodejs",), "npm": ("npm",)})
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SERVICE / name, place)
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place, check=True, capture_output=True, text=True)
            (place / "whole").touch()
    return place / "node_modules"


def node(folder: Path) -> None:
    """node of this machine as an image without anything else holds it: with the libraries that it names."""
    program = Path(str(shutil.which("node"))).resolve()
    told = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True).stdout
    for path in (program, *map(Path, re.findall(r"(/\S+) \(0x", told))):
        there = folder / "bin" / "node" if path == program else folder / path.relative_to("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, there)

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""golang-migrate itself, built once from what its go.sum names: no package registry has a binary of it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from sandbox.build.golang import Go
from sandbox.locking import locked
from sandbox.settings import Settings

MODULE = Path(__file__).parent / "data" / "golang_migrate"
PACKAGE = "github.com/golang-migrate/migrate/v4/cmd/migrate"


def built(settings: Settings) -> Path:
    """The program; static, so that it runs in an image that holds nothing else."""
    state = settings.state / "golang-migrate"
    with locked(state.with_suffix(".lock"), "Another test run builds golang-migrate; waiting for it."):
        place = state / hashlib.sha256((MODULE / "go.sum").read_bytes()).hexdigest()[:12]
        if not (place / "migrate").exists():
            shutil.rmtree(state, ignore_errors=True)
            place.mkdir(parents=True)
            new = place / "migrate.new"
            build = Go(settings).popen(
                "build",
                "-trimpath",
                "-tags",
                "postgres",
                "-ldflags",
                "-s -w",
                "-o",
                str(new),
                PACKAGE,
                module=MODULE,
            )
            said, _nothing = build.communicate()
            assert build.returncode == 0, said
            new.replace(place / "migrate")
    return place / "migrate"

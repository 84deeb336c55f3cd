# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flyway itself, fetched once by Maven: what is published of it as one archive comes by no package registry."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from sandbox.locking import locked
from sandbox.node import requirements
from sandbox.settings import Settings

PROJECT = Path(__file__).parent / "data" / "flyway" / "pom.xml"
# A program that stands in for the editions of Flyway that undo.
UNDO = Path(__file__).parent / "data" / "flyway_undo.py"


def fetched(settings: Settings) -> Path:
    """The program."""
    state = settings.state / "flyway"
    with locked(state.with_suffix(".lock"), "Another test run fetches Flyway; waiting for it."):
        place = state / hashlib.sha256(PROJECT.read_bytes()).hexdigest()[:12]
        program = place / "flyway"
        if not program.exists():
            shutil.rmtree(state, ignore_errors=True)
            place.mkdir(parents=True)
            requirements.install_missing({"java": ("default-jre-headless",), "mvn": ("maven",)})
            options = [f"-Dmaven.repo.local={state / 'maven'}", f"-DoutputDirectory={place / 'lib'}"]
            command = [
                "mvn",
                "--quiet",
                "--batch-mode",
                "--strict-checksums",
                "--file",
                str(PROJECT),
                *options,
                "dependency:copy-dependencies",
            ]
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
            )
            assert done.returncode == 0, done.stdout + done.stderr
            shutil.rmtree(state / "maven")
            new = place / "flyway.new"
            new.write_text(
                f"#!/bin/sh\nexec java -cp '{place / 'lib'}/*' org.flywaydb.commandline.Main \"$@\"\n"
            )
            new.chmod(0o755)
            new.replace(program)
    return program

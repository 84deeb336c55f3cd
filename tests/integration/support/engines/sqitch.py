# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's Sqitch: a project of it, and an image that holds it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from sandbox.components import postgresql
from tests.integration.support.engines import image_files


def project(src: Path) -> None:
    """Without changes as yet."""
    for folder in ("deploy", "revert", "verify"):
        (src / folder).mkdir(parents=True)
    (src / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    (src / "sqitch.plan").write_text("%syntax-version=1.0.0\n%project=shop\n\n")


def change(src: Path, name: str, deploy: str, revert: str) -> None:
    for way, sql in (("deploy", deploy), ("revert", revert)):
        (src / way / f"{name}.sql").write_text(f"BEGIN;\n{sql}\nCOMMIT;\n")
    with (src / "sqitch.plan").open("a") as plan:
        plan.write(f"{name} 2026-11-21T09:30:00Z Release <release@example.com> # {name}\n")


def installed(root: Path) -> None:
    """What an image needs to run it: Perl with its modules, psql, a
    shell, the name of a time zone, and a place for temporary files.
    """
    for name in ("perl", "sh"):
        image_files.program(root, name)
    # The one on PATH is a script that picks one of them.
    image_files.program(root, str(postgresql.programs() / "psql"), "usr/bin/psql")
    shutil.copy2(str(shutil.which("sqitch")), root / "usr/bin/sqitch")
    shutil.copytree("/etc/sqitch", root / "etc/sqitch")
    places = subprocess.run(
        ["perl", "-e", 'print join "\\n", @INC'], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    for place in filter(Path.is_dir, map(Path, places)):
        image_files.tree(root, place)
    (root / "etc/timezone").write_text("Etc/UTC\n")
    (root / "tmp").mkdir(mode=0o777)
    (root / "tmp").chmod(0o1777)

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""make build: the artifact in build/, installed into an empty path, judged by what Galaxy runs on an upload."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from . import venvs

OUTPUT = venvs.ROOT / "build"
IMPORTER_SETTINGS = """
[galaxy-importer]
CHECK_REQUIRED_TAGS = True
RUN_ANSIBLE_DOC = True
RUN_ANSIBLE_LINT = True
RUN_FLAKE8 = True
LOG_LEVEL_MAIN = INFO
"""
# What the importer's flake8 says of ruff's format; pycodestyle leaves both out by default (PEP 8).
_FORMATTING = ("E203", "W503")


class Rejected(Exception):
    """What a step said when it failed."""


def build(folder: Path) -> Path:
    """Builds the artifact into this folder, in place of an older one."""
    for old in folder.glob("runbook-release-*.tar.gz"):
        old.unlink()
    _run(["ansible-galaxy", "collection", "build", "--force", "--output-path", folder], venvs.ROOT)
    (artifact,) = folder.glob("runbook-release-*.tar.gz")
    return artifact


def install(artifact: Path, collections: Path) -> None:
    """As a user installs it: by ansible-galaxy, without a server."""
    _run(
        ["ansible-galaxy", "collection", "install", artifact, "-p", collections, "--offline"],
        collections.parent,
    )


def judge(artifact: Path) -> None:
    """Galaxy's importer, in a virtualenv of its own: it pins other versions of the linters."""
    venv = venvs.ensure("importer")
    with tempfile.TemporaryDirectory(prefix="galaxy-importer-") as folder:
        settings = Path(folder, "importer.cfg")
        settings.write_text(IMPORTER_SETTINGS)
        environment = {
            "GALAXY_IMPORTER_CONFIG": str(settings),
            "PATH": os.pathsep.join([str(venv / "bin"), os.environ.get("PATH", os.defpath)]),
            "HOME": folder,
        }
        said = _run(
            [venv / "bin" / "python", "-m", "galaxy_importer.main", artifact], Path(folder), environment
        )
    complaints = [
        line
        for line in said.splitlines()
        if line.startswith(("ERROR", "WARNING")) and not any(f": {code} " in line for code in _FORMATTING)
    ]
    if complaints:
        raise Rejected("Galaxy's importer would take it, but complains:\n" + "\n".join(complaints))


def _run(
    command: t.Sequence[str | Path], folder: Path, environment: t.Mapping[str, str] | None = None
) -> str:
    answer = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise Rejected(
            f"{' '.join(map(str, command))} failed with exit code {answer.returncode}:\n{answer.stdout}"
        )
    return answer.stdout


def main() -> int:
    OUTPUT.mkdir(exist_ok=True)
    try:
        artifact = build(OUTPUT)
        print(
            f"[1/3] built      {artifact.relative_to(venvs.ROOT)}, {artifact.stat().st_size // 1024} KiB",
            flush=True,
        )
        with tempfile.TemporaryDirectory(prefix="installed-") as folder:
            install(artifact, Path(folder, "collections"))
        print("[2/3] installed  into an empty collections path", flush=True)
        judge(artifact)
        print("[3/3] accepted   by Galaxy's importer, without a complaint", flush=True)
    except (Rejected, venvs.CannotPrepare) as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

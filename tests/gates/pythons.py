# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds Python interpreters on this machine: on PATH, in pyenv's folder, or as uv knows them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

Version = tuple[int, int]


def version_of(python: Path) -> Version | None:
    """Major and minor; nothing when it does not run (pyenv's
    shims of versions that are not switched on do not).
    """
    code = "import sys; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [python, "-I", "-c", code], capture_output=True, text=True, timeout=20, check=False
        )
    except OSError:
        return None
    numbers = answer.stdout.split()
    return (int(numbers[0]), int(numbers[1])) if answer.returncode == 0 and len(numbers) == 2 else None


def real_path(python: Path) -> Path:
    """The interpreter itself, without a shim that depends on
    HOME, so that tools with a HOME of their own can start it.
    """
    answer = subprocess.run(
        [python, "-I", "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=True
    )
    return Path(answer.stdout.strip())


def installed(version: Version) -> Path | None:
    """An interpreter of exactly this version that runs."""
    for candidate in _candidates(version):
        if version_of(candidate) == version:
            return real_path(candidate)
    return None


def find(versions: t.Sequence[Version], uv: t.Callable[[], Path], folder: Path) -> Path | None:
    """The first of these versions that is here, else one that uv can install into the folder."""
    for version in versions:
        if python := installed(version):
            return python
    return _from_uv(uv(), versions, folder)


def folders_of_all(versions: t.Iterable[Version]) -> list[str]:
    """Folders that put one interpreter of each version on a PATH."""
    return [str(python.parent) for version in versions if (python := installed(version))]


def _candidates(version: Version) -> t.Iterator[Path]:
    name = f"python{version[0]}.{version[1]}"
    if sys.version_info[:2] == version:
        yield Path(sys.executable)
    for found in (shutil.which(name), shutil.which("python3")):
        if found:
            yield Path(found)
    for pyenv in _pyenvs():
        yield from sorted(pyenv.glob(f"versions/{version[0]}.{version[1]}.*/bin/{name}"), reverse=True)


def _pyenvs() -> list[Path]:
    """Where pyenv keeps its versions. Its shims on PATH tell
    it, too, when HOME is not the one it was installed in.
    """
    shims = [
        Path(folder).parent
        for folder in os.environ.get("PATH", "").split(os.pathsep)
        if Path(folder).name == "shims"
    ]
    said = os.environ.get("PYENV_ROOT")
    return [*([Path(said)] if said else []), *shims, Path("~/.pyenv").expanduser()]


def _from_uv(uv: Path, versions: t.Sequence[Version], folder: Path) -> Path | None:
    environment = {**os.environ, "UV_PYTHON_INSTALL_DIR": str(folder)}
    for version in versions:
        for command in ("install", "find"):
            wanted: list[str | Path] = [
                uv,
                "python",
                command,
                "--managed-python",
                f"{version[0]}.{version[1]}",
            ]
            answer = subprocess.run(wanted, env=environment, capture_output=True, text=True, check=False)
            if answer.returncode != 0:
                break
            if command == "find":
                return real_path(Path(answer.stdout.strip()))
    return None

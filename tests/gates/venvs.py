# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtualenvs from lock files, made once and found again.

    python3 -m tests.gates.venvs dev        prints the virtualenv's folder, made when it is missing

A virtualenv is named after its lock file's content and its Python, so a changed lock makes a new one and
nothing has to be compared or updated. Only uv itself comes through pip.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from . import pythons

ROOT = Path(__file__).resolve().parents[2]
CONTROLLER = ((3, 11), (3, 12), (3, 13), (3, 14))
SINCE_3_12 = ((3, 12), (3, 13), (3, 14))


@dataclasses.dataclass(frozen=True)
class Environment:
    """A lock file and the Python versions it may run on, most wanted first."""

    name: str
    versions: t.Sequence[pythons.Version]

    @property
    def lock(self) -> Path:
        return ROOT / "requirements" / f"{self.name}.txt"


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment("dev", CONTROLLER),
        Environment("importer", CONTROLLER),
        Environment("bench", CONTROLLER),
        Environment("sanity-2.18", ((3, 12), (3, 11), (3, 13))),
        Environment("sanity-2.20", SINCE_3_12),
        Environment("sanity-2.21", SINCE_3_12),
    )
}


class CannotPrepare(Exception):
    """Says in one sentence what is missing on this machine."""


def state() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return Path(os.environ.get("RUNBOOK_STATE") or cache / "runbook-release")


def ensure(name: str) -> Path:
    """The folder of this virtualenv; made first when it is not there or was left half made."""
    environment = ENVIRONMENTS[name]
    python = _python_for(environment)
    folder = _folder(name, environment.lock, python)
    with _lock(folder):
        if not (folder / "complete").exists():
            _say(f"{name}: installing the packages of requirements/{name}.txt for Python {dotted(python)}")
            began = time.monotonic()
            uv = _uv(python)
            _run([uv, "venv", "--quiet", "--clear", "--python", python, folder])
            _run(
                [
                    uv,
                    "pip",
                    "sync",
                    "--quiet",
                    "--require-hashes",
                    "--python",
                    folder / "bin" / "python",
                    environment.lock,
                ]
            )
            (folder / "complete").touch()
            _say(f"{name}: installed in {time.monotonic() - began:.0f} s")
    return folder


def uv() -> Path:
    """The locked uv; the only thing pip installs."""
    return _uv(Path(sys.executable))


def _uv(python: Path) -> Path:
    lock = ROOT / "requirements" / "uv.txt"
    folder = _folder("uv", lock, python)
    with _lock(folder):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _run([python, "-m", "venv", folder])
            _run(
                [
                    folder / "bin" / "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--require-hashes",
                    "-r",
                    lock,
                ]
            )
            (folder / "complete").touch()
    return folder / "bin" / "uv"


def _python_for(environment: Environment) -> Path:
    if sys.version_info[:2] in environment.versions and environment.versions is CONTROLLER:
        return pythons.real_path(Path(sys.executable))
    if python := pythons.find(environment.versions, uv, state() / "python"):
        return python
    wanted = " or ".join(f"{major}.{minor}" for major, minor in environment.versions)
    raise CannotPrepare(
        f"{environment.name} needs Python {wanted}: none is on PATH or under pyenv and uv could not install one. "
        f"Install one (for example: pyenv install {environment.versions[0][0]}.{environment.versions[0][1]}) and run this again."
    )


def _folder(name: str, lock: Path, python: Path) -> Path:
    key = hashlib.sha256(lock.read_bytes() + str(python).encode()).hexdigest()[:12]
    return state() / "venv" / f"{name}-{key}"


def dotted(python: Path) -> str:
    """Its version, as in 3.12."""
    version = pythons.version_of(python)
    return f"{version[0]}.{version[1]}" if version else "?"


@contextlib.contextmanager
def _lock(folder: Path) -> t.Iterator[None]:
    """Two commands started beside each other make a virtualenv once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run(command: t.Sequence[str | Path]) -> None:
    environment = {**os.environ, "UV_CACHE_DIR": str(state() / "uv"), "UV_NO_PROGRESS": "1"}
    environment.pop("VIRTUAL_ENV", None)
    answer = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if answer.returncode != 0:
        raise CannotPrepare(
            f"{' '.join(map(str, command))} failed with exit code {answer.returncode}:\n{answer.stdout}"
        )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    try:
        for name in sys.argv[1:]:
            print(ensure(name))
    except CannotPrepare as exc:
        _say(str(exc))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

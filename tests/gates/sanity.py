# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity on one ansible-core: python -m tests.gates.sanity
2.21, or with --test its pylint alone, with --skip-test all but that.

ansible-test insists on a real folder named ansible_collections/runbook/release and follows links
out of it, so it gets a copy. Its caches lie in HOME, so it gets a HOME inside the state directory,
one a core version: it does not lock what it installs there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import pythons, venvs

NEWEST = "2.21"
# What hosts that run modules may have. The newest core compiles and imports on all of these that are here.
TARGETS = ((3, 9), (3, 10), (3, 11), (3, 12), (3, 13), (3, 14))
# Neither published nor imported by what is; ruff and mypy check them.
LEFT_OUT = (".ci/", ".collections/", ".config/", "sandbox/", "molecule/", "inventories/", "requirements/")
# Tests run on the newest core, and are checked by its rules.
NEWEST_CORE_ONLY = ("tests/bench/", "tests/gates/", "tests/integration/", "tests/unit/")


def left_out(core: str) -> tuple[str, ...]:
    return LEFT_OUT if core == NEWEST else LEFT_OUT + NEWEST_CORE_ONLY


def copy_collection(folder: Path, without: tuple[str, ...]) -> None:
    """A fresh copy of what git knows or would add."""
    shutil.rmtree(folder, ignore_errors=True)
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=venvs.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        source = venvs.ROOT / name
        if name.startswith(without) or not source.is_file():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, folder / name)


def prepare_home(home: Path, venv: Path) -> None:
    """Plants the pip bootstrap under the name this core
    looks for, and keeps the user's choice of package index.
    """
    requirements = next(venv.glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py"))
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in set(re.findall(r"pip='([\d.]+)'", requirements.read_text())):
        shutil.copy(Path(__file__).with_name("get_pip.py"), cache / f"get_pip_{version.replace('.', '_')}.py")
    for name in (".config/pip/pip.conf", ".pip/pip.conf"):
        settings = Path("~").expanduser() / name
        if settings.exists() and not (home / name).exists():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).symlink_to(settings)


def run(core: str, part: str = "") -> int:
    """
    :param part: --test or --skip-test: pylint alone, or all but pylint.
    """
    venv = venvs.ensure(f"sanity-{core}")
    base = venvs.state() / "ansible-test" / (f"{core}-pylint" if part == "--test" else core)
    collection = base / "ansible_collections" / "runbook" / "release"
    copy_collection(collection, left_out(core))
    prepare_home(base / "home", venv)
    folders = pythons.folders_of_all(TARGETS) if core == NEWEST else []
    only = [] if core == NEWEST else ["--python", venvs.dotted(venv / "bin" / "python")]
    path = os.pathsep.join([str(venv / "bin"), *folders, os.environ.get("PATH", os.defpath)])
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "PYTHON", "VIRTUAL_ENV"))
    }
    environment |= {"HOME": str(base / "home"), "PATH": path}
    command: list[str | Path] = [
        venv / "bin" / "ansible-test",
        "sanity",
        "--color",
        "no",
        "--requirements",
        *only,
        *([part, "pylint"] if part else []),
    ]
    with (base / "output.log").open("w+") as log:
        rc = subprocess.run(
            command,
            cwd=collection,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        ).returncode
        log.seek(0)
        said = log.read()
    if rc != 0:
        print(f"{findings(said)}\neverything it said: {log.name}")
    return rc


def findings(said: str) -> str:
    """What is wrong, without progress and what pip says; all of it where nothing is marked as wrong."""
    return "\n".join(line for line in said.splitlines() if line.startswith(("ERROR", "FATAL"))) or said


def main() -> int:
    try:
        return run(*sys.argv[1:])
    except venvs.CannotPrepare as exc:
        print(f"ansible-test sanity of ansible-core {sys.argv[1]} could not be done: {exc}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""make test: everything. All stages run even when one is
red; pytest's summary of the integration tests comes last.

The sandbox's programs take minutes of a first run to compile, so that
happens beside the stages that need no cluster; so does Galaxy's importer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from . import venvs

STAGES = (
    ("lint", [sys.executable, "-m", "tests.gates"]),
    ("unit tests", [sys.executable, "-m", "pytest", "tests/unit", "-q"]),
    ("molecule", [sys.executable, "-m", "tests.gates.molecule"]),
)
# By the stage that each is started with. Molecule's hosts wait for timers half of the time.
BESIDE = {
    "lint": ("sandbox build", [sys.executable, "-m", "sandbox", "build"]),
    "molecule": ("artifact", [sys.executable, "-m", "tests.gates.artifact"]),
}
LAST = (
    "integration tests",
    [sys.executable, "-m", "pytest", "tests/integration", "-v", "-n", "2", "--durations=40"],
)
TOTAL = len(STAGES) + len(BESIDE) + 1


@dataclasses.dataclass(frozen=True)
class Started:
    """A stage that runs while others do. What it says is kept, and told when they have ended."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]


def main() -> int:
    began = time.monotonic()
    red = []
    with contextlib.ExitStack() as stack:
        others = []
        for number, (name, command) in enumerate(STAGES, 1):
            _head(number, name, began)
            if name in BESIDE:
                others.append(_start(*BESIDE[name], stack))
            if _run(command) != 0:
                red.append(name)
        for number, other in enumerate(others, len(STAGES) + 1):
            _head(number, f"{other.name}, beside the above (log: {other.log})", began)
            if other.process.wait() != 0:
                red.append(other.name)
            print(other.log.read_text(), end="", flush=True)
    _head(TOTAL, LAST[0], began)
    if red:
        print(f"Red so far: {', '.join(red)}", flush=True)
    if _run(LAST[1]) != 0:
        red.append(LAST[0])
    if red:
        print(f"make test: red: {', '.join(red)}", file=sys.stderr)
    return 1 if red else 0


def _start(name: str, command: t.Sequence[str], stack: contextlib.ExitStack) -> Started:
    log = venvs.state() / "log" / f"{name.replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=venvs.ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    return Started(name, log, stack.enter_context(process))


def _head(number: int, name: str, began: float) -> None:
    print(f"\n== [{number}/{TOTAL}] {name} (after {time.monotonic() - began:.0f} s)", flush=True)


def _run(command: t.Sequence[str]) -> int:
    return subprocess.run(command, cwd=venvs.ROOT, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

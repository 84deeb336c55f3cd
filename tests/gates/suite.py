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
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from . import cost, venvs

STAGES = (
    ("lint", [sys.executable, "-m", "tests.gates"]),
    ("unit tests", [sys.executable, "-m", "pytest", "tests/unit", "-q"]),
    ("molecule", [sys.executable, "-m", "tests.gates.molecule"]),
)
# By the stage that each is started with. Molecule's hosts wait for timers half of the time.
IN_PARALLEL = {
    "lint": ("sandbox build", [sys.executable, "-m", "sandbox", "build"]),
    "molecule": ("artifact", [sys.executable, "-m", "tests.gates.artifact"]),
}
LAST = ("integration tests", [sys.executable, "-m", "pytest", "tests/integration", "-v", "-n", "2"])
TOTAL = len(STAGES) + len(IN_PARALLEL) + 1


@dataclasses.dataclass(frozen=True)
class Started:
    """A stage that runs while others do. Its output is kept and shown when they have ended."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]


class Costs:
    """Of the stages so far, each from the end of the one before."""

    def __init__(self) -> None:
        self.stages: dict[str, cost.Cost] = {}
        self._since = cost.machine_now()

    def add(self, stage: str) -> None:
        now = cost.machine_now()
        self.stages[stage], self._since = now - self._since, now


def main() -> int:
    began = time.monotonic()
    red = []
    costs = Costs()
    with contextlib.ExitStack() as stack:
        others = []
        for number, (name, command) in enumerate(STAGES, 1):
            _head(number, name, began)
            if name in IN_PARALLEL:
                others.append(_start(*IN_PARALLEL[name], stack))
            if _run(command) != 0:
                red.append(name)
            costs.add(f"{name} (beside it: {IN_PARALLEL[name][0]})" if name in IN_PARALLEL else name)
        for number, other in enumerate(others, len(STAGES) + 1):
            _head(number, f"{other.name}, beside the above (log: {other.log})", began)
            if other.process.wait() != 0:
                red.append(other.name)
            print(other.log.read_text(), end="", flush=True)
        costs.add("the end of what ran beside")
    _head(TOTAL, LAST[0], began)
    if red:
        print(f"Red so far: {', '.join(red)}", flush=True)
    if _run(LAST[1], {cost.STAGES: cost.dump(costs.stages)}) != 0:
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


def _run(command: t.Sequence[str], environment: t.Mapping[str, str] | None = None) -> int:
    return subprocess.run(
        command,
        cwd=venvs.ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())

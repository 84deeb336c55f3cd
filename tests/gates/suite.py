# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""make test: everything. All stages run even when one is red; pytest's summary of the integration tests comes last.

The sandbox's programs take minutes of a first run to compile, so that happens beside the stages that need no cluster.
"""

from __future__ import annotations

import subprocess
import sys
import time
import typing as t

from . import venvs

BESIDE = [sys.executable, "-m", "sandbox", "build"]
STAGES = (
    ("lint", [sys.executable, "-m", "tests.gates"]),
    ("unit tests", [sys.executable, "-m", "pytest", "tests/unit", "-q"]),
    ("molecule", [sys.executable, "-m", "tests.gates.molecule"]),
    ("artifact", [sys.executable, "-m", "tests.gates.artifact"]),
)
LAST = ("integration tests", [sys.executable, "-m", "pytest", "tests/integration", "-v", "-n", "2", "--durations=40"])
TOTAL = len(STAGES) + 2


def main() -> int:
    log = venvs.state() / "log" / "sandbox-build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    red = []
    with log.open("w") as output, subprocess.Popen(BESIDE, cwd=venvs.ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT) as build:
        for number, (name, command) in enumerate(STAGES, 1):
            _head(number, name, began)
            if _run(command) != 0:
                red.append(name)
        _head(TOTAL - 1, f"the sandbox's programs, compiled beside the above (log: {log})", began)
        if build.wait() != 0:
            red.append("sandbox build")
            print(log.read_text(), flush=True)
    _head(TOTAL, LAST[0], began)
    if red:
        print(f"Red so far: {', '.join(red)}", flush=True)
    if _run(LAST[1]) != 0:
        red.append(LAST[0])
    if red:
        print(f"make test: red: {', '.join(red)}", file=sys.stderr)
    return 1 if red else 0


def _head(number: int, name: str, began: float) -> None:
    print(f"\n== [{number}/{TOTAL}] {name} (after {time.monotonic() - began:.0f} s)", flush=True)


def _run(command: t.Sequence[str]) -> int:
    return subprocess.run(command, cwd=venvs.ROOT, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

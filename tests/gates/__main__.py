# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""make lint: python -m tests.gates [GATE ...]; without a name all of them."""

from __future__ import annotations

import os
import sys
import sysconfig
import time

from . import venvs
from .runner import Gate, run_all

SITE_PACKAGES = sysconfig.get_path("purelib")
COLLECTIONS = os.pathsep.join([str(venvs.ROOT / ".collections"), SITE_PACKAGES])
# antsibull-docs leaves a log file in the home folder.
HOME = {"HOME": str(venvs.state())}

# Longest first, so that the last ones to end are short.
GATES = (
    # Half of it is pylint's, which uses one processor.
    Gate("sanity-2.21", [sys.executable, "-m", "tests.gates.sanity", "2.21", "--skip-test"]),
    Gate("sanity-2.21-pylint", [sys.executable, "-m", "tests.gates.sanity", "2.21", "--test"]),
    Gate("sanity-2.20", [sys.executable, "-m", "tests.gates.sanity", "2.20"]),
    Gate("sanity-2.18", [sys.executable, "-m", "tests.gates.sanity", "2.18"]),
    Gate(
        "ansible-lint",
        ["ansible-lint", "--offline", "--profile", "production", "--strict"],
        {"ANSIBLE_COLLECTIONS_PATH": COLLECTIONS},
    ),
    Gate(
        "antsibull-docs",
        [
            "antsibull-docs",
            "lint-collection-docs",
            "--plugin-docs",
            "--validate-collection-refs=all",
            "--skip-rstcheck",
            ".",
        ],
        HOME,
    ),
    # Of the unit tests those of plugins/module_utils/_kubernetes are not annotated yet.
    Gate(
        "mypy",
        [
            "mypy",
            "-p",
            "ansible_collections.runbook.release.plugins",
            "-p",
            "sandbox",
            "-p",
            "tests.bench",
            "-p",
            "tests.gates",
            "-p",
            "tests.integration",
            "-p",
            "tests.unit.collection",
            "-p",
            "tests.unit.gates",
            "-p",
            "tests.unit.plugins.module_utils._aws",
            "-p",
            "tests.unit.plugins.module_utils._common",
            "-p",
            "tests.unit.plugins.module_utils._gate",
            "-p",
            "tests.unit.plugins.module_utils._platform",
            "-p",
            "tests.unit.plugins.module_utils._postgresql",
            "-p",
            "tests.unit.plugins.module_utils._redis",
            "-p",
            "tests.unit.plugins.module_utils._release",
            "-p",
            "tests.unit.plugins.plugin_utils",
            "-p",
            "tests.unit.sandbox",
        ],
    ),
    Gate("collection-checks", [sys.executable, "-m", "pytest", "-q", "tests/unit/collection"]),
    Gate("reuse", ["reuse", "lint"]),
    Gate("antsibull-changelog", ["antsibull-changelog", "lint"]),
    Gate("yamllint", ["yamllint", "--strict", "."]),
    Gate("ruff", ["ruff", "check", "--quiet", "--output-format", "concise", "."]),
    Gate("imports", [sys.executable, "-m", "tests.gates.imports"], is_shown=True),
    Gate("inventory-docs", [sys.executable, "-m", "tests.gates.inventory", "--check"]),
    Gate("ruff-format", ["ruff", "format", "--check", "."]),
)


def main() -> int:
    wanted = sys.argv[1:]
    if unknown := set(wanted) - {gate.name for gate in GATES}:
        print(
            f"No gate named {', '.join(sorted(unknown))}. There are: {', '.join(gate.name for gate in GATES)}.",
            file=sys.stderr,
        )
        return 2
    gates = [gate for gate in GATES if not wanted or gate.name in wanted]
    began = time.monotonic()
    print(f"{len(gates)} gates, two at a time; the first run installs their tools.", flush=True)
    red = [outcome.gate.name for outcome in run_all(gates, venvs.ROOT) if not outcome.green]
    seconds = time.monotonic() - began
    if red:
        print(
            f"lint: {len(red)} of {len(gates)} red ({', '.join(red)}) after {seconds:.0f} s. These alone: make lint GATES='{' '.join(red)}'",
            flush=True,
        )
        return 1
    print(f"lint: all {len(gates)} gates green in {seconds:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

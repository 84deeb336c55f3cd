# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs gates beside each other: one line each with its time, and all it said only when it is red."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import subprocess
import time
import typing as t
from pathlib import Path

TOGETHER = 2
# Seconds without a word after which the gates that still run are named.
SILENCE = 20.0


@dataclasses.dataclass(frozen=True)
class Gate:
    """A command that is green when it exits with 0.

    :ivar is_shown: whether its output is worth reading when it is green, too.
    """

    name: str
    command: t.Sequence[str]
    environment: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_shown: bool = False


@dataclasses.dataclass(frozen=True)
class Outcome:
    gate: Gate
    green: bool
    seconds: float
    output: str


def run_all(gates: t.Sequence[Gate], folder: Path, together: int = TOGETHER) -> list[Outcome]:
    """Starts them in the order given, at most so many together,
    tells each as it ends, and now and then which still run.
    """
    outcomes: list[Outcome] = []
    started: dict[str, float] = {}
    with concurrent.futures.ThreadPoolExecutor(together) as pool:
        running = {pool.submit(_run, gate, folder, started) for gate in gates}
        while running:
            ended, running = concurrent.futures.wait(
                running, timeout=SILENCE, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for done in ended:
                outcomes.append(done.result())
                _tell(outcomes[-1], len(outcomes), len(gates))
            if not ended:
                still = set(started) - {outcome.gate.name for outcome in outcomes}
                print(
                    "      ... "
                    + ", ".join(
                        f"{name} for {time.monotonic() - started[name]:.0f} s" for name in sorted(still)
                    ),
                    flush=True,
                )
    return outcomes


def _run(gate: Gate, folder: Path, started: dict[str, float]) -> Outcome:
    began = started[gate.name] = time.monotonic()
    environment = {**os.environ, "NO_COLOR": "1", **gate.environment}
    try:
        answer = subprocess.run(
            gate.command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except OSError as exc:
        return Outcome(
            gate, False, time.monotonic() - began, f"{gate.command[0]} could not be started: {exc}"
        )
    return Outcome(gate, answer.returncode == 0, time.monotonic() - began, answer.stdout)


def _tell(outcome: Outcome, number: int, of: int) -> None:
    verdict = "green" if outcome.green else "RED"
    print(f"[{number}/{of}] {outcome.gate.name:<20} {verdict:<5} {outcome.seconds:5.0f} s", flush=True)
    if not outcome.green:
        print(f"    {' '.join(outcome.gate.command)}", flush=True)
    if not outcome.green or outcome.gate.is_shown:
        print("    " + outcome.output.rstrip().replace("\n", "\n    "), flush=True)

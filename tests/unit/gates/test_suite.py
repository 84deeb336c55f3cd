# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""make test goes on after a red stage, is red when any stage was, and hands its costs to the last stage."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from tests.gates import cost, suite

GREEN = [sys.executable, "-c", ""]
RED = [sys.executable, "-c", "import sys; sys.exit(1)"]


@dataclasses.dataclass(frozen=True)
class Stages:
    parallel: list[str]
    first: list[str]
    last: list[str]


def plan(monkeypatch: pytest.MonkeyPatch, state: Path, stages: Stages, second: list[str]) -> None:
    monkeypatch.setenv("RUNBOOK_STATE", str(state))
    monkeypatch.setattr(suite, "IN_PARALLEL", {"lint": ("sandbox build", stages.parallel)})
    monkeypatch.setattr(suite, "STAGES", (("lint", stages.first), ("unit tests", second)))
    monkeypatch.setattr(suite, "LAST", ("integration tests", stages.last))


@pytest.mark.parametrize(
    ("stages", "red"),
    [
        (Stages(GREEN, GREEN, GREEN), ""),
        (Stages(RED, GREEN, GREEN), "sandbox build"),
        (Stages(GREEN, RED, GREEN), "lint"),
        (Stages(GREEN, GREEN, RED), "integration tests"),
        (Stages(RED, RED, RED), "lint, sandbox build, integration tests"),
    ],
)
def test_any_red_stage_makes_the_whole_red(
    stages: Stages,
    red: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    proof = tmp_path / "ran"
    plan(monkeypatch, tmp_path, stages, [sys.executable, "-c", f"open({str(proof)!r}, 'w')"])
    assert suite.main() == (1 if red else 0)
    assert proof.exists()
    assert (f"make test: red: {red}\n" if red else "") == capfd.readouterr().err


def test_the_last_stage_is_given_the_costs_of_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = tmp_path / "costs"
    last = f"import os; open({str(written)!r}, 'w').write(os.environ[{cost.STAGES!r}])"
    plan(monkeypatch, tmp_path, Stages(GREEN, GREEN, [sys.executable, "-c", last]), GREEN)
    assert suite.main() == 0
    assert list(cost.load(written.read_text())) == [
        "lint (beside it: sandbox build)",
        "unit tests",
        "the end of what ran beside",
    ]

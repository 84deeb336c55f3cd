# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""make test goes on after a red stage, and is red when any stage was."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.gates import suite

GREEN = [sys.executable, "-c", ""]
RED = [sys.executable, "-c", "import sys; sys.exit(1)"]


@pytest.mark.parametrize(
    ("beside", "stage", "last", "red"),
    [
        (GREEN, GREEN, GREEN, ""),
        (RED, GREEN, GREEN, "sandbox build"),
        (GREEN, RED, GREEN, "lint"),
        (GREEN, GREEN, RED, "integration tests"),
        (RED, RED, RED, "lint, sandbox build, integration tests"),
    ],
)
def test_any_red_stage_makes_the_whole_red(
    beside: list[str],
    stage: list[str],
    last: list[str],
    red: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    proof = tmp_path / "ran"
    monkeypatch.setenv("RUNBOOK_STATE", str(tmp_path))
    monkeypatch.setattr(suite, "BESIDE", {"lint": ("sandbox build", beside)})
    monkeypatch.setattr(
        suite,
        "STAGES",
        (("lint", stage), ("unit tests", [sys.executable, "-c", f"open({str(proof)!r}, 'w')"])),
    )
    monkeypatch.setattr(suite, "LAST", ("integration tests", last))
    assert suite.main() == (1 if red else 0)
    assert proof.exists()
    assert (f"make test: red: {red}\n" if red else "") == capfd.readouterr().err

# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machinery of the gates: what it tells, and that it finds and reuses what is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.gates import pythons, runner, sanity, venvs


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_red_gate_shows_all_it_said_and_a_green_one_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gates = [
        runner.Gate("good", python("print('quiet')")),
        runner.Gate("bad", python("import sys; print('the reason'); sys.exit(3)")),
    ]
    outcomes = runner.run_all(gates, tmp_path)
    output = capsys.readouterr().out
    assert {outcome.gate.name: outcome.green for outcome in outcomes} == {"good": True, "bad": False}
    assert "the reason" in output
    assert "quiet\n" not in output.replace("print('quiet')", "")


def test_a_gate_that_takes_long_is_named_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "SILENCE", 0.05)
    waits = python(
        "import pathlib, time\nend = time.time() + 30\nwhile time.time() < end and not pathlib.Path('named').exists(): time.sleep(0.01)"
    )

    def tell(outcome: runner.Outcome, number: int, of: int) -> None:
        assert outcome.green

    said: list[str] = []

    def keep(line: str, flush: bool) -> None:
        said.append(line)
        (tmp_path / "named").touch()

    monkeypatch.setattr(runner, "_tell", tell)
    monkeypatch.setattr(runner, "print", keep, raising=False)
    runner.run_all([runner.Gate("slow", waits)], tmp_path)
    assert said[0].strip().startswith("... slow for ")


def test_a_gate_whose_program_is_missing_is_red(tmp_path: Path) -> None:
    (outcome,) = runner.run_all([runner.Gate("absent", ["no-such-program"])], tmp_path)
    assert not outcome.green
    assert "no-such-program could not be started" in outcome.output


def test_an_interpreter_is_only_taken_when_it_runs(tmp_path: Path) -> None:
    broken = tmp_path / "python3.12"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    assert pythons.version_of(broken) is None
    assert pythons.version_of(tmp_path / "absent") is None
    assert pythons.version_of(Path(sys.executable)) == sys.version_info[:2]


def test_pyenv_is_found_by_its_shims_under_another_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = (sys.version_info[0], 99)
    program = tmp_path / "pyenv" / "versions" / f"{version[0]}.99.1" / "bin" / f"python{version[0]}.99"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path / "pyenv" / "shims"))
    monkeypatch.setenv("HOME", str(tmp_path / "empty"))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    assert program in list(pythons._candidates(version))


def test_a_python_that_is_not_there_is_said_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "find", lambda versions, uv, folder: None)
    with pytest.raises(
        venvs.CannotPrepare, match=r"sanity-2\.21 needs Python 3\.12 or 3\.13 or 3\.14: none is on PATH"
    ):
        venvs.ensure("sanity-2.21")


def test_a_finished_virtualenv_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNBOOK_STATE", str(tmp_path))
    made: list[list[str]] = []
    monkeypatch.setattr(venvs, "_uv", lambda python: Path("uv"))

    def run(command: list[str | Path]) -> None:
        made.append([str(part) for part in command])
        Path(str(command[-1])).mkdir(exist_ok=True, parents=True) if "venv" in command else None

    monkeypatch.setattr(venvs, "_run", run)
    first = venvs.ensure("dev")
    again = venvs.ensure("dev")
    assert first == again
    assert [command[1] for command in made] == ["venv", "pip"]
    assert "--require-hashes" in made[1]


def test_the_copy_for_ansible_test_holds_what_git_holds(tmp_path: Path) -> None:
    stale = tmp_path / "plugins" / "modules" / "gone.py"
    stale.parent.mkdir(parents=True)
    stale.touch()
    sanity.copy_collection(tmp_path, sanity.left_out(sanity.NEWEST))
    copied = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    listing = subprocess.run(
        ["git", "ls-files"], cwd=venvs.ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "plugins/modules/gone.py" not in copied
    assert {"galaxy.yml", "meta/runtime.yml", "tests/sanity/ignore-2.18.txt"} <= copied
    assert {
        name for name in listing if name.startswith("plugins/") and (venvs.ROOT / name).exists()
    } <= copied
    assert not {name for name in copied if name.startswith("sandbox/")}


def test_older_cores_judge_what_is_published_and_the_newest_its_tests_too() -> None:
    assert "tests/unit/" in sanity.left_out("2.18") and "tests/unit/" not in sanity.left_out(sanity.NEWEST)
    assert not "tests/sanity/ignore-2.18.txt".startswith(sanity.left_out("2.18"))


def test_findings_leave_out_what_pip_says() -> None:
    wrong = "ERROR: plugins/a.py:1:1: E501: long\nFATAL: 1 test failed"
    assert sanity.findings(f"Collecting pip\n{wrong}\nInstalled\n") == wrong
    assert sanity.findings("Traceback\n") == "Traceback\n"

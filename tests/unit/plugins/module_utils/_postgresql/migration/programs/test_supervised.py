# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""With real processes: what is tested is what becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.supervised import (
    Supervised,
)


def alive(pid: t.Any) -> t.Any:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone_within(pid: t.Any, seconds: t.Any) -> t.Any:
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


def test_what_it_says_and_how_it_ends(tmp_path: Path) -> None:
    code = (
        "import os, sys; print(os.environ['ANSWER'], os.getcwd()); sys.stderr.write('and this'); sys.exit(3)"
    )
    ended = Supervised().run([sys.executable, "-c", code], {"ANSWER": "42"}, str(tmp_path), 20)
    assert (ended.code, ended.out, ended.err) == (
        3,
        f"42 {tmp_path}\n",
        "and this",
    ) and ended.said == f"and this\n42 {tmp_path}"


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    ended = Supervised().run(["no-such-program"], {}, str(tmp_path), 20)
    assert ended.code == 127 and "no-such-program: No such file or directory" in ended.err


def test_its_time_is_over_for_all_that_it_started(tmp_path: Path) -> None:
    began = time.monotonic()
    ended = Supervised().run(["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait"], {}, str(tmp_path), 1)
    assert ended.code is None and time.monotonic() - began < 10
    assert gone_within(int((tmp_path / "pid").read_text()), 2)


def test_a_signal_is_an_exit_code(tmp_path: Path) -> None:
    assert Supervised().run(["sh", "-c", "kill -9 $$"], {}, str(tmp_path), 20).code == 137


def test_nothing_outlives_the_one_who_wanted_it(tmp_path: Path) -> None:
    """Killed with its whole session, as the worker of an ansible-playbook may be."""
    code = (
        "from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.supervised import Supervised\n"
        f"Supervised().run(['sh', '-c', 'sleep 60 & echo $! > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; wait'], {{}}, '.', 60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    caller = subprocess.Popen([sys.executable, "-c", code], env=environment, start_new_session=True)
    end = time.monotonic() + 20
    while not (tmp_path / "pid").exists():
        assert time.monotonic() < end and caller.poll() is None
        time.sleep(0.05)
    sleeper = int((tmp_path / "pid").read_text())
    assert alive(sleeper)
    os.killpg(caller.pid, signal.SIGKILL)
    caller.wait()
    assert gone_within(sleeper, 3)
